import json
import stat

import numpy as np
import pytest

from keras_fld.files import read_json, replacing, write_json


def test_a_failed_write_leaves_the_old_file_and_nothing_else(tmp_path):
    path = tmp_path / "a.json"
    path.write_text("old")
    with pytest.raises(RuntimeError), replacing(path) as temporary:
        temporary.write_text("half")
        raise RuntimeError
    assert path.read_text() == "old" and list(tmp_path.iterdir()) == [path]


def test_a_write_makes_its_folder_and_a_file_others_can_read(tmp_path):
    write_json(tmp_path / "deep" / "a.json", {"x": np.array([1.5, np.nan]), "n": np.int64(3)})
    path = tmp_path / "deep" / "a.json"
    assert json.loads(path.read_text()) == {"x": [1.5, None], "n": 3}
    assert path.stat().st_mode & stat.S_IRUSR


def test_a_folder_that_cannot_be_made_is_named(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(ValueError, match="cannot be written"), replacing(tmp_path / "file" / "a"):
        pass


def test_reading_json_names_the_file_that_is_not_one(tmp_path):
    write_json(tmp_path / "a.json", {"x": 1})
    assert read_json(tmp_path / "a.json") == {"x": 1}
    (tmp_path / "b.json").write_bytes(b"{\xff")
    with pytest.raises(ValueError, match="b.json: not a JSON file"):
        read_json(tmp_path / "b.json")
    with pytest.raises(ValueError, match="none.json: No such file"):
        read_json(tmp_path / "none.json")
