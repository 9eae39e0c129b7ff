"""Converts FFmpeg's frames to upright, deinterlaced RGB pictures."""

from collections.abc import Iterator
from fractions import Fraction
from typing import Any

import cv2
import numpy as np

from keras_fld.predict.media import ffmpeg

# Rotation of a picture, by the degrees of its rotation tag, counterclockwise.
_TURNS = {
    90: cv2.ROTATE_90_COUNTERCLOCKWISE,
    180: cv2.ROTATE_180,
    270: cv2.ROTATE_90_CLOCKWISE,
}


class Pictures:
    """Converts decoded frames to pictures.

    An interlaced frame consists of two interleaved fields that are 1/50 or 1/60 s apart. FFmpeg's
    `bwdif` converts it to one full picture at the time of the first field, and leaves other frames
    unchanged. It needs the following frame, so pictures are delayed by one frame after the first
    interlaced frame.
    """

    def __init__(self) -> None:
        self._av = ffmpeg.load()
        self._reformatter = self._av.video.reformatter.VideoReformatter()
        self._graph: Any = None
        self._shape: tuple | None = None
        self._rotation = 0

    def of(self, frame: Any) -> Iterator[tuple[Fraction | None, np.ndarray]]:
        """Yields the pictures that a frame completes: seconds and (height, width, 3) RGB."""
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
        """Yields the remaining pictures after the last frame, as in `of`."""
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
            except (BlockingIOError, EOFError):  # PyAV's errors of these names are subclasses
                return
            yield self._picture(frame)

    def _picture(self, frame):
        rgb = self._reformatter.reformat(frame, format="rgb24", threads=1).to_ndarray()
        turn = _TURNS.get(round(self._rotation / 90) * 90 % 360)
        rgb = np.ascontiguousarray(rgb) if turn is None else cv2.rotate(rgb, turn)
        seconds = None if frame.pts is None else frame.pts * frame.time_base
        return seconds, rgb
