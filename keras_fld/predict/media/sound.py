"""The sound of a video, copied into another file or encoded anew where that cannot hold it."""

from typing import Any

from keras_fld.predict.media import library

# What a file of each suffix holds and browsers play; other sound is encoded by the last name.
COPIED = {
    ".mp4": (frozenset(("aac", "mp3", "opus", "flac")), "aac"),
    ".webm": (frozenset(("opus", "vorbis")), "libopus"),
}
# That both encoders take.
_RATE = 48000


class SoundTrack:
    """The sound in a file that is being written.

    Args:
        container: PyAV's, before its first packet.
        sound: a `Sound`, whose packets are taken as they come.
        suffix: of the file, from `COPIED`.
    """

    def __init__(self, container: Any, sound: Any, suffix: str) -> None:
        self._av = library.load()
        self._container, self._sound, self._last = container, sound, None
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

    def write(self) -> None:
        """Adds the packets that have been read since."""
        while self._sound.packets:
            packet = self._sound.packets.popleft()
            shift = round(self._sound.start / packet.time_base)
            if packet.pts is not None:
                packet.pts -= shift
            if packet.dts is not None:
                packet.dts -= shift
            if self._resampler is None:
                self._copy(packet)
            else:
                self._encode(packet)

    def finish(self) -> None:
        """Adds what is left in the encoder."""
        self.write()
        if self._resampler is not None and self._last is not None:
            for frame in self._resampler.resample(None):
                self._container.mux(self._stream.encode(frame))
            self._container.mux(self._stream.encode(None))

    def _copy(self, packet):
        # The container refuses what does not grow, as after a break in a broadcast.
        if packet.dts is None or (self._last is not None and packet.dts <= self._last):
            return
        self._last = packet.dts
        packet.stream = self._stream
        self._container.mux(packet)

    def _encode(self, packet):
        try:
            frames = packet.decode()
        except self._av.FFmpegError:  # a damaged piece of sound: a moment of silence
            return
        for frame in frames:
            if frame.pts is None or (self._last is not None and frame.pts <= self._last):
                continue
            self._last = frame.pts
            for piece in self._resampler.resample(frame):
                self._container.mux(self._stream.encode(piece))
