"""The files of the page: its own files, the model, and the face detector."""

import gzip
from dataclasses import dataclass
from pathlib import Path

from keras_fld import zoo
from keras_fld._internal.files import replacing
from keras_fld.predict import metadata
from keras_fld.predict.detectors import blazeface, box_map

PAGE = Path(__file__).parent / "page"
DEFAULT_PRESET = "trnet20_300w"

_TYPES = {
    ".css": "text/css; charset=utf-8",
    ".html": "text/html; charset=utf-8",
    ".jpg": "image/jpeg",
    ".js": "text/javascript; charset=utf-8",
    ".json": "application/json",
    ".md": "text/plain; charset=utf-8",
    ".svg": "image/svg+xml",
    ".tflite": "application/octet-stream",
    ".txt": "text/plain; charset=utf-8",
    ".wasm": "application/wasm",
}
# Input and output types that the browser's runtime supports.
_DTYPES = ("uint8", "float32")


@dataclass(frozen=True)
class PageFile:
    """A file as sent to the browser.

    Args:
        content: its bytes, compressed if `gzipped`.
        gzipped: whether the content is compressed with gzip.
        media_type: value of Content-Type.
    """

    content: bytes
    gzipped: bool
    media_type: str

    def plain(self):
        """Returns the uncompressed bytes."""
        return gzip.decompress(self.content) if self.gzipped else self.content


def page_files(model=DEFAULT_PRESET):
    """Returns all files of the page.

    Args:
        model: the name of a preset, or the path of a `.tflite` file.

    Returns:
        A dictionary from addresses such as "/app.js" to `PageFile`.

    Raises:
        ValueError: the model cannot be read, lacks this package's metadata, or cannot run in a
            browser.

    Examples:
        >>> page_files("face.tflite")["/model.tflite"].media_type
        'application/octet-stream'
    """
    files = {"/model.tflite": _file(".tflite", _model(model))}
    for path in sorted(PAGE.rglob("*")):
        gzipped = path.suffix == ".gz"
        suffix = Path(path.stem).suffix if gzipped else path.suffix
        if path.is_file() and suffix in _TYPES:
            address = "/" + path.relative_to(PAGE).as_posix().removesuffix(".gz")
            files[address] = _file(suffix, path.read_bytes(), gzipped)
    files["/"] = files["/index.html"]
    for path in [*Path(blazeface.__file__).parent.iterdir(), box_map.FILE]:
        if path.suffix in _TYPES:
            files[f"/blazeface/{path.name}"] = _file(path.suffix, path.read_bytes())
    return files


def copy_page(folder, model=DEFAULT_PRESET):
    """Writes the page as static files, for any HTTPS server.

    Args:
        folder: the folder to write to. It is created if it does not exist.
        model: as in `page_files`.

    Raises:
        ValueError: as in `page_files`, or the folder cannot be written.
    """
    for address, file in page_files(model).items():
        if address != "/":
            with replacing(Path(folder) / address[1:]) as temporary:
                temporary.write_bytes(file.plain())


def _file(suffix, content, gzipped=False):
    return PageFile(content, gzipped, _TYPES[suffix])


def _model(model):
    """Returns the bytes of a model, after checks that the page can run it."""
    path = zoo.lite_file(model) if model in zoo.names() else Path(model)
    if path.suffix != ".tflite":
        raise ValueError(
            "the page's model must be a .tflite file or a preset "
            f"({', '.join(zoo.names())}). Got: {model}"
        )
    about = metadata.read(path)
    if about is None:
        raise ValueError(
            f"{path}: the model has no keras_fld metadata; convert it with keras-fld convert"
        )
    if "kind" in about:
        raise ValueError(
            f"{path}: the page needs a landmark model. Got: a model of kind {about['kind']}"
        )
    for side in ("input", "output"):
        dtype = about[side].get("dtype") if isinstance(about.get(side), dict) else None
        if dtype not in _DTYPES:
            raise ValueError(
                f"{path}: the browser's runtime needs {' or '.join(_DTYPES)} {side}; "
                f"convert with --mode int8. Got: {dtype}"
            )
    return path.read_bytes()
