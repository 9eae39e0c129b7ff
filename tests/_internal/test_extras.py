import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from keras_fld._internal import extras

ROOT = Path(__file__).parents[2]


def test_every_module_is_installed_by_the_group_that_it_is_said_to_be():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    groups = {"": project["dependencies"], **project["optional-dependencies"]}
    packages = {"cv2": "opencv-python", "skimage": "scikit-image"}
    for module, group in extras._GROUPS.items():
        if group == "video" and group not in groups:
            continue
        wanted = packages.get(module, module).replace("_", "-")
        assert any(line.replace("_", "-").startswith(wanted) for line in groups[group]), module


def test_what_is_installed_is_loaded():
    assert extras.load("json.decoder", "This").JSONDecoder
    extras.check_installed("numpy", "keras", purpose="This")


def test_a_package_that_is_there_but_broken_says_so_itself(tmp_path, monkeypatch):
    (tmp_path / "dlib.py").write_text("import a_module_that_no_one_has")
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delitem(sys.modules, "dlib", raising=False)
    with pytest.raises(ImportError, match="a_module_that_no_one_has"):
        extras.load("dlib", "This")
    monkeypatch.delitem(sys.modules, "dlib", raising=False)


def test_opencv_without_the_desktop_s_libraries():
    error = ImportError("libGL.so.1: cannot open shared object file: No such file", name="cv2")
    assert "install opencv-python-headless instead of" in str(extras.explained(error))
    again = extras.explained(extras.explained(error))
    assert str(again).count("headless") == 1


# What people import, and what they then miss.
MISSING = [
    ("keras", "keras_fld.losses", "keras is not installed: pip install keras-fld"),
    ("tensorflow", "keras_fld.losses", 'backend TensorFlow: pip install "keras-fld[tensorflow]"'),
    ("tensorflow", "keras_fld.models", 'backend TensorFlow: pip install "keras-fld[tensorflow]"'),
    ("tensorflow", "keras_fld.metrics", "set KERAS_BACKEND to an installed one"),
    ("tensorflow", "keras_fld.optimizers", "set KERAS_BACKEND to an installed one"),
    ("tensorflow", "keras_fld as fld; fld.training.train", "Keras needs its backend TensorFlow"),
    ("cv2", "keras_fld as fld; fld.FaceLandmarker", "opencv-python is not installed: pip install"),
    (
        "ai_edge_litert",
        "keras_fld as fld; fld.FaceLandmarker('trnet20_300w')",
        "Running a .tflite file needs ai-edge-litert: pip install keras-fld",
    ),
    (
        "matplotlib",
        "keras_fld as fld; fld.reports.ced_curves({'all': [3.0, 4.0]})",
        'Drawing curves needs matplotlib: pip install "keras-fld[plots]"',
    ),
    (
        "h5py",
        "keras_fld.data.readers.hdf5 as r; r.opened('a.mat').__enter__()",
        """Reading COFW's files needs h5py: pip install "keras-fld[datasets]""",
    ),
    ("dlib", "keras_fld.baselines.ert as e; e.load_dlib()", 'pip install "keras-fld[baselines]"'),
]


@pytest.mark.parametrize(("module", "code", "words"), MISSING)
def test_python_says_what_to_install(module, code, words):
    program = f"import sys; sys.modules[{module!r}] = None; import {code}"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert done.returncode == 1
    last = done.stderr.strip().splitlines()[-1]
    assert last.startswith("ImportError: ") and words in last, last
