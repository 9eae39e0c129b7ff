"""The inputs of `keras-fld predict`: photographs, videos, and folders of both."""

from dataclasses import dataclass
from pathlib import Path

from keras_fld._internal.files import reason
from keras_fld._internal.folders import visible_files
from keras_fld._internal.image_formats import HEAD, format_of, is_image
from keras_fld.predict.media import address, opening
from keras_fld.predict.output import IMAGE_FORMATS, VIDEO_FORMATS

# The videos that are read in a folder. A single file may have any suffix.
VIDEO_SUFFIXES = frozenset(
    (
        ".3gp",
        ".avi",
        ".dv",
        ".flv",
        ".m2ts",
        ".m4v",
        ".mkv",
        ".mov",
        ".mp4",
        ".mpeg",
        ".mpg",
        ".mts",
    )
    + (".ogv", ".ts", ".webm", ".wmv")
)

# Formats to write if the user names none.
DEFAULTS = {"image": ("png", "json"), "video": ("mp4", "jsonl")}
_FORMATS = {"image": IMAGE_FORMATS, "video": VIDEO_FORMATS}


@dataclass(frozen=True)
class Source:
    """One photograph or video.

    Args:
        path: the file as given by the user, or the URL of a stream.
        kind: "image" or "video".
    """

    path: Path | str
    kind: str


def sources(path, recursive=False):
    """Lists the photographs and videos at a path.

    Files are recognized by their content, or by their suffix if the content is unknown, as in an
    empty file. Animated images are images; only the first picture is used.

    Args:
        path: a file; the URL of a stream, which is a video; or a folder, whose photographs are
            recognized by content and videos by suffix. Hidden files are ignored.
        recursive: whether to search subfolders.

    Returns:
        A list of `Source`.

    Raises:
        ValueError: the folder contains no image or video, or cannot be read.

    Examples:
        >>> [source.kind for source in sources("clip.mp4")]
        ['video']
    """
    if address.is_url(path):
        return [Source(path, "video")]
    path = Path(path)
    if not path.is_dir():
        return [Source(path, _kind(path))]
    try:
        files = visible_files(path, recursive)
    except OSError as error:
        raise ValueError(f"{path}: {reason(error)}") from error
    found = [
        Source(file, _kind(file))
        for file in files
        if file.suffix.lower() in VIDEO_SUFFIXES or is_image(file)
    ]
    if not found:
        raise ValueError(f"{path}: the folder contains no image or video")
    return found


def output_names(found):
    """Names the output files of each source, without the formats' suffixes.

    The name is the source's without its suffix. The suffix is kept if two names would be equal, as
    with a photograph and a video that a phone took together. A stream is named after the last part
    of its address, or else after its server.

    Raises:
        ValueError: two sources have the same file name.

    Examples:
        >>> output_names([Source(Path("a.jpg"), "image"), Source(Path("b.mp4"), "video")])
        ['a', 'b']
    """
    files = [address.file_name(source.path) for source in found]
    stems = [Path(name).stem for name in files]
    names = [
        name if stems.count(stem) > 1 else stem for name, stem in zip(files, stems, strict=True)
    ]
    for name in names:
        if names.count(name) > 1:
            raise ValueError(
                f"two inputs are both named {name}, so one result would overwrite the other"
            )
    return names


def protect_inputs(out, inputs, found, names, named=()):
    """Refuses an output folder in which results would overwrite inputs or become inputs.

    Args:
        out: the output folder; it need not exist.
        inputs: the paths given by the user.
        found: their `Source`s.
        names: names of the output files, from `output_names`.
        named: formats given by the user, as in `formats_of`.

    Raises:
        ValueError: the folder is an input, or a result would overwrite an input.

    Examples:
        >>> protect_inputs("result", ["a.jpg"], [Source(Path("a.jpg"), "image")], ["a"])
    """
    out = Path(out)
    if any(_same(out, path) for path in inputs):
        raise ValueError(
            "--out must not be an input folder; otherwise the next run would read the results as "
            f"inputs. Got: {out}"
        )
    given = {_identity(source.path): source.path for source in found}
    given.pop(None, None)  # paths that do not exist
    for source, name in zip(found, names, strict=True):
        for suffix in _fitting(source.kind, named or DEFAULTS[source.kind]):
            path = given.get(_identity(out / f"{name}.{suffix}"))
            if path is not None:
                raise ValueError(
                    f"--out must be a folder in which no result overwrites the input {path}. "
                    f"Got: {out}"
                )


def formats_of(kind, named):
    """Returns the formats to write for a photograph or a video.

    Args:
        kind: "image" or "video".
        named: formats given by the user, for both kinds; empty selects the defaults.

    Raises:
        ValueError: none of the given formats is for this kind.
    """
    formats = tuple(dict.fromkeys(_fitting(kind, named)))
    if named and not formats:
        raise ValueError(
            f"the format for {kind}s must be one of {', '.join(_FORMATS[kind])}. "
            f"Got: {', '.join(named)}"
        )
    return formats or DEFAULTS[kind]


def _fitting(kind, formats):
    return [name for name in formats if name in _FORMATS[kind]]


def _identity(path):
    """A key that all names of a file share, including links; None if the file does not exist."""
    if address.is_url(path):
        return None
    try:
        status = Path(path).stat()
    except (OSError, ValueError):  # no such file, or a name with a zero byte
        return None
    return status.st_dev, status.st_ino


def _same(path, other):
    identity = _identity(path)
    return identity is not None and identity == _identity(other)


def _kind(path):
    """Recognizes a file by its content, else by its suffix. Unreadable files are reported later."""
    by_name = "video" if path.suffix.lower() in VIDEO_SUFFIXES else "image"
    try:
        # The first bytes of a pipe can be read only once.
        head = path.open("rb").read(HEAD) if path.is_file() else b""
    except (OSError, ValueError):
        return by_name
    if format_of(head) is not None:
        return "image"
    if not head or by_name == "video":
        return by_name
    return "video" if opening.is_video(path) else "image"
