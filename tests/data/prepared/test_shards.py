import io
import json
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from keras_fld.data.crops import model_crops, training_crops
from keras_fld.data.faces import Face, FaceSet
from keras_fld.data.prepared.records import (
    decode_example,
    encode_example,
    read_records,
    write_record,
)
from keras_fld.data.prepared.shards import read_shard, summary, write_shard
from keras_fld.geometry.frame import FaceCrop
from keras_fld.schemes import IBUG68
from tests.data.drawn_faces import drawn_set

FRAME = FaceCrop(16)


def _faces():
    """Three faces with everything that an annotation can contain."""
    first, second, third = drawn_set(3).faces
    landmarks = first.landmarks.copy()
    landmarks[5] = np.nan
    return [
        replace(
            first,
            landmarks=landmarks,
            occluded=np.arange(68) % 3 == 0,
            distances={"face_box": 1 / 3},
            attributes=frozenset({"blur", "Ünicode"}),
            weights=np.linspace(0, 1, 68, dtype=np.float32),
        ),
        second,
        third,
    ]


@pytest.fixture(scope="module")
def shard(tmp_path_factory):
    path = tmp_path_factory.mktemp("shards") / "train-00000-of-00001.tfrecord"
    return path, write_shard(_faces(), FRAME, path, wide=True)


def test_a_shard_gives_the_faces_and_both_crops_back(shard):
    path, record = shard
    found, faces = read_shard(path, FRAME), _faces()
    assert record["faces"] == len(found) == 3 and record["skipped"] == []
    assert {key: record[key] for key in ("bytes", "sha256")} == summary(path)
    for face, original in zip(found, faces, strict=True):
        assert (face.name, face.group, face.distances, face.attributes) == (
            original.name,
            original.group,
            original.distances,
            original.attributes,
        )
        np.testing.assert_array_equal(face.landmarks, original.landmarks)
        np.testing.assert_array_equal(face.box, original.box)
    np.testing.assert_array_equal(found[0].occluded, faces[0].occluded)
    np.testing.assert_array_equal(found[0].weights, faces[0].weights)
    assert found[1].occluded is None and found[1].weights is None
    for cut in (model_crops, training_crops):
        a, b = (cut(FaceSet("x", IBUG68, some), FRAME) for some in (found, faces))
        for i in range(3):
            np.testing.assert_array_equal(a.images[i], b.images[i])
        np.testing.assert_array_equal(a.landmarks, b.landmarks)
        np.testing.assert_array_equal(a.matrices, b.matrices)
        np.testing.assert_array_equal(a.weights, b.weights)
        assert a.weights.sum(axis=1).round(3).tolist() == [34, 68, 68], (
            "a face without weights has ones"
        )


def test_plain_tf_data_reads_it(shard):
    tf = pytest.importorskip("tensorflow")
    features = {
        "face": tf.io.FixedLenFeature([], tf.string),
        "landmarks": tf.io.FixedLenFeature([68, 2], tf.float32),
        "crop": tf.io.FixedLenFeature([], tf.string),
        "wide": tf.io.FixedLenFeature([], tf.string),
        "occluded": tf.io.VarLenFeature(tf.int64),
    }
    rows = [
        tf.io.parse_single_example(record, features)
        for record in tf.data.TFRecordDataset(str(shard[0]))
    ]
    assert len(rows) == 3
    data = model_crops(FaceSet("x", IBUG68, _faces()), FRAME)
    for i, (row, face) in enumerate(zip(rows, _faces(), strict=True)):
        assert json.loads(row["face"].numpy())["name"] == face.name
        np.testing.assert_array_equal(row["landmarks"].numpy(), face.landmarks)
        image = tf.reshape(tf.io.decode_raw(row["crop"], tf.uint8), (16, 16, 3))
        np.testing.assert_array_equal(image.numpy(), data.images[i])
    assert rows[0]["occluded"].values.numpy().tolist() == [int(i % 3 == 0) for i in range(68)]


def test_what_tensorflow_writes_is_read(tmp_path):
    tf = pytest.importorskip("tensorflow")
    example = tf.train.Example()
    example.features.feature["a"].bytes_list.value.append(b"some bytes")
    example.features.feature["b"].float_list.value.extend([1.5, -2.0])
    example.features.feature["c"].int64_list.value.extend([0, 300, 2**40])
    path = tmp_path / "of_tensorflow.tfrecord"
    with tf.io.TFRecordWriter(str(path)) as writer:
        writer.write(example.SerializeToString())
    (data,) = read_records(path.read_bytes(), path)
    found = decode_example(data)
    assert bytes(found["a"]) == b"some bytes"
    assert found["b"].tolist() == [1.5, -2.0] and found["c"].tolist() == [0, 300, 2**40]


@given(
    st.dictionaries(
        st.text(max_size=5),
        st.one_of(
            st.binary(max_size=300),
            st.lists(st.floats(width=32), min_size=1, max_size=5).map(np.float32),
            st.lists(st.integers(0, 2**62), min_size=1, max_size=5).map(np.array),
        ),
        max_size=4,
    )
)
def test_an_example_comes_back(features):
    file = io.BytesIO()
    write_record(file, encode_example(features))
    (data,) = read_records(file.getvalue(), "memory")
    found = decode_example(data)
    assert found.keys() == features.keys()
    for name, value in features.items():
        if isinstance(value, bytes):
            assert bytes(found[name]) == value
        else:
            np.testing.assert_array_equal(found[name], value)


@settings(max_examples=60, deadline=None)
@given(data=st.data())
def test_a_flipped_bit_is_one_error_that_names_the_shard(shard, tmp_path_factory, data):
    content = bytearray(shard[0].read_bytes())
    place = data.draw(st.integers(0, len(content) - 1))
    content[place] ^= 1 << data.draw(st.integers(0, 7))
    path = tmp_path_factory.mktemp("flipped") / "bad.tfrecord"
    path.write_bytes(content)
    with pytest.raises(ValueError, match=r"bad.tfrecord, record \d+ .*(damaged|truncated)"):
        read_shard(path, FRAME)


@settings(max_examples=40, deadline=None)
@given(data=st.data())
def test_a_shard_cut_off_is_an_error_unless_between_records(shard, tmp_path_factory, data):
    content = shard[0].read_bytes()
    length = data.draw(st.integers(0, len(content) - 1))
    path = tmp_path_factory.mktemp("cut") / "bad.tfrecord"
    path.write_bytes(content[:length])
    sizes = [len(record) + 16 for record in read_records(content, "whole")]
    if length in np.cumsum([0, *sizes]):
        assert len(read_shard(path, FRAME)) < 3  # the manifest's number tells
        return
    with pytest.raises(ValueError, match=r"bad.tfrecord, record \d+ at byte \d+: .*truncated"):
        read_shard(path, FRAME)


@settings(max_examples=60, deadline=None)
@given(st.binary(max_size=80))
def test_records_of_something_else_are_refused(tmp_path_factory, content):
    path = tmp_path_factory.mktemp("other") / "other.tfrecord"
    with path.open("wb") as file:
        write_record(file, content)
    with pytest.raises(ValueError, match=r"other.tfrecord, record 0: not a prepared face"):
        read_shard(path, FRAME)


def test_another_frame_and_missing_wide_crops_are_refused(shard, tmp_path):
    with pytest.raises(ValueError, match="a crop must be 32 x 32 pixels"):
        read_shard(shard[0], FaceCrop(32))
    faces = FaceSet("x", IBUG68, read_shard(shard[0], FRAME))
    with pytest.raises(ValueError, match=r"for FaceCrop\(size=16, margin=1.1\). Got: FaceCrop"):
        model_crops(faces, FaceCrop(16, 1.3))
    write_shard(_faces(), FRAME, tmp_path / "test.tfrecord", wide=False)
    faces = FaceSet("x", IBUG68, read_shard(tmp_path / "test.tfrecord", FRAME))
    with pytest.raises(ValueError, match="without the larger crops that augmentation needs"):
        training_crops(faces, FRAME)
    with pytest.raises(ValueError, match="no photographs"):
        faces.faces[0].image()


def test_a_bad_photograph_leaves_no_file_or_is_listed(tmp_path):
    bad = Face("gone", tmp_path / "gone.jpg", np.ones((68, 2)), np.array([0, 0, 9, 9]), "gone")
    path = tmp_path / "out" / "a.tfrecord"
    with pytest.raises(ValueError, match="gone.jpg: No such file"):
        write_shard([*_faces(), bad], FRAME, path, wide=False)
    assert list(path.parent.iterdir()) == []
    record = write_shard([*_faces(), bad], FRAME, path, wide=False, skip_bad=True)
    assert record["faces"] == 3 and "gone.jpg: No such file" in record["skipped"][0]
    with pytest.raises(ValueError, match="nowhere.tfrecord: No such file"):
        read_shard(tmp_path / "nowhere.tfrecord", FRAME)
