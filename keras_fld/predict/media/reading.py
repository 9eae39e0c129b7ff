"""Frames of video files and streams, one after the other, with their times."""

import re
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path
from typing import Self

import numpy as np

from keras_fld.predict.media import address, ffmpeg, opening
from keras_fld.predict.media.pictures import Pictures
from keras_fld.predict.media.sound import Sound

# A container's own count may be off by this share; a file that ends earlier was cut off.
COUNT_TOLERANCE = 0.02
# Where it states how long it lasts only, by so many seconds too.
SECONDS_TOLERANCE = 1.0
# Errors in a row, while a file is read on after each.
_ERRORS = 16


class VideoFile:
    """The frames of a video file or stream, read once.

    Interlaced frames are deinterlaced, and a rotation tag turns the picture upright. Damaged frames
    are left out and counted. The pixels are the stored ones where these are not square.

    Args:
        path: a file in a format that FFmpeg reads, whatever its name; or a URL, such as
            "rtsp://camera/1", "https://server/clip.mp4". A stream that breaks off is an error,
            after its frames; opening it again is up to you.
        max_frames: end after so many; None reads to the end, which a stream need not have.
        max_pixels: of a frame; a file with larger ones is refused.
        timeout: seconds to wait for a stream's server, each time.
        sound: whether the sound is read too, for a `VideoWriter` that gets it while frames are
            read.

    Attributes:
        size: (width, height) of the first frame in pixels.
        fps: frames a second, on average.
        count: frames as the file says it or its duration has it; None where neither is known.
        time_base: seconds of which every time is a multiple, a `Fraction`.
        pixel_aspect: width of a pixel over its height, a `Fraction`.
        damaged: frames left out so far.
        sound: a `Sound`; None without.

    Raises:
        ValueError: the file is missing, not a video, or has too large frames; the stream cannot be
            read.
        ImportError: PyAV is not installed.

    Examples:
        >>> for number, time, frame in VideoFile("clip.mp4"):
        ...     print(number, time, frame.shape)
    """

    def __init__(
        self,
        path: str | Path,
        max_frames: int | None = None,
        max_pixels: int = opening.MAX_PIXELS,
        timeout: float = 10.0,
        sound: bool = False,
    ) -> None:
        for name, value in {"max_frames": max_frames, "max_pixels": max_pixels}.items():
            if value is not None and value < 1:
                raise ValueError(f"{name} must be at least 1. Got: {value}")
        if not timeout > 0:
            raise ValueError(f"timeout must be positive. Got: {timeout}")
        self._av = ffmpeg.load()
        self.name, self.max_frames, self.max_pixels = address.shown(path), max_frames, max_pixels
        self._is_stream, self._timeout = address.is_url(path), timeout
        self.damaged = 0
        self.sound: Sound | None = None
        self._container, self._file = opening.open_input(path, timeout, max_pixels)
        self._first: tuple | None = None
        self._pictures = self._read()
        try:
            self._describe(sound)
            self._first = next(self._pictures, None)
        except BaseException:
            self.close()
            raise
        if self._first is None:
            self.close()
            raise ValueError(f"{self.name}: no frame of the video can be read")
        self.size = self._first[1].shape[1::-1]

    def __iter__(self) -> Iterator[tuple[int, float, np.ndarray]]:
        """Yields (number, seconds, frame), the frame (height, width, 3) uint8 RGB.

        Numbers count the frames that are read; times are those of the file, 0 where its video
        begins, and always grow.

        Raises:
            ValueError: at the end, when the file ends before its last frame; a frame is too large;
                a stream breaks off.
        """
        if self._container is None:
            return
        number, last = 0, -1.0
        try:
            while self._first is not None:
                (seconds, frame), self._first = self._first, None
                seconds = self._later(seconds, last)
                yield number, seconds, frame
                number, last = number + 1, seconds
                if number == self.max_frames:
                    return
                self._first = next(self._pictures, None)
        finally:
            self.close()
        self._check_end(number, last)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()

    def close(self) -> None:
        """Closes the file or the stream; the end of the frames does it too."""
        # PyAV does not survive being asked for more of what is closed.
        self._first = None
        self._pictures.close()
        if self._container is not None:
            self._container.close()
        if self._file is not None:
            self._file.close()
        self._container = self._file = None

    def _describe(self, sound):
        """What the container says of its video."""
        stream = self._container.streams.best("video")
        if stream is None or stream.codec_context is None:
            raise ValueError(f"{self.name}: there is no video in it that can be read")
        context = stream.codec_context
        # Other threads only help while this one computes something else.
        context.thread_type, context.thread_count = "AUTO", 2
        context.options = {"max_pixels": str(self.max_pixels)}
        fps = stream.average_rate or stream.guessed_rate
        self.fps = float(fps) if fps and 0 < fps <= 1000 else ffmpeg.DEFAULT_FPS
        self.time_base = stream.time_base or ffmpeg.TIME_BASE
        self.pixel_aspect = context.sample_aspect_ratio or Fraction(1)
        self._stream, self._stated = stream, max(0, stream.frames)
        self._seconds = _duration(stream, self._container)
        lasting = round(self._seconds * self.fps) if self._seconds else None
        self.count = self._stated or lasting or None
        if self.max_frames and self.count:
            self.count = min(self.count, self.max_frames)
        self._start = None if stream.start_time is None else stream.start_time * self.time_base
        heard = self._container.streams.best("audio", related=stream) if sound else None
        # Without these there is nothing to hear, and no file takes it.
        if heard is not None and getattr(heard.codec_context, "sample_rate", None):
            self.sound = Sound(heard, self._start or Fraction(0))

    def _read(self):
        """Yields (seconds or None, picture) to the end."""
        pictures = Pictures()
        for frame in self._frames():
            if frame.width * frame.height > self.max_pixels:
                raise ValueError(
                    f"{self.name}: a frame must have at most {self.max_pixels:,} pixels. "
                    f"Got: {frame.width}x{frame.height}"
                )
            yield from pictures.of(frame)
        yield from pictures.rest()

    def _frames(self):
        """Yields the good frames, and counts the others."""
        for packet in self._packets():
            if self.sound is not None and packet.stream is self.sound.stream:
                if packet.size:
                    self.sound.put(packet)
                continue
            try:
                frames = packet.decode()
            except EOFError:
                continue
            except self._av.FFmpegError as error:
                self._check_pixels(error)
                self.damaged += 1
                continue
            for frame in frames:
                if frame.is_corrupt:
                    self.damaged += 1
                else:
                    yield frame

    def _packets(self):
        """Yields packets, reading on after what a file has damaged."""
        streams = [self._stream, *([self.sound.stream] if self.sound else [])]
        errors = 0
        while True:
            try:
                for packet in self._container.demux(*streams):
                    errors = 0
                    yield packet
                return
            except self._av.error.ExitError as error:
                rule = f"no picture within {self._timeout:g} s"
                raise ValueError(f"{self.name}: {rule}") from error
            except self._av.FFmpegError as error:
                errors += 1
                damaged = isinstance(error, self._av.error.InvalidDataError)
                if self._is_stream or not damaged or errors > _ERRORS:
                    what = "the stream broke off" if self._is_stream else "cannot be read on"
                    rule = f"{what} ({ffmpeg.reason(error)})"
                    raise ValueError(f"{self.name}: {rule}") from error

    def _check_pixels(self, error):
        """Raises ValueError where a decoder refused a frame for its size."""
        context = self._stream.codec_context
        if context.width * context.height > self.max_pixels:
            raise ValueError(
                f"{self.name}: a frame must have at most {self.max_pixels:,} pixels. "
                f"Got: {context.width}x{context.height}"
            ) from error

    def _later(self, seconds, last):
        """The time of a frame since the video's beginning, later than the frame before."""
        if seconds is None:  # raw streams have no times
            return 0.0 if last < 0 else last + 1 / self.fps
        if self._start is None:
            self._start = seconds
            if self.sound is not None:
                self.sound.start = seconds
        seconds = float(seconds - self._start)
        return seconds if seconds > last else max(0.0, last + 0.5 / self.fps)

    def _check_end(self, number, last):
        """Raises ValueError where a file ends before it should, by its own count or duration."""
        until = last + 1 / self.fps
        seconds = self._stated / self.fps if self._stated else self._seconds or 0.0
        # The last frame may be a long one.
        lack = seconds - until - max(COUNT_TOLERANCE * seconds, 1.5 * until / number)
        if self._stated:
            missing = self._stated - number - self.damaged
            # AVI counts places without a picture too, where the one before goes on.
            if missing > max(1, COUNT_TOLERANCE * self._stated) and lack > 0:
                raise ValueError(
                    f"{self.name}: the video ends after {number} of {self._stated} frames"
                )
        elif lack > SECONDS_TOLERANCE:
            raise ValueError(f"{self.name}: the video ends after {until:.1f} of {seconds:.1f} s")


def _duration(stream, container):
    """Seconds that a video lasts as its file says; None where it does not."""
    if stream.duration:
        return float(stream.duration * stream.time_base)
    stated = re.fullmatch(r"(\d+):(\d+):([\d.]+)", stream.metadata.get("DURATION", ""))
    if stated:  # Matroska
        hours, minutes, seconds = stated.groups()
        return 3600 * int(hours) + 60 * int(minutes) + float(seconds)
    if container.duration and len(container.streams) == 1:
        return container.duration / 1e6
    return None
