"""Opens the source of a video: a file, or a stream at a URL."""

from pathlib import Path
from typing import Any

from keras_fld._internal.files import FileError
from keras_fld._internal.files import reason as reason_of
from keras_fld.predict.media import ffmpeg
from keras_fld.predict.media.address import is_url, shown

# Protocols of streams, which FFmpeg reads itself.
SCHEMES = ("http", "https", "rtmp", "rtmps", "rtp", "rtsp", "rtsps", "srt", "tcp", "udp")
# Protocols that a stream's playlist may refer to. Local files are excluded.
_WITHIN_STREAMS = (*SCHEMES, "crypto", "data", "httpproxy", "tls")
# A video file may not refer to others, as a playlist does.
_WITHIN_FILES = ("none",)
# Formats that FFmpeg renders as pictures although they are not videos.
_NO_VIDEOS = ("bin", "tty", "xbin", "adf", "idf")
# A frame of 8192x8192 pixels takes 200 MB as RGB.
MAX_PIXELS = 1 << 26
# Number of bytes that FFmpeg reads from a file at a time.
_BUFFER = 1 << 18


def open_input(path: str | Path, timeout: float, max_pixels: int) -> tuple[Any, Any]:
    """Opens a file or a stream.

    Args:
        path: a path, or a URL with one of `SCHEMES`.
        timeout: seconds to wait for each response of a stream's server.
        max_pixels: largest number of pixels of a frame. FFmpeg checks it before allocating memory.

    Returns:
        PyAV's container, and the open file, which must be closed after it (None for a stream).

    Raises:
        ValueError: the source is missing, unreachable, or in a format that FFmpeg cannot read.
    """
    av = ffmpeg.load()
    options: dict[str, Any] = {
        "options": {"max_pixels": str(max_pixels)},
        "metadata_errors": "replace",
    }
    if is_url(path):
        return _open_stream(av, str(path), timeout, options), None
    try:
        # FFmpeg interprets parts of a name as protocols or patterns, so it only gets the open file.
        file = Path(path).open("rb")  # noqa: SIM115  # the caller closes it
    except (OSError, ValueError) as error:  # ValueError: a name with a zero byte
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
    """Whether the content of a file is a video in a format that FFmpeg reads.

    Examples:
        >>> is_video("clip.mp4")
        True
    """
    try:
        container, file = open_input(path, 1.0, MAX_PIXELS)
    except (ImportError, ValueError):
        return False
    with file, container:
        # Text files have pictures, too: FFmpeg renders their letters.
        stream = container.streams.best("video")
        return stream is not None and container.format.name not in _NO_VIDEOS


class _Nameless:
    """An open file without a name, from which PyAV would guess the format."""

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
            f"{shown(url)}: the URL of a stream must begin with one of "
            f"{', '.join(f'{name}://' for name in SCHEMES)}"
        )
    container_options = {
        "protocol_whitelist": ",".join(_WITHIN_STREAMS),
        "rtsp_flags": "prefer_tcp",
    }
    try:
        return av.open(url, container_options=container_options, timeout=timeout, **options)
    except av.error.ProtocolNotFoundError as error:
        raise ValueError(f"{shown(url)}: this FFmpeg does not support {scheme}://") from error
    except av.error.ExitError as error:  # raised by FFmpeg when the timeout ends a wait
        raise ValueError(f"{shown(url)}: no answer within {timeout:g} s") from error
    except (av.FFmpegError, OSError, ValueError) as error:
        raise ValueError(f"{shown(url)}: cannot be read ({ffmpeg.reason(error)})") from error


def _size(path):
    try:
        return f"{Path(path).stat().st_size} bytes"
    except OSError:
        return "no file"
