"""Models compiled with each loss, opened in a process that knows nothing of them."""

import json
import subprocess
import sys

import keras
import numpy as np
import pytest
from keras import ops

from keras_fld import losses, metrics
from tests.losses.reference import OPTIONS
from tests.losses.test_classes import face_height

# Prints, for each file, the loss it was compiled with and its value, and what one evaluates to.
SCRIPT = """
import json, sys
from pathlib import Path
import numpy as np
import keras
from keras import ops
{imports}

@keras.saving.register_keras_serializable(package="keras_fld_tests")
def face_height(y_true):
    return ops.max(y_true[..., 1], axis=-1) - ops.min(y_true[..., 1], axis=-1)

folder = Path(sys.argv[1])
data = np.load(folder / "data.npz")
for path in sorted(folder.glob("*.keras")):
    model = {load}
    loss = keras.saving.serialize_keras_object(model.loss)
    value = float(ops.convert_to_numpy(model.loss(data["y"], model(data["x"]))))
    print(json.dumps([path.stem, loss["registered_name"], loss["config"], value]))
    if path.stem == "nme":
        print(json.dumps(model.evaluate(data["x"], data["y"], verbose=0, return_dict=True)))
"""


def run(script, *folders):
    """What a script in a fresh process prints."""
    command = [sys.executable, "-c", script, *map(str, folders)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return [json.loads(line) for line in done.stdout.splitlines() if line.startswith(("[", "{"))]


def small_model_and_data():
    rng = np.random.default_rng(0)
    x = rng.normal(size=(3, 4)).astype(np.float32)
    y = rng.uniform(0, 64, (3, 68, 2)).astype(np.float32)
    y[0, 50] = np.nan
    layers = [keras.Input((4,)), keras.layers.Dense(136), keras.layers.Reshape((68, 2))]
    return keras.Sequential(layers), x, y


def save_models(folder, cases, compiled=None):
    """A small model per case in the folder, and what a fresh process should print of them."""
    expected = []
    for case, loss in sorted(cases.items()):
        model, x, y = small_model_and_data()
        model.compile("sgd", loss=loss, metrics=compiled)
        model.save(folder / f"{case}.keras")
        value = float(ops.convert_to_numpy(loss(y, model(x))))
        registered = f"keras_fld>{type(loss).__name__}"
        expected.append([case, registered, loss.get_config(), pytest.approx(value, rel=1e-5)])
        if case == "nme":
            result = model.evaluate(x, y, verbose=0, return_dict=True)
            expected.append(pytest.approx(result, rel=1e-5))
    np.savez(folder / "data.npz", x=x, y=y)
    return expected


def test_load_model_needs_only_the_losses(tmp_path):
    cases = {n: losses.get(n, normalizer="inter_ocular", **o) for n, o in OPTIONS.items()}
    cases["function"] = losses.ENME(normalizer=face_height)
    expected = save_models(tmp_path, cases)
    script = SCRIPT.format(imports="import keras_fld.losses", load="keras.saving.load_model(path)")
    assert run(script, tmp_path) == expected


# Prints what each file evaluates to.
EVALUATE = """
import json, sys
from pathlib import Path
import numpy as np
import keras_fld as fld

folder = Path(sys.argv[2])
data = np.load(folder / "data.npz")
for path in sorted(folder.glob("*.keras")):
    model = fld.load_model(path, compile=True)
    print(json.dumps([path.stem, model.evaluate(data["x"], data["y"], verbose=0)]))
"""


def test_load_of_the_package_needs_nothing(tmp_path):
    """Neither for a model compiled with a loss and metrics, nor for one with a function."""
    classes, functions = tmp_path / "classes", tmp_path / "functions"
    for folder in (classes, functions):
        folder.mkdir()
    cases = {n: losses.get(n, **o) for n, o in OPTIONS.items()}
    compiled = [metrics.NME("inter_ocular"), metrics.FailureRate(), metrics.CEDAUC(limit=8.0)]
    expected = save_models(classes, cases, compiled)
    for name in sorted(OPTIONS):
        model, x, y = small_model_and_data()
        model.compile("sgd", loss=getattr(losses, name))
        model.save(functions / f"{name}.keras")
        expected.append([name, pytest.approx(model.evaluate(x, y, verbose=0), rel=1e-5)])
    np.savez(functions / "data.npz", x=x, y=y)
    script = SCRIPT.format(
        imports="import keras_fld as fld", load="fld.load_model(path, compile=True)"
    )
    assert run(script + EVALUATE, classes, functions) == expected
