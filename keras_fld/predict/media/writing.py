"""Writes video files."""

import contextlib
from fractions import Fraction
from pathlib import Path
from typing import Any, Self

import cv2
import numpy as np

from keras_fld._internal.files import replacing
from keras_fld.predict.media import ffmpeg
from keras_fld.predict.media.sound import Sound, SoundTrack

# For each suffix: the encoder, its options, and the container's options. x264's "superfast" takes
# 2/3 of the time of "veryfast" at the same quality; "ultrafast" takes half, but shows blocks.
_KINDS: dict[str, tuple[str, dict[str, str], dict[str, str]]] = {
    ".mp4": ("libx264", {"preset": "superfast", "crf": "23"}, {"movflags": "+faststart"}),
    ".webm": (
        "libvpx-vp9",
        {"deadline": "realtime", "cpu-used": "8", "crf": "30", "b": "0", "row-mt": "1"},
        {},
    ),
}
SUFFIXES = tuple(_KINDS)
# Longest time between two frames, in seconds; damaged times may be years apart. And the longest
# time in an mp4 between a frame and its reference frame, in units.
LONGEST_GAP, _LONGEST = 600, 1 << 28
# A small machine has two cores. This thread meanwhile computes the next landmarks.
_THREADS = 2
# BT.601 in studio range, which OpenCV converts to, as FFmpeg's constants.
_SMPTE170M, _STUDIO = 6, 1


class VideoWriter(contextlib.AbstractContextManager):
    """Writes a video file. The file appears when the writer is closed, even after an error.

    An `.mp4` file contains H.264 and can be played while it loads; a `.webm` file contains VP9. If
    a side of the frame is odd, its last row or column is repeated.

    Args:
        path: the file; its suffix must be .mp4 or .webm.
        size: (width, height) of a frame in pixels.
        fps: average number of frames a second; each frame has its own time.
        time_base: unit of the times in seconds. A gap of more than `LONGEST_GAP` seconds between
            two frames is shortened to that.
        pixel_aspect: width of a pixel divided by its height.
        sound: the `Sound` of a `VideoFile` that is read at the same time. It is copied, or encoded
            as AAC or Opus if the format requires it. Damaged sound is skipped.

    Attributes:
        frames: number of frames written so far.

    Raises:
        ValueError: the file cannot be written, for example because the disk is full; the suffix is
            not supported; or this PyAV lacks the encoder.
        ImportError: PyAV is not installed.

    Examples:
        >>> video = VideoFile("clip.mp4", sound=True)
        >>> with VideoWriter("copy.mp4", video.size, video.fps, sound=video.sound) as copy:
        ...     for _, time, frame in video:
        ...         copy.write(time, frame)
    """

    def __init__(
        self,
        path: str | Path,
        size: tuple[int, int],
        fps: float,
        time_base: Fraction = ffmpeg.TIME_BASE,
        pixel_aspect: Fraction = Fraction(1),
        sound: Sound | None = None,
    ) -> None:
        self._av = ffmpeg.load()
        self.path, self.size, self.frames = Path(path), tuple(size), 0
        suffix = self.path.suffix.lower()
        if suffix not in _KINDS:
            raise ValueError(f"{path}: a video's name must end in {' or '.join(SUFFIXES)}")
        self._time_base, self._last, self._skipped = time_base, -1, 0
        self._padding = self.size[0] % 2, self.size[1] % 2
        self._closed = self._doubted = False
        self._container: Any = None
        self._stack = contextlib.ExitStack()
        temporary = self._temporary = self._stack.enter_context(replacing(self.path))
        try:
            with self._explained():
                try:
                    self._open(temporary, suffix, fps, pixel_aspect, sound)
                except self._av.FFmpegError:
                    if sound is None:
                        raise
                    # The parameters of the sound are damaged; the pictures are not.
                    self._open(temporary, suffix, fps, pixel_aspect, None)
        except BaseException as error:
            self._discard(error)
            raise

    def write(self, time: float, frame: np.ndarray) -> None:
        """Adds a frame.

        Args:
            time: time of the frame in seconds, later than that of the frame before.
            frame: (height, width, 3) uint8 RGB; it is resized to `size` if necessary.
        """
        if frame.shape[1::-1] != self.size:
            frame = cv2.resize(frame, self.size)
        if any(self._padding):
            right, below = self._padding
            frame = cv2.copyMakeBorder(frame, 0, below, 0, right, cv2.BORDER_REPLICATE)
        picture = self._av.VideoFrame.from_ndarray(
            cv2.cvtColor(frame, cv2.COLOR_RGB2YUV_I420), "yuv420p"
        )
        picture.pts = self._last = self._at(time)
        picture.time_base = self._time_base
        with self._explained():
            self._mux(self._stream.encode(picture))
            self.frames += 1

    def close(self) -> None:
        """Completes and renames the file. Without any frame, no file is created.

        Raises:
            ValueError: the file is incomplete, for example because the disk is full.
        """
        if self._closed:
            return
        self._closed = True
        if not self.frames:
            self._discard(ValueError("nothing to keep"))
            return
        try:
            with self._explained():
                self._mux(self._stream.encode(None))
                if self._track is not None:
                    self._track.finish()
                self._container.close()
                self._check()
        except BaseException as error:
            self._discard(error)
            raise
        self._stack.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()

    def _mux(self, packets):
        """Adds pictures. If FFmpeg raises an error here, damaged sound caused it."""
        for packet in packets:
            try:
                self._container.mux_one(packet)
            except OSError:  # a full disk
                raise
            except self._av.FFmpegError:
                if self._track is None:
                    raise
                self._doubted = True

    def _check(self):
        """Raises ValueError if FFmpeg's errors concerned pictures after all."""
        if not self._doubted:
            return
        with self._temporary.open("rb") as file, self._av.open(file) as container:
            found = sum(packet.size > 0 for packet in container.demux(video=0))
        if found < self.frames:
            raise ValueError(
                f"{self.path}: cannot be written (the file holds {found} of {self.frames} frames)"
            )

    def _at(self, time):
        """Returns a time in units of the file, later than the last one but not by too much."""
        at = round(time / self._time_base) - self._skipped
        if self.frames:
            longest = min(round(LONGEST_GAP / self._time_base), _LONGEST)
            late = max(0, at - self._last - longest)
            self._skipped += late
            at -= late
        return max(self._last + 1, at)

    def _open(self, temporary, suffix, fps, pixel_aspect, sound):
        codec, options, container_options = _KINDS[suffix]
        self._container = self._av.open(
            # Otherwise, FFmpeg would read a name with a colon as a protocol.
            f"file:{temporary.absolute()}",
            "w",
            format=suffix[1:],
            container_options=container_options,
        )
        self._stream = self._container.add_stream(codec, rate=ffmpeg.rate(fps), options=options)
        stream, context = self._stream, self._stream.codec_context
        stream.width, stream.height = (
            side + more for side, more in zip(self.size, self._padding, strict=True)
        )
        stream.pix_fmt, context.thread_count = "yuv420p", _THREADS
        stream.time_base = context.time_base = self._time_base
        context.colorspace, context.color_range = _SMPTE170M, _STUDIO
        if pixel_aspect != 1:
            context.sample_aspect_ratio = pixel_aspect
        self._track = None if sound is None else SoundTrack(self._container, sound, suffix)
        self._container.start_encoding()
        if sound is not None:
            sound.send(self._hear)

    def _hear(self, packet):
        """Adds a packet of sound, which arrives while the next frame is read."""
        if not self._closed and self._track is not None:
            with self._explained():
                self._track.write(packet)

    @contextlib.contextmanager
    def _explained(self):
        """Converts FFmpeg's errors to errors that name this file; `replacing` converts OSError."""
        try:
            yield
        except OSError:
            raise
        except self._av.codec.codec.UnknownCodecError as error:
            rule = f"this PyAV has no encoder {error}; write jsonl or csv instead"
            raise ValueError(f"{self.path}: {rule}") from error
        except self._av.FFmpegError as error:
            rule = f"cannot be written ({ffmpeg.reason(error)})"
            raise ValueError(f"{self.path}: {rule}") from error

    def _discard(self, error):
        """Removes the temporary file, and reports a full disk."""
        self._closed = True
        if self._container is not None:
            with contextlib.suppress(self._av.FFmpegError, OSError):
                self._container.close()
        self._stack.__exit__(type(error), error, error.__traceback__)
