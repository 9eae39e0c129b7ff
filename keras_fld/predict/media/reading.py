"""Reads the frames of video files and streams in order, with their times."""

import re
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path
from typing import Self

import numpy as np

from keras_fld.predict.media import address, ffmpeg, opening
from keras_fld.predict.media.pictures import Pictures
from keras_fld.predict.media.sound import Sound

# A container's frame count may be wrong by this fraction. If more is missing, the file was cut off.
COUNT_TOLERANCE = 0.02
# If only the duration is known, this many seconds may be missing as well.
SECONDS_TOLERANCE = 1.0
# Number of consecutive errors after which reading stops.
_ERRORS = 16


class VideoFile:
    """Reads the frames of a video file or stream, once.

    Interlaced frames are deinterlaced, and the rotation tag is applied. Damaged frames are skipped
    and counted. Frames with non-square pixels are not rescaled.

    Args:
        path: a file in any format that FFmpeg reads, or a URL such as "rtsp://camera/1" or
            "https://server/clip.mp4". If a stream breaks off, an error is raised after its last
            frame; reconnecting is up to you.
        max_frames: number of frames after which to stop; None reads to the end, which a stream may
            not have.
        max_pixels: largest number of pixels of a frame; larger frames raise an error.
        timeout: seconds to wait for each response of a stream's server.
        sound: whether to read the sound, too, for a `VideoWriter` that receives it while the frames
            are read.

    Attributes:
        size: (width, height) of the first frame in pixels.
        fps: average number of frames a second.
        count: number of frames, from the file or its duration; None if neither is known.
        time_base: unit of the times in seconds, a `Fraction`.
        pixel_aspect: width of a pixel divided by its height, a `Fraction`.
        damaged: number of frames skipped so far.
        sound: a `Sound`, or None.

    Raises:
        ValueError: the file is missing, not a video, or has frames that are too large; or the
            stream cannot be read.
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

        The number counts the frames that were read. Times start at 0 at the beginning of the video
        and increase strictly.

        Raises:
            ValueError: the file ends too early (raised at the end), a frame is too large, or a
                stream breaks off.
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
        """Closes the file or stream. This also happens after the last frame."""
        # PyAV crashes if a closed container is read.
        self._first = None
        self._pictures.close()
        if self._container is not None:
            self._container.close()
        if self._file is not None:
            self._file.close()
        self._container = self._file = None

    def _describe(self, sound):
        """Reads the properties of the video from its container."""
        stream = self._container.streams.best("video")
        if stream is None or stream.codec_context is None:
            raise ValueError(f"{self.name}: contains no video that can be read")
        context = stream.codec_context
        # More threads help only if this thread computes something else meanwhile.
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
        # Without these there is no sound, and no container accepts the stream.
        if heard is not None and getattr(heard.codec_context, "sample_rate", None):
            self.sound = Sound(heard, self._start or Fraction(0))

    def _read(self):
        """Yields (seconds or None, picture) up to the end."""
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
        """Yields the good frames, and counts the damaged ones."""
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
        """Yields packets, and continues after damaged parts of a file."""
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
        """Raises ValueError if the decoder refused a frame because of its size."""
        context = self._stream.codec_context
        if context.width * context.height > self.max_pixels:
            raise ValueError(
                f"{self.name}: a frame must have at most {self.max_pixels:,} pixels. "
                f"Got: {context.width}x{context.height}"
            ) from error

    def _later(self, seconds, last):
        """Returns the time of a frame since the beginning, later than that of the frame before."""
        if seconds is None:  # raw streams do not have times
            return 0.0 if last < 0 else last + 1 / self.fps
        if self._start is None:
            self._start = seconds
            if self.sound is not None:
                self.sound.start = seconds
        seconds = float(seconds - self._start)
        return seconds if seconds > last else max(0.0, last + 0.5 / self.fps)

    def _check_end(self, number, last):
        """Raises ValueError if a file ends earlier than its frame count or duration says."""
        until = last + 1 / self.fps
        seconds = self._stated / self.fps if self._stated else self._seconds or 0.0
        # The last frame may be shown for a long time.
        lack = seconds - until - max(COUNT_TOLERANCE * seconds, 1.5 * until / number)
        if self._stated:
            missing = self._stated - number - self.damaged
            # AVI also counts positions without a picture, where the previous one is repeated.
            if missing > max(1, COUNT_TOLERANCE * self._stated) and lack > 0:
                raise ValueError(
                    f"{self.name}: the video ends after {number} of {self._stated} frames"
                )
        elif lack > SECONDS_TOLERANCE:
            raise ValueError(f"{self.name}: the video ends after {until:.1f} of {seconds:.1f} s")


def _duration(stream, container):
    """Returns the duration of a video in seconds from its file, or None."""
    if stream.duration:
        return float(stream.duration * stream.time_base)
    stated = re.fullmatch(r"(\d+):(\d+):([\d.]+)", stream.metadata.get("DURATION", ""))
    if stated:  # Matroska
        hours, minutes, seconds = stated.groups()
        return 3600 * int(hours) + 60 * int(minutes) + float(seconds)
    if container.duration and len(container.streams) == 1:
        return container.duration / 1e6
    return None
