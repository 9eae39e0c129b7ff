"""A dictionary that refuses every way to change one."""

import copy
import json
import pickle

import pytest

from keras_fld._internal.frozen import FrozenDict

VALUES = {"alpha": 2.0, "stem": [24, 32], "inner": {"rows": [[1, 2]]}}


@pytest.mark.parametrize(
    ("method", "arguments"),
    [
        ("__setitem__", ("alpha", 1.0)),
        ("__delitem__", ("alpha",)),
        ("__ior__", ({"alpha": 1.0},)),
        ("clear", ()),
        ("pop", ("alpha",)),
        ("popitem", ()),
        ("setdefault", ("beta", 1.0)),
        ("update", ({"alpha": 1.0},)),
    ],
)
def test_nothing_changes_it(method, arguments):
    frozen = FrozenDict(VALUES)
    with pytest.raises(TypeError, match="cannot be changed"):
        getattr(frozen, method)(*arguments)
    assert frozen["alpha"] == 2.0 and len(frozen) == 3


def test_every_method_of_a_dictionary_that_changes_it_is_refused():
    reading = {"copy", "get", "items", "keys", "values", "fromkeys"}
    public = {name for name in vars(dict) if not name.startswith("_")} - reading
    changing = {*public, "__setitem__", "__delitem__", "__ior__"}
    assert all(vars(FrozenDict).get(name) is FrozenDict._refuse for name in changing)


def test_lists_in_it_are_tuples():
    frozen = FrozenDict(VALUES)
    assert frozen["stem"] == (24, 32) and frozen["inner"] == {"rows": ((1, 2),)}
    with pytest.raises(TypeError):
        frozen["inner"]["rows"] = ()
    assert VALUES["stem"] == [24, 32], "what it is made from stays"


def test_it_is_a_dictionary_to_json_pickle_and_copy():
    frozen = FrozenDict(VALUES)
    assert json.loads(json.dumps(frozen)) == VALUES
    for same in (pickle.loads(pickle.dumps(frozen)), copy.copy(frozen), copy.deepcopy(frozen)):
        assert same == frozen and type(same) is FrozenDict
    assert frozen | {"beta": 1} == {**frozen, "beta": 1}
