"""The files of a small training run."""

import json

from keras_fld._internal.files import write_json
from keras_fld.reports.run_folder import read_run

LOG = b"epoch,loss,nme,val_nme,seconds\n0,1.5,9.25,,3\n1,1e0,NA,8,3.5\n"
_RECIPE = {"recipe": {"loss": "enme", "epochs": 2}, "versions": {"keras": "3"}, "backend": "jax"}
_EVALUATION = {
    "dataset": "300w",
    "model": "m",
    "rows": [
        {
            "subset": "common",
            "normalizer": "inter_pupil",
            "faces": 2,
            "left_out": 0,
            "nme": 4.5,
            "interval": [4.5, None],
            "failure_rate": 0.0,
            "auc": 55.0,
        }
    ],
    "regions": {"common": {"nose": 3.5}},
    "visibility": {"common": {"visible": None}},
    "notes": ["a"],
    "faces": {"common": {"name": ["a", "b"], "inter_pupil": [4.5, None]}},
}


def recipe_seeds():
    return [json.dumps(_RECIPE).encode()]


def evaluation_seeds():
    return [json.dumps(_EVALUATION).encode()]


def write_recipe(folder):
    write_json(folder / "recipe.json", _RECIPE)


def write_log(folder):
    (folder / "log.csv").write_bytes(LOG)


def read(path):
    """Reads the run that a file is in."""
    run = read_run(path.parent)
    assert isinstance(run.recipe["epochs"], int) and isinstance(run.seconds, float)
    assert all(column.shape == (run.epochs,) for column in run.log.values())
    for found in run.evaluations:
        columns = [column for table in found.errors.values() for column in table.values()]
        assert all(column.dtype == float and column.ndim == 1 for column in columns)
