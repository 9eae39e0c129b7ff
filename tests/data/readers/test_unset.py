"""Points that mean "not annotated", and MERL-RAV's signs."""

import json

import numpy as np
import pytest

from keras_fld.data import read
from keras_fld.data.check import check
from keras_fld.data.readers.pts import write_pts
from keras_fld.data.readers.signs import has_signs, without_signs
from keras_fld.data.readers.unset import Unset
from tests.data import released


def _own(folder, points):
    records = []
    for index, face in enumerate(points):
        image = released.drawn(len(points), "ibug68")[index].image
        released.save_image(folder / f"{index}.png", image)
        records.append({"image": f"{index}.png", "points": face.tolist()})
    path = folder / "faces.json"
    path.write_text(json.dumps({"scheme": "ibug68", "faces": records}))
    return path


@pytest.fixture
def points():
    return [face.landmarks.astype(float) for face in released.drawn(2, "ibug68")]


@pytest.mark.parametrize("marker", [(0, 0), (-1, -1)])
def test_a_place_that_two_landmarks_share_is_not_annotated(tmp_path, points, marker):
    points[0][5] = points[1][60] = marker
    path = _own(tmp_path, points)
    faces = read("own", path)
    assert np.isnan(faces.faces[0].landmarks[5]).all()
    assert np.isnan(faces.faces[1].landmarks[60]).all()
    assert sum(np.isnan(face.landmarks).sum() for face in faces.faces) == 4
    assert faces.faces[0].box[0] > 1  # the box is around the face, not to the corner
    (note,) = faces.notes
    assert note.startswith(f"2 landmarks at exactly ({marker[0]}, {marker[1]}) are read as not")
    assert note in str(check("own", path)) and check("own", path).parts[0].cornered == 0
    kept = read("own", path, unset="keep")
    assert not np.isnan(kept.faces[0].landmarks).any() and not kept.notes
    assert tuple(kept.faces[0].landmarks[5]) == marker
    assert check("own", path, unset="keep").parts[0].cornered == 2


def test_one_alone_is_kept_and_named_unless_the_caller_says(tmp_path, points):
    points[0][5] = 0, 0
    path = _own(tmp_path, points)
    faces = read("own", path)
    assert tuple(faces.faces[0].landmarks[5]) == (0, 0) and not faces.notes
    assert "landmarks at exactly (0, 0), (-1, -1) or (-2, -2): 1;" in str(check("own", path))
    assert np.isnan(read("own", path, unset="zeros").faces[0].landmarks[5]).all()
    assert tuple(read("own", path, unset="minus").faces[0].landmarks[5]) == (0, 0)
    with pytest.raises(ValueError, match="unset must be one of auto, keep, zeros, minus"):
        read("own", path, unset="nothing")


def test_a_file_of_damaged_points_is_still_refused_by_the_rule_of_points():
    rule = Unset([[[0, 0], None, "x", [1], ["a", "b"], [10**400, 1], [0.0, -0.0]]])
    assert rule.marks([0, 0]) and not rule.marks([0, 1]) and not rule.marks(None)


def test_pts_files_say_it_too(tmp_path, points):
    for index, face in enumerate(points):
        face[7] = -1, -1  # 0 0 in the file, whose numbers begin at 1
        released.save_image(tmp_path / f"{index}.png", np.zeros((160, 160, 3), np.uint8))
        write_pts(tmp_path / f"{index}.pts", face)
    faces = read("pts", tmp_path)
    assert all(np.isnan(face.landmarks[7]).all() for face in faces.faces)
    assert "2 landmarks at exactly (0, 0)" in faces.notes[0]


def _write_merl_rav(folder, points, hidden, occluded):
    """A face in MERL-RAV's format: 1-based, -1 -1 where the head hides a landmark."""
    lines = []
    for index, (x, y) in enumerate(points + 1):
        if index in hidden:
            lines.append("-1 -1")
        elif index in occluded:
            lines.append(f"{-x} {-y}")
        else:
            lines.append(f"{x} {y}")
    text = "\n".join(["version: 1", "n_points:  68", "{", *lines, "}"])
    (folder / "image1.pts").write_text(text)
    released.save_image(folder / "image1.jpg", np.zeros((400, 400, 3), np.uint8))


def test_merl_rav_is_read(tmp_path, points):
    face = points[0] + 200
    _write_merl_rav(tmp_path, face, (0, 1, 2), (3, 4, 30))
    faces = read("pts", tmp_path)
    (found,) = faces.faces
    assert np.isnan(found.landmarks[:3]).all()
    np.testing.assert_allclose(found.landmarks[3:], face[3:], atol=1e-3)
    assert np.flatnonzero(found.occluded).tolist() == [0, 1, 2, 3, 4, 30]
    assert "negative points are read as in MERL-RAV" in faces.notes[0]
    assert check("pts", tmp_path).good
    plain = read("pts", tmp_path, signs="plain", unset="keep").faces[0].landmarks
    np.testing.assert_allclose(plain[3], -face[3] - 2, atol=1e-3)
    assert plain[0].tolist() == [-2, -2]
    with pytest.raises(ValueError, match="signs must be one of auto, merl-rav, plain"):
        read("pts", tmp_path, signs="yes")


def test_a_face_cut_by_the_corner_has_no_signs(points):
    """Real positions left of and above the photograph are not changed."""
    face = points[0] - points[0].mean(axis=0)  # a quarter of it is outside
    assert (face < 0).all(axis=-1).any() and not has_signs(face)
    assert not has_signs(points[0]) and not has_signs([]) and not has_signs([[-5, -5]])
    places, hidden = without_signs([[-1, -1], [-5, -6], [-5, 6], [7, 8]])
    np.testing.assert_array_equal(places, [[np.nan] * 2, [5, 6], [-5, 6], [7, 8]])
    assert hidden.tolist() == [True, True, False, False]
