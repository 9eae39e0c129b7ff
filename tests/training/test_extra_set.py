"""The extra sets of faces of a recipe."""

import json
from pathlib import Path

import numpy as np
import pytest

from keras_fld.data import read
from keras_fld.data.prepared.writing import Part, prepare
from keras_fld.training import recipes
from keras_fld.training.extra_set import ExtraSet, extra_set
from keras_fld.training.recipe import Recipe, saved_recipe
from tests.data import released

RESULTS = Path(__file__).parents[2] / "results"


def test_a_name_alone_is_a_set_shown_once():
    assert extra_set("mtfl") == ExtraSet("mtfl", "mtfl", repeats=1, weight=1.0, validation=0.0)
    fields = {"name": "aflw68", "dataset": "own", "attributes": ["left"]}
    assert extra_set(fields) == ExtraSet("aflw68", "own", attributes=("left",))
    assert Recipe(extra=("pts", fields)).extra == (ExtraSet("pts"), extra_set(fields))


def test_a_recipe_comes_back_from_its_file():
    recipe = recipes.get("trnet20_300w_all")
    assert saved_recipe(json.loads(json.dumps(_fields(recipe)))) == recipe
    assert recipe.extra[0].dataset == "own" and recipe.extra[0].repeats > 1


@pytest.mark.parametrize("path", sorted(RESULTS.rglob("recipe.json")), ids=lambda p: p.parent.name)
def test_recipes_of_earlier_runs_are_read(path):
    fields = json.loads(path.read_text("utf-8"))["recipe"]
    if "score" in path.parts or "loss" not in fields:
        pytest.skip("another kind of run")
    names = [extra.name for extra in saved_recipe(fields).extra]
    given = [
        extra if isinstance(extra, str) else extra["name"] for extra in fields.get("extra", [])
    ]
    assert names == given


@pytest.mark.parametrize(
    ("options", "rule"),
    [
        ({"dataset": "faces"}, "dataset of the extra set 'x' must be prepared or one of .*'faces'"),
        ({"repeats": 0}, "repeats of an extra set must be at least 1. Got: 0"),
        ({"weight": 0.0}, "weight of an extra set must be above 0. Got: 0"),
        ({"weight": float("inf")}, "weight of an extra set must be above 0. Got: inf"),
        ({"recast": {"each": 0}}, "recast portraits of each face must be at least 1. Got: 0"),
        ({"recast": {"each": 1, "yaw": []}}, "yaw of recast portraits must be at least 0 degrees"),
        ({"recast": {"each": 1, "identity": -1}}, "identity of recast portraits must be at least"),
        (
            {"recast": {"each": 1, "surroundings": 2}},
            "surroundings must be between 0 and 1. Got: 2",
        ),
        ({"validation": 1.0}, "validation of an extra set must be at least 0 and below 1. Got: 1"),
    ],
)
def test_bad_sets_are_refused(options, rule):
    with pytest.raises(ValueError, match=rule):
        ExtraSet("x", **{"dataset": "own", **options})


def test_two_sets_of_one_name_are_refused():
    with pytest.raises(ValueError, match="extra sets must have different names. Got: pts, pts"):
        Recipe(extra=("pts", "pts"))


@pytest.fixture
def own(tmp_path):
    """Custom faces, every second one turned to the left."""
    path = released.write_own(tmp_path)
    content = json.loads(path.read_text("utf-8"))
    for index, face in enumerate(content["faces"]):
        face |= {"split": "train", "attributes": [["left", "right"][index % 2]]}
    content["faces"][0]["points"][2] = None
    path.write_text(json.dumps(content), "utf-8")
    return path


def test_the_faces_to_train_with_are_chosen_weighted_and_not_held_out(own):
    every = read("own", own)
    left = ExtraSet("x", "own", weight=0.5, attributes=("left",)).read(own)
    assert [face.name for face in left.faces] == [face.name for face in every.faces[::2]]
    assert all((face.weights == np.float32(0.5)).all() for face in left.faces)
    assert np.isnan(left.faces[0].landmarks[2]).all(), "what is not annotated stays so"
    rest, held = every.split(0.4)
    found = ExtraSet("x", "own", validation=0.4).read(own)
    assert [face.name for face in found.faces] == [face.name for face in rest.faces]
    assert len(held) and all(face.weights is None for face in found.faces)
    with pytest.raises(ValueError, match="'x' must have one of the attributes up. Got: none in"):
        ExtraSet("x", "own", attributes=("up",)).read(own)


def test_faces_are_recast_with_their_weights(tmp_path):
    pairs = [(face.image, face.landmarks) for face in released.drawn(3, "ibug68")]
    path = released.write_faces(tmp_path, "ibug68", pairs)
    how = {"each": 2, "yaw": [5.0], "backdrop": False}
    found = ExtraSet("x", "own", weight=0.5, recast=how)
    assert saved_recipe(json.loads(json.dumps(_fields(Recipe(extra=(found,)))))).extra == (found,)
    made = found.read(path)
    assert len(made) == 6 and len({face.group for face in made.faces}) == 3
    assert all((face.weights == np.float32(0.5)).all() for face in made.faces)
    with pytest.raises(ValueError, match="recast faces must have the scheme ibug68. Got: five"):
        ExtraSet("x", "own", recast=how).read(released.write_own(tmp_path / "five"))


def test_any_prepared_folder_is_read_whatever_its_dataset(own, tmp_path):
    faces = read("own", own)
    prepare("own", [Part("train", faces, wide=True)], tmp_path / "ready")
    for dataset in ("prepared", "own"):
        assert len(ExtraSet("x", dataset).read(tmp_path / "ready")) == len(faces)


def _fields(recipe):
    import dataclasses

    return dataclasses.asdict(recipe)
