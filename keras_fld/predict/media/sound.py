"""Copies the sound of a video to another file, or encodes it again if the format requires it."""

from collections import deque
from collections.abc import Callable
from fractions import Fraction
from typing import Any

from keras_fld.predict.media import ffmpeg

# For each suffix, the codecs that are copied, as browsers play them, and the encoder for others.
COPIED = {
    ".mp4": (frozenset(("aac", "mp3", "opus", "flac")), "aac"),
    ".webm": (frozenset(("opus", "vorbis")), "libopus"),
}
# Sample rate that both encoders support.
_RATE = 48000


# Number of packets to keep until they are requested, a few seconds.
_WAITING = 1000


class Sound:
    """The sound of a video, which is read together with the frames and passed on in packets.

    Args:
        stream: PyAV's stream, whose parameters a writer copies.
        start: position in the file, in seconds, where the frames' times are 0.
    """

    def __init__(self, stream: Any, start: Fraction) -> None:
        self.stream, self.start = stream, start
        self._waiting: deque = deque(maxlen=_WAITING)
        self._taker: Callable[[Any], None] | None = None

    def send(self, taker: Callable[[Any], None]) -> None:
        """Sends every packet to a function: first the packets kept so far, then each new one."""
        self._taker = taker
        while self._waiting:
            taker(self._waiting.popleft())

    def put(self, packet: Any) -> None:
        """Receives the next packet of the file."""
        if self._taker is None:
            self._waiting.append(packet)
        else:
            self._taker(packet)


class SoundTrack:
    """The sound of a file that is being written. Damaged sound is skipped.

    Args:
        container: PyAV's container, before its first packet.
        sound: the `Sound` that the packets come from.
        suffix: suffix of the file, a key of `COPIED`.
    """

    def __init__(self, container: Any, sound: Any, suffix: str) -> None:
        self._av = ffmpeg.load()
        self._container, self._sound = container, sound
        self._last: int | None = None
        self._form: tuple | None = None
        names, encoder = COPIED[suffix]
        self._resampler: Any = None
        if sound.stream.codec_context.name.removesuffix("float") in names:
            self._stream = container.add_stream_from_template(sound.stream)
            return
        context = sound.stream.codec_context
        self._stream = container.add_stream(encoder, rate=_RATE)
        self._stream.layout = "mono" if context.channels == 1 else "stereo"
        self._resampler = self._av.AudioResampler(
            format="fltp" if encoder == "aac" else "flt",
            layout=self._stream.layout,
            rate=_RATE,
            frame_size=1024 if encoder == "aac" else 960,
        )

    def write(self, packet: Any) -> None:
        """Adds a packet."""
        shift = round(self._sound.start / packet.time_base)
        if packet.pts is not None:
            packet.pts -= shift
        if packet.dts is not None:
            packet.dts -= shift
        try:
            (self._copy if self._resampler is None else self._encode)(packet)
        except OSError:  # a full disk
            raise
        except self._av.FFmpegError:
            return  # damaged: a moment of silence; the pictures are not affected

    def finish(self) -> None:
        """Adds what remains in the encoder."""
        if self._resampler is not None and self._last is not None:
            for frame in self._resampler.resample(None):
                self._container.mux(self._stream.encode(frame))
            self._container.mux(self._stream.encode(None))

    def _copy(self, packet):
        # Times must increase. After an interruption of a broadcast, they may not.
        if packet.dts is None or (self._last is not None and packet.dts <= self._last):
            return
        self._last = packet.dts
        packet.stream = self._stream
        self._container.mux(packet)

    def _encode(self, packet):
        for frame in packet.decode():
            if frame.pts is None or (self._last is not None and frame.pts <= self._last):
                continue
            form = (frame.format.name, frame.layout.name, frame.sample_rate)
            self._form = self._form or form
            if form != self._form:  # the resampler does not accept a change of format
                continue
            self._last = frame.pts
            for piece in self._resampler.resample(frame):
                self._container.mux(self._stream.encode(piece))
