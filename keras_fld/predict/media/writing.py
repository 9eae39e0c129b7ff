"""Writing a video file."""

import contextlib
from fractions import Fraction
from pathlib import Path
from typing import Any, Self

import cv2
import numpy as np

from keras_fld._internal.files import replacing
from keras_fld.predict.media import ffmpeg
from keras_fld.predict.media.sound import Sound, SoundTrack

# Of each suffix: the encoder, its options, the container's. x264's "superfast" takes 2/3 of the
# time of "veryfast" for the same quality; "ultrafast", which takes half, shows its blocks.
_KINDS: dict[str, tuple[str, dict[str, str], dict[str, str]]] = {
    ".mp4": ("libx264", {"preset": "superfast", "crf": "23"}, {"movflags": "+faststart"}),
    ".webm": (
        "libvpx-vp9",
        {"deadline": "realtime", "cpu-used": "8", "crf": "30", "b": "0", "row-mt": "1"},
        {},
    ),
}
SUFFIXES = tuple(_KINDS)
# Seconds between two frames; damaged times may be years apart. The second number is what an mp4
# holds between a frame and the one that it is decoded with.
LONGEST_GAP, _LONGEST = 600, 1 << 28
# As many as a small machine has cores, while this thread computes the next landmarks.
_THREADS = 2
# BT.601 in studio range, to which OpenCV converts: FFmpeg's numbers.
_SMPTE170M, _STUDIO = 6, 1


class VideoWriter(contextlib.AbstractContextManager):
    """Writes a video file, which appears when it is closed, also after an error.

    H.264 in an `.mp4` that plays while it loads, or VP9 in a `.webm`. A frame with an odd side gets
    another row or column, a copy of its last.

    Args:
        path: the file, which ends in .mp4 or .webm.
        size: (width, height) of a frame in pixels.
        fps: frames a second, on average; each frame has its own time.
        time_base: seconds of which every time is a multiple. A gap of more than `LONGEST_GAP`
            seconds between two frames is shortened to that.
        pixel_aspect: width of a pixel over its height.
        sound: the `Sound` of the `VideoFile` that is read meanwhile: copied, or encoded as AAC or
            Opus where the file cannot hold it. Damaged sound is left out.

    Attributes:
        frames: how many the file has so far.

    Raises:
        ValueError: the folder cannot be written, the suffix is another, or this PyAV lacks the
            encoder; when it is written to or closed, the disk was full.
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
                    # Its parameters are damaged; the pictures are not.
                    self._open(temporary, suffix, fps, pixel_aspect, None)
        except BaseException as error:
            self._discard(error)
            raise

    def write(self, time: float, frame: np.ndarray) -> None:
        """Adds a frame.

        Args:
            time: of it in seconds, later than the one before.
            frame: (height, width, 3) uint8 RGB; of another size it is resized.
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
        """Ends the file and gives it its name; without a frame there is none.

        Raises:
            ValueError: the file is not whole, as on a full disk.
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
        """Adds pictures; what FFmpeg refuses meanwhile is damaged sound, whose turn has come."""
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
        """Raises ValueError where what FFmpeg refused was pictures after all."""
        if not self._doubted:
            return
        with self._temporary.open("rb") as file, self._av.open(file) as container:
            found = sum(packet.size > 0 for packet in container.demux(video=0))
        if found < self.frames:
            raise ValueError(
                f"{self.path}: cannot be written (the file holds {found} of {self.frames} frames)"
            )

    def _at(self, time):
        """A time in units of the file, later than the last, and not too late for it."""
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
            # A name with a colon in it is no protocol.
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
        """Adds a packet of sound, which comes while the next frame is read."""
        if not self._closed and self._track is not None:
            with self._explained():
                self._track.write(packet)

    @contextlib.contextmanager
    def _explained(self):
        """FFmpeg's errors as those of this file: `replacing` explains the system's."""
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
        """Removes the temporary file, and has a full disk explained."""
        self._closed = True
        if self._container is not None:
            with contextlib.suppress(self._av.FFmpegError, OSError):
                self._container.close()
        self._stack.__exit__(type(error), error, error.__traceback__)
