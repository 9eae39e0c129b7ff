"""What `keras-fld predict` is given: photographs, videos, and folders of both."""

from dataclasses import dataclass
from pathlib import Path

from keras_fld._internal.files import reason
from keras_fld._internal.folders import visible_files
from keras_fld._internal.image_formats import HEAD, format_of, is_image
from keras_fld.predict.media import address, opening
from keras_fld.predict.output import IMAGE_FORMATS, VIDEO_FORMATS

# What is taken of a folder; a file that is named may be called anything.
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

# What is written where no formats are named.
DEFAULTS = {"image": ("png", "json"), "video": ("mp4", "jsonl")}
_FORMATS = {"image": IMAGE_FORMATS, "video": VIDEO_FORMATS}


@dataclass(frozen=True)
class Source:
    """One photograph or video.

    Args:
        path: the file, as it was given; or the URL of a stream.
        kind: "image" or "video".
    """

    path: Path | str
    kind: str


def sources(path, recursive=False):
    """The photographs and videos that a path stands for.

    A file's content says which it is; an animated image is an image, of which the first picture
    counts. Where the content is neither's, as of an empty file, its suffix says it.

    Args:
        path: a file; the URL of a stream, which is a video; or a folder, whose photographs are
            taken by their content, and videos by their suffixes, hidden ones not.
        recursive: whether to look into the folders of a folder too.

    Returns:
        A list of `Source`.

    Raises:
        ValueError: the folder has none, or cannot be read.

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
        raise ValueError(f"{path}: the folder has no image or video in it")
    return found


def output_names(found):
    """What the files of each source are called, without the formats' suffixes.

    That is its name without the suffix; with it where two would be the same, as a phone's
    photograph and the video taken with it. A stream's is the last part of its address, or else its
    server.

    Raises:
        ValueError: two files have the same name.

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
                f"two inputs have the same name and would overwrite each other's result: {name}"
            )
    return names


def protect_inputs(out, inputs, found, names, named=()):
    """Refuses a folder for results in which they would replace inputs, or become some.

    Args:
        out: the folder; it need not be there.
        inputs: the paths that were given.
        found: the `Source`s they stand for.
        names: what the files of each are called, as of `output_names`.
        named: formats that the user names, as of `formats_of`.

    Raises:
        ValueError: the folder is one of the inputs, or a result would be written over one.

    Examples:
        >>> protect_inputs("result", ["a.jpg"], [Source(Path("a.jpg"), "image")], ["a"])
    """
    out = Path(out)
    if any(_same(out, path) for path in inputs):
        raise ValueError(
            "--out would put results among the inputs, where the next run takes them for inputs: "
            f"it must be another folder. Got: {out}"
        )
    given = {_identity(source.path): source.path for source in found}
    given.pop(None, None)  # those that are not there
    for source, name in zip(found, names, strict=True):
        for suffix in _fitting(source.kind, named or DEFAULTS[source.kind]):
            path = given.get(_identity(out / f"{name}.{suffix}"))
            if path is not None:
                raise ValueError(
                    f"--out would overwrite the input {path}: results must not have the place of "
                    f"an input. Got: {out}"
                )


def formats_of(kind, named):
    """The formats to write for a photograph or a video.

    Args:
        kind: "image" or "video".
        named: formats that the user names, for both kinds; none takes the defaults.

    Raises:
        ValueError: none of the named ones is for this kind.
    """
    formats = tuple(dict.fromkeys(_fitting(kind, named)))
    if named and not formats:
        raise ValueError(
            f"a format for {kind}s must be one of {', '.join(_FORMATS[kind])}. "
            f"Got: {', '.join(named)}"
        )
    return formats or DEFAULTS[kind]


def _fitting(kind, formats):
    return [name for name in formats if name in _FORMATS[kind]]


def _identity(path):
    """What is the same for all names of a file, links to it included; None where it is not."""
    if address.is_url(path):
        return None
    try:
        status = Path(path).stat()
    except (OSError, ValueError):  # no such file; a name with a zero byte
        return None
    return status.st_dev, status.st_ino


def _same(path, other):
    identity = _identity(path)
    return identity is not None and identity == _identity(other)


def _kind(path):
    """By the content, where it is known; what cannot be read is refused later."""
    by_name = "video" if path.suffix.lower() in VIDEO_SUFFIXES else "image"
    try:
        # A pipe's first bytes can be read once only.
        head = path.open("rb").read(HEAD) if path.is_file() else b""
    except (OSError, ValueError):
        return by_name
    if format_of(head) is not None:
        return "image"
    if not head or by_name == "video":
        return by_name
    return "video" if opening.is_video(path) else "image"
