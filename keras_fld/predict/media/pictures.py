"""From FFmpeg's frames to upright RGB pictures without the comb of interlacing."""

from collections.abc import Iterator
from fractions import Fraction
from typing import Any

import cv2
import numpy as np

from keras_fld.predict.media import ffmpeg

# How a picture must be turned, by the degrees of its rotation tag, counterclockwise.
_TURNS = {
    90: cv2.ROTATE_90_COUNTERCLOCKWISE,
    180: cv2.ROTATE_180,
    270: cv2.ROTATE_90_CLOCKWISE,
}


class Pictures:
    """Turns decoded frames into pictures.

    An interlaced frame is two half pictures, 1/50 s or 1/60 s apart, woven into each other.
    FFmpeg's `bwdif` makes one whole picture of it, at the time of the first; other frames it
    leaves as they are. It needs the frame after, so pictures come one frame late once the first
    such frame is seen.
    """

    def __init__(self) -> None:
        self._av = ffmpeg.load()
        self._reformatter = self._av.video.reformatter.VideoReformatter()
        self._graph: Any = None
        self._shape: tuple | None = None
        self._rotation = 0

    def of(self, frame: Any) -> Iterator[tuple[Fraction | None, np.ndarray]]:
        """Yields what a frame completes: seconds as of the file, (height, width, 3) RGB."""
        self._rotation = frame.rotation
        shape = (frame.width, frame.height, frame.format.name)
        if self._graph is not None and shape != self._shape:
            yield from self.rest()
        if self._graph is None:
            if not frame.interlaced_frame:
                yield self._picture(frame)
                return
            self._graph, self._shape = self._deinterlacer(frame), shape
        self._graph.push(frame)
        yield from self._pull()

    def rest(self) -> Iterator[tuple[Fraction | None, np.ndarray]]:
        """Yields what is left when no frame follows, as `of`."""
        if self._graph is not None:
            self._graph.push(None)
            yield from self._pull()
            self._graph = None

    def _deinterlacer(self, frame):
        graph = self._av.filter.Graph()
        source = graph.add_buffer(
            width=frame.width,
            height=frame.height,
            format=frame.format,
            time_base=frame.time_base,
        )
        graph.link_nodes(
            source,
            graph.add("bwdif", "mode=send_frame:deint=interlaced"),
            graph.add("buffersink"),
        ).configure()
        return graph

    def _pull(self):
        while True:
            try:
                frame = self._graph.pull()
            except (BlockingIOError, EOFError):  # PyAV's errors of these names are these too
                return
            yield self._picture(frame)

    def _picture(self, frame):
        rgb = self._reformatter.reformat(frame, format="rgb24", threads=1).to_ndarray()
        turn = _TURNS.get(round(self._rotation / 90) * 90 % 360)
        rgb = np.ascontiguousarray(rgb) if turn is None else cv2.rotate(rgb, turn)
        seconds = None if frame.pts is None else frame.pts * frame.time_base
        return seconds, rgb
