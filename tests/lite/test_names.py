import os
import subprocess
import sys

import pytest

# TensorFlow takes seconds to load, so each order gets a fork of a process that has loaded it.
CODE = """
import importlib, inspect, os, pkgutil
import keras
import keras_fld as fld

names = [found.name for found in pkgutil.walk_packages(fld.lite.__path__, "keras_fld.lite.")]
assert {"keras_fld.lite.conversion", "keras_fld.lite.tfmot.qat"} <= set(names)
for backwards in (False, True):
    child = os.fork()
    if not child:
        for name in sorted(names, reverse=backwards):
            importlib.import_module(name)
        for name in ("benchmark", "compress", "convert", "export", "parity", "qat"):
            assert inspect.isfunction(getattr(fld.lite, name)), name
        os._exit(0)
    assert os.waitpid(child, 0)[1] == 0, f"backwards: {backwards}"
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs a system with fork")
def test_public_functions_stay_functions_when_the_submodules_are_imported():
    done = subprocess.run([sys.executable, "-c", CODE], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
