"""Atomic file writes, JSON files, and errors that name their file."""

import errno
import hashlib
import json
import os
import platform
import tempfile
from contextlib import contextmanager
from pathlib import Path

# Errors of the disk or folder, such as no space, no permission, or a folder in the file's place.
_REFUSALS = {
    errno.EACCES,
    errno.EDQUOT,
    errno.EFBIG,
    errno.EIO,
    errno.EISDIR,
    errno.ENAMETOOLONG,
    errno.ENOSPC,
    errno.EPERM,
    errno.EROFS,
}
# A longer suffix is not a file format but part of a name that contains a dot.
_LONGEST_ENDING = 20


class FileError(ValueError):
    """An error in a file. The message is `path, place: rule`.

    Args:
        path: the file or folder.
        rule: the rule that is broken, and what was given.
        place: place in the file, such as "line 5".

    Examples:
        >>> raise FileError("faces/a.pts", "a point must be two numbers. Got: 'x'", "line 5")
        Traceback (most recent call last):
        keras_fld._internal.files.FileError: faces/a.pts, line 5: a point must be two numbers. ...
    """

    def __init__(self, path, rule, place=""):
        super().__init__(path, rule, place)  # pickle needs all arguments
        self.path, self.rule, self.place = Path(path), rule, place

    def __str__(self):
        return self._message(str(self.path))

    def relative_to(self, root):
        """Returns the message with the path relative to a folder.

        Reports use this, because they are shared and must not show local paths.

        Args:
            root: the folder. A file elsewhere is called by its name only. None returns the message
                with the full path.
        """
        if root is None:
            return str(self)
        if self.path == Path(root):
            return self._message("")
        inside = self.path.is_relative_to(root)
        return self._message(str(self.path.relative_to(root)) if inside else self.path.name)

    def _message(self, name):
        where = ", ".join(filter(None, (printable(name), self.place)))
        return f"{where}: {self.rule}" if where else self.rule


def printable(name: object) -> str:
    """A file's name, or a text with one, in one line that every terminal and file takes.

    Names may hold line ends, and bytes that are no UTF-8.

    Examples:
        >>> print(printable("a\\nb.jpg"))
        a\\nb.jpg
    """
    text = str(name)
    if text.isprintable():
        return text
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)


def name_bytes(name: str) -> bytes:
    """A name as bytes, to be hashed: UTF-8, also of names whose bytes are none.

    Examples:
        >>> name_bytes("m\\udcfcller.jpg")
        b'm\\xed\\xb3\\xbcller.jpg'
    """
    return name.encode("utf-8", "surrogatepass")


def message_in(root, error):
    """Returns an error's message for a report on a folder; see `FileError.relative_to`."""
    return error.relative_to(root) if isinstance(error, FileError) else str(error)


@contextmanager
def replacing(path):
    """Writes a file atomically: yields a temporary path that replaces `path` on success.

    Other processes see the old file or the new one, never an incomplete one. If the process is
    killed, the temporary file remains; `sweep` removes it.

    Args:
        path: the file to write.

    Raises:
        ValueError: the folder is not writable, or the disk is full.

    Examples:
        >>> with replacing("report.json") as temporary:
        ...     temporary.write_text("{}")
    """
    path = Path(path)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(_ending(path), f"{_mine()}.", path.parent)
    except OSError as error:
        raise ValueError(f"{path}: cannot be written ({error.strerror})") from error
    os.close(handle)
    temporary = Path(name)
    try:
        yield temporary
        temporary.chmod(0o644 & ~_umask())
        temporary.replace(path)
    except OSError as error:
        if not _refused(error):
            raise
        raise ValueError(f"{path}: cannot be written ({reason(error)})") from error
    finally:
        temporary.unlink(missing_ok=True)


def check_writable(path, folder=False):
    """Checks before long work that the result can be written.

    Args:
        path: the file or folder to write. Its parent folders need not exist.
        folder: whether it is a folder.

    Raises:
        ValueError: the path is a folder instead of a file, or the other way round; or its folder is
            not writable.
    """
    path = Path(path)
    if path.exists() and path.is_dir() != folder:
        found = "a file" if folder else "a folder"
        raise ValueError(f"{path}: cannot be written (it is {found})")
    place = path if folder else path.parent
    while not place.exists() and place != place.parent:
        place = place.parent
    try:
        with tempfile.TemporaryFile(dir=place):
            pass
    except OSError as error:
        raise ValueError(f"{path}: cannot be written ({reason(error)})") from error


def sweep(folder):
    """Removes temporary files that killed processes on this machine left behind.

    Args:
        folder: a folder in which `replacing` wrote files. It need not exist.

    Examples:
        >>> sweep("run")
    """
    folder = Path(folder)
    for path in folder.glob(".unfinished.*") if folder.is_dir() else ():
        # .unfinished.MACHINE.PROCESS.RANDOM.SUFFIX
        machine, process = (path.name.split(".") + ["", ""])[2:4]
        if machine == _machine() and process.isdecimal() and not _runs(int(process)):
            path.unlink(missing_ok=True)


def reason(error):
    """Returns the reason of an error, without the number and path of an operating system error."""
    number = getattr(error, "errno", None)
    return os.strerror(number) if number else str(error).partition("\n")[0]


def _refused(error):
    # HDF5 gives the number only in its message.
    return error.errno in _REFUSALS or any(f"errno = {n}," in str(error) for n in _REFUSALS)


def _ending(path):
    """The suffix that the temporary file needs: Keras and OpenCV derive the format from it."""
    # Keras requires the double suffix. Nothing else is copied, because the name may already have
    # the maximum length.
    ending = ".weights.h5" if path.name.endswith(".weights.h5") else path.suffix
    return ending if len(ending) <= _LONGEST_ENDING else ""


def _mine():
    return f".unfinished.{_machine()}.{os.getpid()}"


def _machine():
    return "".join(filter(str.isalnum, platform.node()))[:40] or "here"


def _runs(process):
    if os.name != "posix":
        return True  # `os.kill` would end the process on Windows
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def _umask():
    mask = os.umask(0)
    os.umask(mask)
    return mask


def write_json(path, value):
    """Writes a JSON file. NaN is written as null."""
    with replacing(path) as temporary:
        temporary.write_text(json_text(value) + "\n", "utf-8")


def json_text(value):
    """Returns a value as JSON text. NumPy arrays become lists, NaN becomes null."""
    return json.dumps(_nulls(value), indent=1)


def read_json(path):
    """Reads a JSON file.

    Raises:
        ValueError: the file cannot be read, or is not JSON.
    """
    try:
        return json.loads(Path(path).read_text("utf-8"))
    except OSError as error:
        raise FileError(path, reason(error)) from error
    # Very long numbers raise a ValueError, too, and deeply nested brackets a RecursionError.
    except (ValueError, RecursionError) as error:
        raise FileError(path, f"not a JSON file ({error})") from error


def sha256(path):
    """Returns the SHA-256 of a file's content in hexadecimal."""
    with Path(path).open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _nulls(value):
    if isinstance(value, dict):
        return {key: _nulls(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_nulls(item) for item in value]
    if hasattr(value, "tolist"):  # NumPy arrays and numbers
        return _nulls(value.tolist())
    return None if isinstance(value, float) and value != value else value
