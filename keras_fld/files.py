"""Writing files whole or not at all, and reading JSON with the file's name in errors."""

import json
import os
import tempfile
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def replacing(path):
    """Gives a temporary path beside `path`, moved over it when the block ends well.

    A reader sees the old file or the new one, never half of one.

    Raises:
        ValueError: the folder cannot be written.

    Example:
        >>> with replacing("report.json") as temporary:
        ...     temporary.write_text("{}")
    """
    path = Path(path)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        # The suffixes stay last: Keras and OpenCV choose the format by them.
        handle, name = tempfile.mkstemp("".join(path.suffixes), ".unfinished.", path.parent)
    except OSError as error:
        raise ValueError(f"{path}: cannot be written ({error.strerror})") from error
    os.close(handle)
    temporary = Path(name)
    try:
        yield temporary
        temporary.chmod(0o644 & ~_umask())
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)


def _umask():
    mask = os.umask(0)
    os.umask(mask)
    return mask


def write_json(path, value):
    """Writes a JSON file, NaN as null."""
    with replacing(path) as temporary:
        temporary.write_text(json_text(value) + "\n", "utf-8")


def json_text(value):
    """A value as JSON: NumPy's arrays as lists, NaN as null."""
    return json.dumps(_nulls(value), indent=1)


def read_json(path):
    """Reads a JSON file.

    Raises:
        ValueError: the file cannot be read, or is not JSON.
    """
    try:
        return json.loads(Path(path).read_text("utf-8"))
    except OSError as error:
        raise ValueError(f"{path}: {error.strerror or error}") from error
    except (json.JSONDecodeError, UnicodeDecodeError) as error:
        raise ValueError(f"{path}: not a JSON file ({error})") from error


def _nulls(value):
    if isinstance(value, dict):
        return {key: _nulls(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_nulls(item) for item in value]
    if hasattr(value, "tolist"):  # NumPy arrays and numbers
        return _nulls(value.tolist())
    return None if isinstance(value, float) and value != value else value
