"""Names of videos: paths and the URLs of streams."""

import re
from pathlib import Path
from urllib.parse import unquote, urlsplit

_URL = re.compile(r"[a-zA-Z][a-zA-Z0-9+.-]+://")


def is_url(path: str | Path) -> bool:
    """Whether a path is the URL of a stream.

    Examples:
        >>> is_url("rtsp://camera/1"), is_url("C:/clip.mp4")
        (True, False)
    """
    return isinstance(path, str) and bool(_URL.match(path))


def shown(path: str | Path) -> str:
    """Returns a path as shown in messages and results: a URL without user name and password."""
    if not is_url(path):
        return str(path)
    parts = urlsplit(str(path))
    return parts._replace(netloc=parts.netloc.rpartition("@")[2]).geturl()


def file_name(path: str | Path) -> str:
    """Returns a file's name, or a name for a stream that is derived from its URL.

    Examples:
        >>> file_name("http://camera/streams/door.m3u8?key=1")
        'door.m3u8'
    """
    if not is_url(path):
        return Path(path).name
    parts = urlsplit(str(path))
    last = unquote(parts.path).rstrip("/").rpartition("/")[2] or parts.hostname or "stream"
    return re.sub(r"[^\w.-]", "_", last).lstrip(".") or "stream"
