"""The readers of files that come from elsewhere, and good files to start changing from.

A reader may give a result, or a ValueError that names the file or its folder. Anything else that it
does with any bytes is a fault.

Of a `.tflite` file the metadata alone is read here. Opening it as a `LiteModel` hands the rest to
LiteRT's interpreter, whose native code follows the file's offsets unchecked: a changed file may end
the process, which nothing in the package could refuse or mend. So may a changed ERT, whose trees
dlib reads.
"""

import io
import json
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

from keras_fld._internal.files import write_json
from keras_fld.data.faces import Face
from keras_fld.data.prepared import reading, records, shards
from keras_fld.data.readers import aflw, coco, cofw, labelme, mtfl, own, pts, pts_folder, wflw
from keras_fld.geometry.frame import FaceCrop
from keras_fld.predict import metadata
from keras_fld.reports.comparison import compare
from tests.data import released
from tests.fuzz import baselines, exports, lists, runs, tiny_tflite

CASES = Path(__file__).parent / "cases"
_FRAME = FaceCrop(8)


@dataclass(frozen=True)
class Target:
    """A reader.

    Args:
        name: the file's name.
        seeds: function that gives good contents of it.
        read: function of the file's path that reads it.
        beside: function of a folder that puts there what else the reader needs.
    """

    name: str
    seeds: Callable
    read: Callable
    beside: Callable = lambda folder: None

    def run(self, content, folder):
        """Reads some bytes as the file; raises what is not allowed.

        Args:
            content: bytes.
            folder: where `beside` has been.
        """
        path = folder / self.name
        path.write_bytes(content)
        try:
            self.read(path)
        except ValueError as error:
            if str(folder) not in str(error):
                raise AssertionError(f"the message must name {path}") from error

    def cases(self, key):
        """The stored inputs that were once read wrongly, or led somewhere new: path to bytes."""
        return {path: path.read_bytes() for path in sorted((CASES / key).glob("*"))}


def _read_faces(read):
    """Reads all of a split, pictures that the file itself holds too."""

    def all_of_it(path):
        for face in read(path).faces:
            assert face.landmarks.ndim == 2 and not np.isinf(face.landmarks).any()
            assert np.isfinite(face.box).all() and (face.box[2:] > 0).all()
            assert all(isinstance(text, str) for text in (face.name, face.group, *face.attributes))
            assert all(0 < distance < np.inf for distance in face.distances.values())
            assert face.occluded is None or face.occluded.shape == face.landmarks.shape[:1]
            if callable(face.source):
                assert face.image().dtype == np.uint8

    return all_of_it


def _own(kind):
    def seeds():
        with TemporaryDirectory() as folder:
            return [released.write_own(Path(folder), 3, 1, kind).read_bytes(), _FEATURES[kind]]

    return seeds


# What `write_own` leaves out: boxes, flags, groups, attributes, distances.
_FEATURES = {
    "json": json.dumps(
        {
            "scheme": {
                **released.FIVE,
                "normalizers": {"nose_mouth": [["nose"], ["left mouth"]]},
            },
            "faces": [
                {
                    "image": "photos/0.png",
                    "points": [[1, 2], None, [3.5, 4], [5, 6], [7, 8]],
                    "split": "train",
                    "group": "me",
                    "box": [1, 1, 9, 9],
                    "occluded": [True, False, False, False, False],
                    "attributes": ["dark"],
                    "distances": {"eyes": 9.5},
                }
            ],
        }
    ).encode(),
    "csv": b"image,group,box_x,box_y,box_width,box_height,"
    + ",".join(f"{name}_{axis}" for name in released.FIVE["landmarks"] for axis in "xy").encode()
    + b",nose_occluded\nphotos/0.png,me,1,1,9,9,1,2,,,3,4,5,6,7,8,1\n",
}


def _own_beside(folder):
    for index in range(3):
        (folder / "photos").mkdir(exist_ok=True)
        (folder / f"photos/{index}.png").write_bytes(b"")
    (folder / "faces.scheme.json").write_text(json.dumps(released.FIVE))


def _scheme_beside(folder):
    _own_beside(folder)
    (folder / "faces.csv").write_bytes(_FEATURES["csv"])


def _read_scheme(path):
    own.read(path.parent / "faces.csv")


def _mat_files(write):
    with TemporaryDirectory() as folder:
        return write(Path(folder))


def _cofw_seeds():
    def write(folder):
        path = folder / "COFW_test_color.mat"
        flags = np.eye(29, dtype=bool)[:2]
        released.write_cofw(path, "T", released.drawn(2, "cofw29", size=48), (1,), flags)
        return [path.read_bytes()]

    return _mat_files(write)


def _aflw_seeds():
    def write(folder):
        faces = released.drawn(3, "aflw19", size=48)
        visible = np.ones((3, 19), bool)
        visible[1, 4] = False
        found = []
        for compressed in (False, True):
            from scipy.io import savemat

            variables = released.aflw_variables(
                ["a.jpg", "bb.jpg", "c.jpg"], faces, visible, [2, 0, 1]
            )
            savemat(folder / "a.mat", variables, do_compression=compressed)
            found.append((folder / "a.mat").read_bytes())
        return found

    return _mat_files(write)


def _aflw_beside(folder):
    for name in ("a.jpg", "bb.jpg", "c.jpg"):
        (folder / name).write_bytes(b"")


@cache
def _examples():
    """Records of two faces, one with all that a record may have."""
    drawn = released.drawn(1, "cofw29", size=48)[0]
    plain = Face("a", lambda: drawn.image, drawn.landmarks, np.array([4.0, 4, 30, 30]), "a")
    full = Face(
        "b",
        lambda: drawn.image,
        drawn.landmarks,
        np.array([4.0, 4, 30, 30]),
        "g",
        np.eye(29, dtype=bool)[0],
        {"face_box": 30.0},
        frozenset({"dark"}),
    )
    return [shards._encode(face, _FRAME, False) for face in (plain, full)]


def _shard_seeds():
    file = io.BytesIO()
    for data in _examples():
        records.write_record(file, data)
    return [file.getvalue()]


def _read_example(path):
    """Reads a record of these bytes, whose checksums are right."""
    shard = path.with_suffix(".tfrecord")
    with shard.open("wb") as file:
        records.write_record(file, path.read_bytes())
    _read_faces(_Faces)(shard)


def _manifest_seeds():
    part = {
        "name": "cofw train",
        "scheme": "cofw29",
        "faces": 2,
        "wide": False,
        "missing": [],
        "skipped": [],
        "normalizer": "inter_ocular",
        "attributes": [],
        "fingerprint": "0",
        "shards": [{"file": "a.tfrecord", "faces": 2, "bytes": 1, "sha256": "0", "skipped": []}],
    }
    manifest = {
        "format": 1,
        "dataset": "cofw",
        "options": {},
        "frame": asdict(_FRAME),
        "faces_per_shard": 2,
        "skip_bad": False,
        "splits": {"train": part},
    }
    return [json.dumps(manifest).encode()]


def _read_manifest(path):
    reading.read_prepared(path.parent, "train")


def _evaluation():
    column = {"name": ["a", "b"], "inter_pupil": [4.5, None]}
    regions = {"common": {"nose": [3.0, 4.0]}}
    about = {"dataset": "300w", "model": "m", "faces": {"common": column}}
    return {**about, "region_faces": regions}


def _read_evaluation(path):
    compare(path.parent / "before.json", path)


def _recipe_seeds():
    from keras_fld.training.recipe import Recipe

    return [json.dumps({"recipe": asdict(Recipe()), "backend": "tensorflow"}).encode()]


def _read_recipe(path):
    from keras_fld.training import record
    from keras_fld.training.recipe import Recipe

    record.check_recipe(path, Recipe())


TARGETS = {
    "pts": Target(
        "a.pts",
        lambda: [b"version: 1\nn_points: 2\n{\n1.5 2\n-3e1 4\n}\n", b"{\n1 2\n}"],
        lambda path: pts.read_pts(path, None),
    ),
    "pts_folder": Target(
        "a.pts",
        exports.pts_seeds,
        _read_faces(lambda path: pts_folder.read(path.parent, scheme=released.FIVE)),
        lambda folder: (folder / "a.jpg").write_bytes(b""),
    ),
    "coco": Target(
        "annotations.json", exports.coco_seeds, _read_faces(coco.read), exports.photographs_beside
    ),
    "labelme": Target(
        "a.json", exports.labelme_seeds, _read_faces(labelme.read), exports.photographs_beside
    ),
    "predicted_json": Target(
        "0.json", exports.predicted("json"), _read_faces(own.read), exports.photographs_beside
    ),
    "predicted_csv": Target(
        "0.csv", exports.predicted("csv"), _read_faces(own.read), exports.photographs_beside
    ),
    "image": Target("a.jpg", exports.image_seeds, exports.read_header),
    "own_csv": Target("faces.csv", _own("csv"), _read_faces(own.read), _own_beside),
    "own_json": Target("faces.json", _own("json"), _read_faces(own.read), _own_beside),
    "own_layout": Target(
        "faces.scheme.json",
        lambda: [json.dumps(released.FIVE).encode()],
        _read_scheme,
        _scheme_beside,
    ),
    "cofw": Target(
        "COFW_test_color.mat",
        _cofw_seeds,
        _read_faces(lambda path: cofw.read(path.parent, "test")),
    ),
    "aflw": Target(
        aflw.INFO, _aflw_seeds, _read_faces(lambda path: aflw.read(path.parent)), _aflw_beside
    ),
    "shard": Target("a.tfrecord", _shard_seeds, _read_faces(lambda path: _Faces(path))),
    "example": Target("a.example", _examples, _read_example),
    "manifest": Target(
        reading.MANIFEST,
        _manifest_seeds,
        _read_manifest,
        lambda folder: (folder / "a.tfrecord").write_bytes(_shard_seeds()[0]),
    ),
    "tflite": Target("a.tflite", tiny_tflite.seeds, metadata.read),
    "evaluation": Target(
        "after.json",
        lambda: [json.dumps(_evaluation()).encode()],
        _read_evaluation,
        lambda folder: write_json(folder / "before.json", _evaluation()),
    ),
    "recipe": Target("recipe.json", _recipe_seeds, _read_recipe),
    "wflw": Target(
        f"{wflw.LISTS}/list_98pt_rect_attr_test.txt",
        lists.wflw_seeds,
        _read_faces(lambda path: wflw.read(path.parents[2], "test")),
        lists.wflw_beside,
    ),
    "mtfl": Target(
        mtfl.LISTS["test"],
        lists.mtfl_seeds,
        _read_faces(lambda path: mtfl.read(path.parent, "test")),
        lists.mtfl_beside,
    ),
    "mtfl_table": Target(
        "points.csv",
        lists.mtfl_table_seeds,
        _read_faces(lambda path: mtfl.read(path.parent)),
        lists.mtfl_beside,
    ),
    "baseline": Target("a.npz", baselines.seeds, baselines.read),
    "baseline_array": Target("a.array", baselines.array_seeds, baselines.read_array),
    "run_log": Target("log.csv", lambda: [runs.LOG], runs.read, runs.write_recipe),
    "run_recipe": Target("recipe.json", runs.recipe_seeds, runs.read, runs.write_log),
    "run_evaluation": Target(
        "evaluation.json", runs.evaluation_seeds, runs.read, runs.write_recipe
    ),
}


class _Faces:
    """A shard's faces as `_read_faces` takes them; their crops are no photographs."""

    def __init__(self, path):
        found = shards.read_shard(path, _FRAME)
        for face in found:
            assert face.source.cut(_FRAME, _FRAME).shape == (8, 8, 3)
        self.faces = [replace(face, source=path) for face in found]
