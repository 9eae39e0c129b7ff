import numpy as np
import pytest

from keras_fld.data import crops, read, synthetic
from keras_fld.geometry.frame import FaceCrop
from tests.conftest import TRAINING, count_faces


def test_splits_hold_their_folders_and_name_what_is_missing(tree):
    train, common = read("300w", tree, "train"), read("300w", tree, "common")
    assert len(train) == 16 and len(common) == 6
    assert "helen/trainset has 0 of the official 2000 faces" in train.missing
    assert "lfpw/testset has 3 of the official 224 faces" in common.missing
    with pytest.raises(ValueError, match=r"the challenge split needs .pts files in ibug"):
        read("300w", tree, "challenge")
    full = read("300w", tree, "full")
    assert len(full) == 6 and any("ibug has 0" in sentence for sentence in full.missing)


def test_points_and_pixels_come_back_exactly(tree):
    face = read("300w", tree, "train").faces[3]
    drawn = synthetic.draw(3, size=96)
    np.testing.assert_allclose(face.landmarks, drawn.landmarks, atol=1e-4)
    np.testing.assert_array_equal(face.image(), drawn.image)


@pytest.mark.parametrize(
    ("damage", "rule"),
    [
        (lambda stem: stem.with_suffix(".pts").write_text("oops"), "expected 'version:'"),
        (lambda stem: stem.with_suffix(".png").unlink(), "no image"),
        (lambda stem: stem.with_suffix(".png").write_bytes(b"GIF89a"), "not an image"),
    ],
)
def test_a_bad_file_is_named_or_skipped_and_listed(own_tree, damage, rule):
    stem = own_tree / "afw" / "image_0002"
    damage(stem)
    with pytest.raises(ValueError, match=rule) as error:
        crops.model_crops(read("300w", own_tree, "train"), FaceCrop())
    assert str(stem) in str(error.value)
    faces = read("300w", own_tree, "train", skip_bad=True)
    data = crops.model_crops(faces, FaceCrop(), skip_bad=True)
    assert len(data) == 15
    (sentence,) = faces.skipped + data.skipped
    assert sentence.startswith("afw/image_0002.p") and str(own_tree) not in sentence


def test_folders_and_splits_that_do_not_exist_are_named(tmp_path):
    with pytest.raises(ValueError, match="no such folder"):
        read("300w", tmp_path / "none", "train")
    with pytest.raises(ValueError, match="needs .pts files in afw, helen/trainset, lfpw/trainset"):
        read("300w", tmp_path, "train")
    with pytest.raises(ValueError, match="split of 300w must be one of"):
        read("300w", tmp_path, "dev")
    with pytest.raises(ValueError, match="needs its folder"):
        read("300w")
    with pytest.raises(ValueError, match="dataset must be one of 300w, aflw, cofw, wflw"):
        read("400w", tmp_path)


def test_validation_keeps_the_faces_of_a_photograph_together(real_300w):
    faces = read("300w", real_300w, "train")
    assert len(faces) == count_faces(real_300w, *TRAINING) > 0
    rest, held = faces.split(0.1)
    assert len(rest) + len(held) == len(faces)
    assert 0.075 < len(held) / len(faces) < 0.125
    assert not {f.group for f in rest.faces} & {f.group for f in held.faces}
    groups = {f.name: f.group for f in faces.faces}
    assert groups["afw/111076519_1"] == groups["afw/111076519_2"]
    assert groups["lfpw/trainset/image_0002"] != groups["lfpw/trainset/image_0003"]


def test_the_common_subset_is_complete(real_300w):
    common = read("300w", real_300w, "common")
    assert len(common) == 554 and not common.missing
