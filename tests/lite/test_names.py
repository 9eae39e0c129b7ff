import subprocess
import sys

import pytest

CODE = """
import importlib, inspect, pkgutil, sys
import keras_fld as fld

names = [found.name for found in pkgutil.walk_packages(fld.lite.__path__, "keras_fld.lite.")]
assert {"keras_fld.lite.conversion", "keras_fld.lite.tfmot.qat"} <= set(names)
for name in sorted(names, reverse=sys.argv[1] == "backwards"):
    importlib.import_module(name)
for name in ("benchmark", "compress", "convert", "export", "parity", "qat"):
    assert inspect.isfunction(getattr(fld.lite, name)), name
"""


@pytest.mark.parametrize("order", ["forwards", "backwards"])
def test_public_functions_stay_functions_when_the_submodules_are_imported(order):
    result = subprocess.run(
        [sys.executable, "-c", CODE, order], capture_output=True, text=True, check=False
    )
    assert result.returncode == 0, result.stderr
