"""What `keras-fld predict` is given: photographs, videos, and folders of both."""

from dataclasses import dataclass
from pathlib import Path

from keras_fld.output import IMAGE_FORMATS, VIDEO_FORMATS

VIDEO_SUFFIXES = frozenset(
    (".avi", ".m4v", ".mkv", ".mov", ".mp4", ".mpeg", ".mpg", ".webm", ".wmv")
)
IMAGE_SUFFIXES = frozenset((".bmp", ".jpeg", ".jpg", ".png", ".tif", ".tiff", ".webp"))

# What is written where no formats are named.
DEFAULTS = {"image": ("png", "json"), "video": ("mp4", "jsonl")}
_FORMATS = {"image": IMAGE_FORMATS, "video": VIDEO_FORMATS}


@dataclass(frozen=True)
class Source:
    """One photograph or video.

    Args:
        path: the file, as it was given.
        kind: "image" or "video".
    """

    path: Path
    kind: str


def sources(path):
    """The photographs and videos that a path stands for.

    Args:
        path: a file, which is a photograph where its suffix is not a video's; or a folder, whose
            photographs and videos are taken by name, hidden ones and those of folders in it not.

    Returns:
        A list of `Source`.

    Raises:
        ValueError: the folder has none, or cannot be read.

    Example:
        >>> [source.kind for source in sources("clip.mp4")]
        ['video']
    """
    path = Path(path)
    if not path.is_dir():
        return [Source(path, _kind(path))]
    try:
        files = sorted(file for file in path.iterdir() if file.is_file())
    except OSError as error:
        raise ValueError(f"{path}: {error.strerror or error}") from error
    suffixes = VIDEO_SUFFIXES | IMAGE_SUFFIXES
    # Hidden: what a killed process left half-written, and the ._ files of some systems.
    files = [file for file in files if not file.name.startswith(".")]
    found = [Source(file, _kind(file)) for file in files if file.suffix.lower() in suffixes]
    if not found:
        raise ValueError(f"{path}: the folder has no image or video in it")
    return found


def output_names(found):
    """What the files of each source are called, without the formats' suffixes.

    That is its name without the suffix; with it where two would be the same, as a phone's
    photograph and the video taken with it.

    Raises:
        ValueError: two files have the same name.

    Example:
        >>> output_names([Source(Path("a.jpg"), "image"), Source(Path("b.mp4"), "video")])
        ['a', 'b']
    """
    stems = [source.path.stem for source in found]
    names = [
        source.path.name if stems.count(source.path.stem) > 1 else source.path.stem
        for source in found
    ]
    for name in names:
        if names.count(name) > 1:
            raise ValueError(
                f"two inputs have the same name and would overwrite each other's result: {name}"
            )
    return names


def formats_of(kind, named):
    """The formats to write for a photograph or a video.

    Args:
        kind: "image" or "video".
        named: formats that the user names, for both kinds; none takes the defaults.

    Raises:
        ValueError: none of the named ones is for this kind.
    """
    formats = tuple(dict.fromkeys(f for f in named if f in _FORMATS[kind]))
    if named and not formats:
        raise ValueError(
            f"a format for {kind}s must be one of {', '.join(_FORMATS[kind])}. "
            f"Got: {', '.join(named)}"
        )
    return formats or DEFAULTS[kind]


def _kind(path):
    return "video" if path.suffix.lower() in VIDEO_SUFFIXES else "image"
