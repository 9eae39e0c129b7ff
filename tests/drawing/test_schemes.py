import importlib.util
from pathlib import Path

import cv2
import numpy as np
import pytest

from keras_fld import drawing
from keras_fld.drawing import schemes
from keras_fld.schemes import SCHEMES, WFLW98
from keras_fld.schemes.conversion import conversions

DOCS = Path(__file__).parents[2] / "docs" / "schemes"


@pytest.mark.parametrize("name", SCHEMES)
def test_every_landmark_is_drawn_in_its_place_and_its_patchs_color(name):
    scheme, size = SCHEMES[name], 600
    picture = schemes.draw_scheme(name, size).astype(int)
    assert picture.shape == (size, size, 3)
    places = np.round(scheme.mean_shape * 0.86 * size + (size - 1) / 2).astype(int)
    hues = {}
    for patch, indices in scheme.patches.items():
        colors = np.array([picture[y, x] for x, y in places[list(indices)]])
        assert np.ptp(colors, axis=0).max() < 80 and (colors.min(axis=1) < 160).all()
        hues[patch] = tuple(colors[0])
    assert len(set(hues.values())) == len(hues)


@pytest.mark.parametrize("name", SCHEMES)
def test_no_number_covers_another_or_a_landmark(name):
    scheme = SCHEMES[name]
    canvas, place = schemes._canvas(900)
    points, taken = place(scheme.mean_shape), []
    for index, direction in enumerate(schemes._label_directions(scheme, points)):
        others = np.delete(points, index, axis=0)
        box = schemes._free_box(canvas, str(index), points[index], direction, others, taken)
        left, top, right, bottom = box
        assert not ((points > box[:2]) & (points < box[2:])).all(axis=1).any()
        assert not any(left < r and right > a and top < b and bottom > t for a, t, r, b in taken)
        taken.append(box)


@pytest.mark.parametrize(("source", "target"), conversions(), ids="-".join)
def test_a_conversion_shows_more_than_the_scheme(source, target):
    picture = schemes.draw_conversion(source, target, 500)
    assert picture.shape == (500, 500, 3)
    assert (picture != schemes.draw_scheme(target, 500)).any()


def test_indices_are_written_short():
    texts = [schemes._runs(g) for g in ((7,), (37, 38), range(36, 42), (60, 61, 63, 64, 65))]
    assert texts == ["7", "37,38", "36-41", "60,61,63-65"]


def test_errors_name_what_is_possible():
    assert drawing.draw_scheme is schemes.draw_scheme
    with pytest.raises(ValueError, match="size must be at least 200. Got: 100"):
        schemes.draw_scheme(WFLW98, 100)
    with pytest.raises(ValueError, match="scheme must be one of"):
        schemes.draw_scheme("wflw")
    with pytest.raises(ValueError, match="conversion must be one of"):
        schemes.draw_conversion("cofw29", "ibug68")


def test_the_pictures_of_the_documentation_are_those_that_the_command_draws(tmp_path):
    spec = importlib.util.spec_from_file_location("draw_schemes", DOCS / "draw.py")
    script = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(script)
    drawn = script.main(tmp_path)
    assert {p.name for p in drawn} == {p.name for p in DOCS.glob("*.png")}
    text = (DOCS / "README.md").read_text()
    for path in drawn:
        new, kept = (cv2.imread(str(p)).astype(int) for p in (path, DOCS / path.name))
        assert np.abs(new - kept).mean() < 0.2, f"{path.name}: run python docs/schemes/draw.py"
        assert f"({path.name})" in text
