"""Recipes are immutable."""

import json
import pickle
from dataclasses import asdict, replace

import pytest

from keras_fld.training import Recipe, recipes
from keras_fld.training.recipe import saved_recipe

OPTIONS = ("dataset_options", "network_options", "loss_options")


@pytest.mark.parametrize("field", OPTIONS)
def test_its_options_cannot_be_changed_in_place(field):
    given = {"alpha": 2.0} if field == "loss_options" else {"width": 0.5}
    recipe = Recipe(**{field: given})
    with pytest.raises(TypeError, match="cannot be changed"):
        getattr(recipe, field)["alpha"] = 4.0
    given["alpha"] = 4.0  # the caller's dictionary is a separate object
    assert getattr(recipe, field) != given


@pytest.mark.parametrize("name", recipes.names())
def test_it_comes_back_from_json_and_pickle_as_it_was(name):
    recipe = recipes.get(name)
    saved = saved_recipe(json.loads(json.dumps(asdict(recipe))))
    for field in OPTIONS:
        assert getattr(saved, field) == getattr(recipe, field)
    assert pickle.loads(pickle.dumps(recipe)) == recipe == replace(recipe)
    assert Recipe(**vars(recipe)) == recipe
