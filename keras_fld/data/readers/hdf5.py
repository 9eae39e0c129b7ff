"""Safe reading of MATLAB 7.3 files, which are HDF5 files with transposed arrays."""

from contextlib import contextmanager

import numpy as np

from keras_fld._internal.extras import load
from keras_fld._internal.files import FileError, reason

# Largest array in bytes that is read; a damaged header can declare any size.
LARGEST = 2**28


@contextmanager
def opened(path):
    """Opens a file as a context manager; any error is a ValueError with the file's name.

    Raises:
        ImportError: h5py is not installed.
        ValueError: the file is missing or damaged.
    """
    h5py = load("h5py", "Reading COFW's files")
    try:
        with h5py.File(path, "r") as file:
            yield file
    except Exception as error:  # h5py passes on any error of the C library in a damaged file
        said = " ".join(reason(error).split())[:200] or type(error).__name__
        raise FileError(path, f"not a readable MATLAB 7.3 file ({said})") from error


def table(file, name, columns):
    """Reads an array of a file.

    Args:
        file: an open file.
        name: name of the variable, or an object reference.
        columns: number of columns of a (rows, columns) float64 table; None returns the array as it
            is stored.

    Raises:
        ValueError: the array is missing, too large, or not such a table.
    """
    import h5py

    # A link could lead to another file.
    if isinstance(name, str) and not isinstance(file.get(name, getlink=True), h5py.HardLink):
        raise ValueError(f"the variable {name} is missing")
    array = file[name]
    if not isinstance(array, h5py.Dataset) or array.external or array.is_virtual:
        raise ValueError(f"{name} must be an array in the file itself")
    if array.size is None or array.size * max(1, array.dtype.itemsize) > LARGEST:
        raise ValueError(f"{name} must be an array of at most {LARGEST:,} bytes")
    values = array[()]
    if columns is None:
        return np.asarray(values)
    if values.ndim != 2 or columns not in values.shape or values.dtype.kind not in "fiu":
        raise ValueError(
            f"{name} must be a table of {columns} numbers for each face. "
            f"Got: {values.dtype} of shape {values.shape}"
        )
    # A row in MATLAB is a column in HDF5. Some converters transpose it back.
    return (values.T if values.shape[0] == columns else values).astype(float)
