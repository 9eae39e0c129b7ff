"""What an installation lacks, said in one line with the command that installs it."""

import importlib
from importlib.util import find_spec
from types import ModuleType, TracebackType

# Modules by the group of pyproject.toml that installs them, "" for every installation; and what the
# package is called where that is not the module's name.
_GROUPS = {
    "ai_edge_litert": "",
    "apache_beam": "beam",
    "av": "video",
    "click": "",
    "cv2": "",
    "dlib": "baselines",
    "flatbuffers": "",
    "google_crc32c": "",
    "h5py": "datasets",
    "imagesize": "",
    "jax": "jax",
    "keras": "",
    "matplotlib": "plots",
    "numpy": "",
    "skimage": "notebooks",
    "tensorflow": "tensorflow",
    "tensorflow_model_optimization": "compress",
    "tf_keras": "compress",
    "torch": "torch",
}
_PACKAGES = {
    "ai_edge_litert": "ai-edge-litert",
    "apache_beam": "Apache Beam",
    "av": "PyAV",
    "cv2": "opencv-python",
    "google_crc32c": "google-crc32c",
    "skimage": "scikit-image",
    "tensorflow": "TensorFlow",
    "tensorflow_model_optimization": "tensorflow-model-optimization",
    "torch": "PyTorch",
}
# What quantization-aware training, pruning and clustering need.
FINE_TUNING = ("tensorflow", "tf_keras", "tensorflow_model_optimization")
_BACKENDS = ("tensorflow", "jax", "torch")


def install(*groups: str) -> str:
    """Returns the command that installs extras of the package.

    Examples:
        >>> install("tensorflow", "compress")
        'pip install "keras-fld[tensorflow,compress]"'
    """
    named = ",".join(filter(None, groups))
    return f'pip install "keras-fld[{named}]"' if named else "pip install keras-fld"


def load(module: str, purpose: str) -> ModuleType:
    """Imports a module of an optional package.

    Args:
        module: name of the module, such as "matplotlib.figure".
        purpose: what needs it, for the error, such as "Drawing curves".

    Raises:
        ImportError: it is not installed; the message says how to install it.

    Examples:
        >>> load("h5py", "Reading COFW").File
        <class 'h5py._hl.files.File'>
    """
    try:
        return importlib.import_module(module)
    except ImportError as error:
        raise explained(error, purpose) from error


def check_installed(*modules: str, purpose: str) -> None:
    """Raises an ImportError if a module is not installed, without importing any.

    Args:
        modules: names of the modules.
        purpose: as in `load`.
    """
    missing = [name for name in modules if find_spec(name) is None]
    if missing:
        raise ImportError(_needs(missing[0], purpose, *map(_GROUPS.__getitem__, modules)))


def explained(error: ImportError, purpose: str = "") -> ImportError:
    """Returns an error that says what to install if a package is missing; otherwise the error.

    Args:
        error: the error of an import.
        purpose: as in `load`.

    Examples:
        >>> print(explained(ImportError("No module named 'h5py'", name="h5py"), "Reading COFW"))
        Reading COFW needs h5py: pip install "keras-fld[datasets]"
    """
    name = (error.name or "").partition(".")[0]
    if name == "cv2" and "shared object file" in str(error):
        return ImportError(
            f"OpenCV cannot be loaded ({error}). On a machine without a desktop install "
            "opencv-python-headless instead of opencv-python"
        )
    # The own message of a package that is installed but broken says more.
    if name not in _GROUPS or find_spec(name) is not None:
        return error
    if name in _BACKENDS and not purpose and _from_keras(error.__traceback__):
        return ImportError(
            f"Keras needs its backend {_PACKAGES.get(name, name)}: {install(_GROUPS[name])}; or "
            f"set KERAS_BACKEND to an installed one ({', '.join(_BACKENDS)})"
        )
    return ImportError(_needs(name, purpose, _GROUPS[name]))


def _needs(name, purpose, *groups):
    package = _PACKAGES.get(name, name)
    how = install(*dict.fromkeys(groups))
    return f"{purpose} needs {package}: {how}" if purpose else f"{package} is not installed: {how}"


def _from_keras(trace: TracebackType | None) -> bool:
    """Whether an import failed inside Keras."""
    while trace is not None:
        if trace.tb_frame.f_globals.get("__name__", "").partition(".")[0] == "keras":
            return True
        trace = trace.tb_next
    return False
