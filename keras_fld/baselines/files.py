"""The `.npz` files of baselines. They contain arrays and numbers, and no pickled objects."""

import json
import zipfile
from pathlib import Path

import numpy as np

from keras_fld import schemes
from keras_fld._internal.files import replacing
from keras_fld.geometry.frame import FaceCrop
from keras_fld.schemes import registry

FORMAT = 1
# Limit of the unpacked size in bytes. An ERT with the default options has a quarter of it.
LARGEST = 2**29


def save(path, method, frame, scheme, arrays):
    """Writes a baseline.

    Args:
        path: the file. Its name must end in `.npz`.
        method: "sdm" or "ert".
        frame: its `FaceCrop`.
        scheme: its `Scheme`.
        arrays: name to array, as needed by the method.

    Raises:
        ValueError: the name does not end in `.npz`, or the file cannot be written.
    """
    path = Path(path)
    if path.suffix != ".npz":
        raise ValueError(f"a baseline's file must end in .npz. Got: {path}")
    with replacing(path) as temporary:
        np.savez(
            temporary,
            format=FORMAT,
            method=method,
            size=frame.size,
            margin=frame.margin,
            scheme=_scheme_text(scheme),
            **arrays,
        )


def load(path):
    """Reads a baseline.

    Returns:
        Its method, frame, scheme and arrays.

    Raises:
        ValueError: the file is missing, damaged or not a baseline.
    """
    path = Path(path)
    arrays = _arrays(path)
    try:
        if int(arrays.pop("format")) != FORMAT:
            raise ValueError(f"the baseline must have format {FORMAT}")
        method = str(arrays.pop("method"))
        frame = FaceCrop(int(arrays.pop("size")), float(arrays.pop("margin")))
        scheme = _scheme(str(arrays.pop("scheme")))
        for name, array in arrays.items():
            if array.dtype.kind not in "iuf" or not np.isfinite(array).all():
                raise ValueError(f"{name} must be finite numbers. Got: {array.dtype} {array.shape}")
    except KeyError as error:
        raise ValueError(f"{path}: not a baseline of this package (no {error})") from error
    except (TypeError, ValueError, OverflowError, RecursionError) as error:
        raise ValueError(f"{path}: {error}") from error
    return method, frame, scheme, arrays


def _scheme_text(scheme):
    """The name of one of the package's schemes, or the JSON description of any other."""
    reference = registry.reference(scheme)
    return reference if isinstance(reference, str) else json.dumps(reference)


def _scheme(text):
    return schemes.get(json.loads(text) if text.startswith("{") else text)


def _arrays(path):
    """Name to array of a `.npz` file."""
    try:
        with zipfile.ZipFile(path) as archive:
            size = sum(member.file_size for member in archive.infolist())
    except FileNotFoundError as error:
        raise ValueError(f"{path}: no such file") from error
    except Exception as error:  # as below
        raise ValueError(f"{path}: not a .npz file, or a damaged one") from error
    if size > LARGEST:
        raise ValueError(f"{path}: must contain at most {LARGEST:,} bytes. Got: {size:,}")
    try:
        with np.load(path, allow_pickle=False) as file:
            # NumPy returns entries that are not arrays as bytes. `load` rejects them later.
            return {name: np.asarray(file[name]) for name in file.files}
    # Damaged archives and headers raise a dozen kinds of errors, even from Python's tokenizer.
    # NumPy's own message would suggest to allow pickle.
    except Exception as error:
        raise ValueError(f"{path}: not a .npz file, or a damaged one") from error
