"""Opening what a video is read from: a file, or a stream at a URL."""

from pathlib import Path
from typing import Any

from keras_fld._internal.files import FileError
from keras_fld._internal.files import reason as reason_of
from keras_fld.predict.media import ffmpeg
from keras_fld.predict.media.address import is_url, shown

# What is read by FFmpeg's own protocols.
SCHEMES = ("http", "https", "rtmp", "rtmps", "rtp", "rtsp", "rtsps", "srt", "tcp", "udp")
# What a stream's playlist may lead to: never files of this machine.
_WITHIN_STREAMS = (*SCHEMES, "crypto", "data", "httpproxy", "tls")
# A file may lead nowhere: one that is a playlist would have the reader open others.
_WITHIN_FILES = ("none",)
# Formats of which FFmpeg makes pictures, though they are none.
_NO_VIDEOS = ("bin", "tty", "xbin", "adf", "idf")
# A frame of 8192x8192: 200 MB as RGB.
MAX_PIXELS = 1 << 26
# Bytes that FFmpeg asks the file for at once.
_BUFFER = 1 << 18


def open_input(path: str | Path, timeout: float, max_pixels: int) -> tuple[Any, Any]:
    """Opens a file or a stream.

    Args:
        path: a path, or a URL with one of `SCHEMES`.
        timeout: seconds to wait for a stream's server, each time.
        max_pixels: of a frame, which FFmpeg refuses before it makes room for a larger one.

    Returns:
        PyAV's container, and the open file to close after it, None for a stream.

    Raises:
        ValueError: it is missing, cannot be reached, or is in no format that FFmpeg reads.
    """
    av = ffmpeg.load()
    options: dict[str, Any] = {
        "options": {"max_pixels": str(max_pixels)},
        "metadata_errors": "replace",
    }
    if is_url(path):
        return _open_stream(av, str(path), timeout, options), None
    try:
        # Not by its name, of which FFmpeg takes a part for a protocol or a pattern.
        file = Path(path).open("rb")  # noqa: SIM115  # the caller closes it
    except (OSError, ValueError) as error:  # a name with a zero byte
        raise FileError(path, reason_of(error)) from error
    whitelist = {"protocol_whitelist": ",".join(_WITHIN_FILES)}
    try:
        container = av.open(
            _Nameless(file), container_options=whitelist, buffer_size=_BUFFER, **options
        )
    except (av.FFmpegError, OSError, ValueError) as error:
        file.close()
        raise FileError(path, f"not a video that can be read ({_size(path)})") from error
    except BaseException:
        file.close()
        raise
    return container, file


def is_video(path: str | Path) -> bool:
    """Whether a file is a video by its content, in a format that FFmpeg reads.

    Examples:
        >>> is_video("clip.part")
        True
    """
    try:
        container, file = open_input(path, 1.0, MAX_PIXELS)
    except (ImportError, ValueError):
        return False
    with file, container:
        # Text has pictures too: FFmpeg draws the letters.
        stream = container.streams.best("video")
        return stream is not None and container.format.name not in _NO_VIDEOS


class _Nameless:
    """An open file without its name, which PyAV would guess the format by."""

    def __init__(self, file):
        self.read, self.seek, self.tell, self.seekable = (
            file.read,
            file.seek,
            file.tell,
            file.seekable,
        )


def _open_stream(av, url, timeout, options):
    scheme = url.partition(":")[0].lower()
    if scheme not in SCHEMES:
        raise ValueError(
            f"{shown(url)}: a stream's address must begin with one of "
            f"{', '.join(f'{name}://' for name in SCHEMES)}"
        )
    container_options = {
        "protocol_whitelist": ",".join(_WITHIN_STREAMS),
        "rtsp_flags": "prefer_tcp",
    }
    try:
        return av.open(url, container_options=container_options, timeout=timeout, **options)
    except av.error.ProtocolNotFoundError as error:
        raise ValueError(f"{shown(url)}: this FFmpeg has no {scheme}://") from error
    except av.error.ExitError as error:  # how FFmpeg calls a wait that was ended
        raise ValueError(f"{shown(url)}: no answer within {timeout:g} s") from error
    except (av.FFmpegError, OSError, ValueError) as error:
        raise ValueError(f"{shown(url)}: cannot be read ({ffmpeg.reason(error)})") from error


def _size(path):
    try:
        return f"{Path(path).stat().st_size} bytes"
    except OSError:
        return "no file"
