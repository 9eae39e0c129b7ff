"""The size that an image file declares, before anything is decoded."""

import io
import re
import struct

import numpy as np

# The size of a text header stands within so many bytes.
_TEXT_HEAD = 4096


def declared_size(data: np.ndarray) -> tuple[int, int] | None:
    """(width, height) that a file's header declares; None where its format is unknown.

    Args:
        data: (bytes,) uint8, the file's content.
    """
    head = data[:_TEXT_HEAD].tobytes()
    if head[:4] == b"\x59\xa6\x6a\x95":  # Sun raster
        return struct.unpack(">LL", head[4:12]) if len(head) >= 12 else None
    if head[:4] == b"GIF8":  # imagesize takes the sides for signed numbers of 16 bits
        return struct.unpack("<HH", head[6:10]) if len(head) >= 10 else None
    for begins, found in _TEXT:
        if re.match(begins, head):
            return _numbers(re.search(found, head))
    # Here, as it takes 20 ms that arrays of pixels do not need.
    import imagesize  # type: ignore[import-untyped]

    # Longer digits than any size has would take it minutes.
    data = data[:_TEXT_HEAD] if head[:1] == b"P" else data
    size = imagesize.get(io.BytesIO(data.tobytes()), exif_rotation=False)
    return None if size == (-1, -1) else size


# Formats with a text header that imagesize does not know: PAM, PFM and Radiance HDR, whose height
# comes first.
_TEXT = (
    (rb"P7\s", rb"(?s)(?=.*?WIDTH\s+(?P<w>\d{1,18}))(?=.*?HEIGHT\s+(?P<h>\d{1,18}))"),
    (rb"P[Ff]\s", rb"P[Ff]\s+(?P<w>\d{1,18})\s+(?P<h>\d{1,18})"),
    (rb"#\?", rb"[-+][YX]\s+(?P<h>\d{1,18})\s+[-+][YX]\s+(?P<w>\d{1,18})"),
)


def _numbers(match):
    return match and (int(match["w"]), int(match["h"]))
