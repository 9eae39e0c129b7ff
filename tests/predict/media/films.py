"""Films for the tests of videos: each frame shows its number, and the sound its time."""

import struct
from fractions import Fraction

import numpy as np
import pytest

av = pytest.importorskip("av", reason="needs pip install av")

SIZE, FPS = (64, 48), 25
# Sound: silence, except for a tone that starts with this frame.
LOUD, SOUND_RATE = 10, 48000


# Vertical bands of a frame, each a digit of its number in binary.
BANDS = 8


def plain(number, size=SIZE):
    """The picture of a frame, which shows its number."""
    digits = [60 + 140 * (number >> place & 1) for place in range(BANDS)]
    row = np.array(digits, np.uint8)[np.arange(size[0]) * BANDS // size[0]]
    return np.broadcast_to(row[None, :, None], (size[1], size[0], 3)).copy()


def number_of(picture):
    """The number of a frame of `film`, from its picture."""
    row = np.median(picture[..., 1], axis=0)
    bands = [np.median(part) for part in np.array_split(row, BANDS)]
    return sum(1 << place for place, value in enumerate(bands) if value > 130)


def flat(number, size=SIZE):
    """A uniform gray picture."""
    return np.full((size[1], size[0], 3), 30 + 40 * number, np.uint8)


def film(
    path, count=50, codec="libx264", picture=plain, times=None, sound=None, field=None, **options
):
    """Writes a film.

    Args:
        path: the file.
        count: number of frames.
        codec: codec of the video, and `options` its options.
        picture: function that maps a frame's number to its RGB picture.
        times: times of the frames in ms; None is regular.
        sound: codec of the sound.
        field: first field of interlaced frames, "tff" or "bff".

    Returns:
        The path. If the encoder is missing, the test is skipped.
    """
    container_format = options.pop("container", None)
    options = {"g": "10", **options}
    try:
        av.Codec(codec, "w")
    except av.codec.codec.UnknownCodecError:
        pytest.skip(f"needs a PyAV with {codec}")
    with path.open("wb") as file, av.open(file, "w", format=container_format or form(path)) as out:
        stream = out.add_stream(codec, rate=FPS, options=options)
        first = picture(0)
        stream.width, stream.height = first.shape[1::-1]
        stream.pix_fmt = {"mjpeg": "yuvj420p"}.get(codec, "yuv420p")
        base = Fraction(1, FPS) if times is None else Fraction(1, 1000)
        if codec != "dvvideo":
            stream.time_base = stream.codec_context.time_base = base
        track = out.add_stream(sound, rate=SOUND_RATE) if sound else None
        if track is not None:
            track.layout = "mono"
        for number in range(count):
            frame = av.VideoFrame.from_ndarray(picture(number), "rgb24").reformat(
                format=stream.pix_fmt
            )
            frame = frame if field is None else flagged(frame, field)
            frame.pts, frame.time_base = (number if times is None else times[number]), base
            out.mux(stream.encode(frame))
            if track is not None:
                out.mux(track.encode(tone(number, track)))
        out.mux(stream.encode(None))
        if track is not None:
            out.mux(track.encode(None))
    return path


def form(path):
    """FFmpeg's name of a file's format."""
    return {
        ".mkv": "matroska",
        ".ts": "mpegts",
        ".mts": "mpegts",
        ".m2ts": "mpegts",
        ".mpg": "mpeg",
        ".wmv": "asf",
        ".mpeg": "mpeg",
    }.get(path.suffix, path.suffix[1:])


def flagged(frame, field):
    """A frame that states which of its fields comes first."""
    graph = av.filter.Graph()
    source = graph.add_buffer(
        width=frame.width, height=frame.height, format=frame.format, time_base=Fraction(1, FPS)
    )
    graph.link_nodes(source, graph.add("setfield", field), graph.add("buffersink")).configure()
    graph.push(frame)
    return graph.pull()


def tone(number, track):
    """A frame's time of sound."""
    samples = SOUND_RATE // FPS
    phase = (number * samples + np.arange(samples)) * 2 * np.pi * 440 / SOUND_RATE
    wave = (0.5 * np.sin(phase) * (number >= LOUD)).astype(np.float32)
    if track.format.name.startswith("s16"):
        wave = (32767 * wave).astype(np.int16)
    frame = av.AudioFrame.from_ndarray(wave[None], track.format.name, "mono")
    frame.sample_rate, frame.pts = SOUND_RATE, number * samples
    frame.time_base = Fraction(1, SOUND_RATE)
    return frame


def heard(path):
    """The codec of a film's sound, and the start of its tone in seconds."""
    with av.open(str(path)) as container:
        stream = container.streams.audio[0]
        parts = []
        for frame in container.decode(stream):
            wave = frame.to_ndarray()
            if not frame.format.is_planar:
                wave = wave.reshape(-1, len(frame.layout.channels)).T
            wave = wave[0].astype(float) / (32768 if wave.dtype == np.int16 else 1)
            parts.append(frame.time + np.flatnonzero(np.abs(wave) > 0.2) / frame.sample_rate)
        return stream.codec_context.name, np.concatenate(parts).min()


def damaged(path, *numbers):
    """Overwrites the content of some of a film's frames."""
    with path.open("rb") as file, av.open(file) as container:
        places = [(p.pos, p.size) for p in container.demux(video=0) if p.size]
    data = bytearray(path.read_bytes())
    for number in numbers:
        start, size = places[number]
        data[start + 4 : start + size] = b"\xff" * (size - 4)
    path.write_bytes(data)
    return path


def turned(path, degrees):
    """Adds a rotation tag to an mp4 film to show it rotated clockwise, as phones do."""
    a, b = {90: (0, 1), 180: (-1, 0), 270: (0, -1)}[degrees]
    data = bytearray(path.read_bytes())
    place = data.index(b"tkhd") + 4 + 40  # version and flags, times, layer: the matrix
    one = 1 << 16
    matrix = (a * one, b * one, 0, -b * one, a * one, 0, 0, 0, 1 << 30)
    data[place : place + 36] = struct.pack(">9i", *matrix)
    path.write_bytes(data)
    return path


def woven(number, size=(320, 240), across=16):
    """An interlaced picture of a moving bar, with fields half a frame apart."""
    whole = np.full((size[1], size[0], 3), 40, np.uint8)
    for field in (0, 1):
        left = 20 + round((number + field / 2) * across) % (size[0] - 80)
        whole[field::2, left : left + 40] = 210
    return whole


def comb(picture):
    """Difference of a picture's rows from both neighbors, which is large for two fields."""
    rows = picture[..., 1].astype(float)
    above, here, below = rows[:-2], rows[1:-1], rows[2:]
    return np.minimum(np.abs(here - above), np.abs(here - below)).mean()


def only(kind, path, name, **options):
    """The bytes of a file with one stream of another, copied.

    Args:
        kind: "video" or "audio".
        path: the other file.
        name: name of the new file, in the same folder.
        **options: options of the container.
    """
    out = path.with_name(name)
    with av.open(str(path)) as source, av.open(str(out), "w", container_options=options) as target:
        (stream,) = source.streams.get(**{kind: 0})
        copy = target.add_stream_from_template(stream)
        for packet in source.demux(stream):
            if packet.size:
                packet.stream = copy
                target.mux(packet)
    return out.read_bytes()
