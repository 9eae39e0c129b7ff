import os
import sys
from fractions import Fraction

import cv2
import numpy as np
import pytest

from keras_fld.predict.media import VideoFile, VideoWriter, writing
from tests.predict.media import films
from tests.predict.media.films import FPS, LOUD, av, film, flat, heard, number_of, plain, turned

SIZE = (64, 48)


def copied(source, path, **options):
    """A film that is read and written again, as in `predict`; and the file that was read."""
    video = VideoFile(source, sound=True, **options)
    about = {name: getattr(video, name) for name in ("time_base", "pixel_aspect", "sound")}
    with VideoWriter(path, video.size, video.fps, **about) as writer:
        for _, time, picture in video:
            writer.write(time, picture)
    return path


def packets(path, kind):
    """The bytes and the times of a file's sound or pictures."""
    with av.open(str(path)) as container:
        (stream,) = getattr(container.streams, kind)
        found = [p for p in container.demux(stream) if p.size]
        return [bytes(p) for p in found], [float(p.pts * p.time_base) for p in found]


def test_the_file_is_h264_that_plays_while_it_loads(tmp_path):
    path = copied(film(tmp_path / "a.mkv"), tmp_path / "out.mp4")
    with av.open(str(path)) as container:
        (stream,) = container.streams
        assert (stream.codec_context.name, stream.codec_context.pix_fmt) == ("h264", "yuv420p")
        assert stream.average_rate == FPS and stream.frames == 50
    data = path.read_bytes()
    assert data.index(b"moov") < data.index(b"mdat")
    # The same in another library.
    capture, found = cv2.VideoCapture(str(path)), []
    while (got := capture.read())[0]:
        found.append(number_of(got[1]))
    assert found == list(range(50))
    assert [p.name for p in tmp_path.iterdir() if p.name.startswith(".")] == []


def test_frames_keep_their_times(tmp_path):
    times = [0, 40, 80, 200, 1000, 1010, 1300]
    source = film(tmp_path / "a.mkv", len(times), times=times)
    for name in ("out.mp4", "out.webm"):
        found = [time for _, time, _ in VideoFile(copied(source, tmp_path / name))]
        np.testing.assert_allclose(found, np.array(times) / 1000, atol=1e-6)


def test_a_webm_is_vp9(tmp_path):
    path = copied(film(tmp_path / "a.mp4", 20, sound="aac"), tmp_path / "out.webm")
    with av.open(str(path)) as container:
        assert [s.codec_context.name for s in container.streams] == ["vp9", "opus"]
    assert [number_of(p) for _, _, p in VideoFile(path)] == list(range(20))


@pytest.mark.parametrize(("codec", "kept"), [("aac", "aac"), ("libopus", "opus"), ("flac", "flac")])
def test_sound_is_copied_where_the_file_can_hold_it(tmp_path, codec, kept):
    source = film(tmp_path / "a.mkv", 30, sound=codec)
    path = copied(source, tmp_path / "out.mp4")
    before, times = packets(source, "audio")
    after, times_after = packets(path, "audio")
    assert before == after and heard(path)[0] == kept
    np.testing.assert_allclose(times_after, times, atol=2e-3)


@pytest.mark.parametrize(
    ("name", "codec"),
    [("a.avi", "pcm_s16le"), ("a.mkv", "pcm_s16le"), ("a.mpg", "mp2"), ("a.ts", "ac3")],
)
def test_other_sound_becomes_aac_and_stays_with_its_pictures(tmp_path, name, codec):
    source = film(
        tmp_path / name, 30, {"a.mpg": "mpeg2video"}.get(name, "libx264"), sound=codec, bf="0"
    )
    path = copied(source, tmp_path / "out.mp4")
    kind, begins = heard(path)
    assert kind == "aac"
    assert abs(begins - LOUD / FPS) < 0.045  # a frame of the sound's


def test_sound_in_another_form_midway_leaves_the_pictures(tmp_path, monkeypatch):
    """A broadcast that changes the rate of its sound."""
    first = film(tmp_path / "a.ts", 5, sound="ac3", g="1").read_bytes()
    monkeypatch.setattr(films, "SOUND_RATE", 32000)
    second = film(tmp_path / "b.ts", 20, sound="ac3", g="1").read_bytes()
    (tmp_path / "both.ts").write_bytes(first + second)
    path = copied(tmp_path / "both.ts", tmp_path / "out.mp4")
    found = [number_of(p) for _, _, p in VideoFile(path)]
    assert found == [*range(5), *range(20)]


def test_sound_that_no_file_takes_leaves_the_pictures(tmp_path, monkeypatch):
    class Refused:
        def __init__(self, *_):
            raise av.error.InvalidDataError(-1, "damaged parameters")

    monkeypatch.setattr(writing, "SoundTrack", Refused)
    path = copied(film(tmp_path / "a.mkv", 10, sound="aac"), tmp_path / "out.mp4")
    assert [number_of(p) for _, _, p in VideoFile(path)] == list(range(10))


@pytest.mark.parametrize("lost", [False, True])
def test_sound_that_is_refused_when_its_turn_comes_leaves_the_pictures(tmp_path, lost):
    """FFmpeg reports it while it receives a picture; losing a picture is an error."""
    video = VideoFile(film(tmp_path / "a.mkv", 10, sound="aac"), sound=True)
    writer = VideoWriter(tmp_path / "out.mp4", video.size, video.fps, sound=video.sound)

    class Refusing:
        def __init__(self, container):
            self.container, self.calls = container, 0
            self.close, self.mux = container.close, container.mux

        def mux_one(self, packet):
            self.calls += 1
            if not lost or self.calls != 3:
                self.container.mux_one(packet)
            if self.calls == 3:
                raise av.error.InvalidDataError(-1, "a packet of sound")

    writer._container = Refusing(writer._container)
    for _, time, picture in video:
        writer.write(time, picture)
    if lost:
        with pytest.raises(ValueError, match=r"the file holds 9 of 10 frames"):
            writer.close()
        assert not (tmp_path / "out.mp4").exists()
        return
    writer.close()
    assert [number_of(p) for _, _, p in VideoFile(tmp_path / "out.mp4")] == list(range(10))


def test_times_that_jump_by_years_are_no_end(tmp_path):
    times = [0.0, 0.04, 0.08, 9e8, 9e8 + 0.04, 9e8 + 0.08]
    for base in (Fraction(1, 90000), Fraction(1, 10**9)):
        with VideoWriter(tmp_path / "a.mp4", SIZE, FPS, base) as writer:
            for number, time in enumerate(times):
                writer.write(time, plain(number))
        found = list(VideoFile(tmp_path / "a.mp4"))
        assert [number_of(p) for _, _, p in found] == list(range(6))
        steps = np.diff([time for _, time, _ in found])
        np.testing.assert_allclose(steps[[0, 1, 3, 4]], 0.04, atol=1e-3)
        assert steps[2] <= writing.LONGEST_GAP


def test_sound_is_cut_with_the_pictures(tmp_path):
    source = film(tmp_path / "a.mkv", 120, sound="aac")
    _, times = packets(copied(source, tmp_path / "out.mp4", max_frames=10), "audio")
    assert max(times) < 2


def test_a_broadcast_s_sound_begins_where_it_did(tmp_path):
    """Its times do not start at 0."""
    source = film(tmp_path / "a.ts", 30, sound="aac")
    path = copied(source, tmp_path / "out.mp4")
    _, begins = heard(path)
    assert abs(begins - LOUD / FPS) < 0.03
    assert [number_of(p) for _, _, p in VideoFile(path)] == list(range(30))


def test_a_turned_video_is_written_upright(tmp_path):
    source = turned(film(tmp_path / "a.mp4", 5), 90)
    path = copied(source, tmp_path / "out.mp4")
    shown = cv2.VideoCapture(str(path)).read()[1]
    assert shown.shape == (64, 48, 3) and VideoFile(path).size == (48, 64)


@pytest.mark.parametrize("size", [(65, 48), (64, 49), (1, 1), (3, 3), (17, 333)])
def test_odd_sizes_get_a_row_or_a_column_more(tmp_path, size):
    with VideoWriter(tmp_path / "a.mp4", size, FPS) as writer:
        for number in range(3):
            writer.write(number / FPS, flat(number, size))
    video = VideoFile(tmp_path / "a.mp4")
    assert video.size == (size[0] + size[0] % 2, size[1] + size[1] % 2)
    for number, _, picture in video:
        np.testing.assert_allclose(picture.astype(int), flat(number, video.size), atol=4)


def test_pixels_that_are_not_square_stay_so(tmp_path):
    with VideoWriter(tmp_path / "a.mp4", SIZE, FPS, pixel_aspect=Fraction(16, 15)) as writer:
        writer.write(0.0, plain(0))
    assert VideoFile(tmp_path / "a.mp4").pixel_aspect == Fraction(16, 15)


def test_colors_are_kept(tmp_path):
    orange = np.full((48, 64, 3), (230, 120, 20), np.uint8)
    with VideoWriter(tmp_path / "a.mp4", SIZE, FPS) as writer:
        writer.write(0.0, orange)
    ((_, _, picture),) = VideoFile(tmp_path / "a.mp4")
    np.testing.assert_allclose(picture[24, 32], (230, 120, 20), atol=6)


def test_a_picture_of_another_size_is_kept(tmp_path):
    with VideoWriter(tmp_path / "a.mp4", SIZE, FPS) as writer:
        writer.write(0.0, plain(3))
        writer.write(0.04, plain(20, (200, 100)))
    assert [number_of(p) for _, _, p in VideoFile(tmp_path / "a.mp4")] == [3, 20]


def test_the_file_is_there_when_it_is_whole_after_an_error_too(tmp_path):
    path = tmp_path / "a.mp4"
    with pytest.raises(KeyboardInterrupt), VideoWriter(path, SIZE, FPS) as writer:
        writer.write(0.0, plain(7))
        assert not path.exists() and writer.frames == 1
        raise KeyboardInterrupt
    assert [number_of(p) for _, _, p in VideoFile(path)] == [7]
    writer.close()  # again
    with VideoWriter(tmp_path / "b.mp4", SIZE, FPS):
        pass
    assert [p.name for p in tmp_path.iterdir()] == ["a.mp4"]


@pytest.mark.parametrize("name", ["50% %03d.mp4", "a:b.mp4", "pipe:1.mp4", "-y.webm", "ü日.mp4"])
def test_a_name_is_only_a_name(tmp_path, monkeypatch, name):
    if os.name == "nt" and ":" in name:
        pytest.skip("not a name on Windows")
    monkeypatch.chdir(tmp_path)
    folder = tmp_path if os.name == "nt" else tmp_path / "http:"
    folder.mkdir(exist_ok=True)
    with VideoWriter(folder.relative_to(tmp_path) / name, SIZE, FPS) as writer:
        writer.write(0.0, plain(0))
    assert [p.name for p in folder.iterdir()] == [name]


@pytest.mark.skipif(sys.platform != "linux", reason="needs names that are not UTF-8")
def test_a_name_need_not_be_utf8(tmp_path):
    path = tmp_path / os.fsdecode(b"caf\xe9.mp4")
    with VideoWriter(path, SIZE, FPS) as writer:
        writer.write(0.0, plain(0))
    assert len(list(VideoFile(path))) == 1


def test_what_cannot_be_written_is_a_line(tmp_path, monkeypatch):
    with pytest.raises(ValueError, match=r"a.avi: a video's name must end in .mp4 or .webm"):
        VideoWriter(tmp_path / "a.avi", SIZE, FPS)
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(ValueError, match="a.mp4: cannot be written"):
        VideoWriter(tmp_path / "file" / "a.mp4", SIZE, FPS)
    with pytest.raises(ValueError, match="a.mp4: cannot be written"):
        VideoWriter(tmp_path / "a.mp4", (99999, 99999), FPS)
    kinds = {".mp4": ("libnone", *writing._KINDS[".mp4"][1:])}
    monkeypatch.setattr(writing, "_KINDS", kinds)
    with pytest.raises(ValueError, match=r"no encoder libnone; write jsonl or csv instead"):
        VideoWriter(tmp_path / "a.mp4", SIZE, FPS)
    assert [p.name for p in tmp_path.iterdir()] == ["file"]


def test_a_full_disk_is_a_line_and_no_file(tmp_path):
    resource = pytest.importorskip("resource", reason="needs a system with limits on files")
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    rng = np.random.default_rng(0)
    for room in (0, 40_000):
        resource.setrlimit(resource.RLIMIT_FSIZE, (room, limits[1]))
        try:
            with (
                pytest.raises(ValueError, match=r"a.mp4: cannot be written \(File too large"),
                VideoWriter(tmp_path / "a.mp4", (320, 240), FPS) as writer,
            ):
                for number in range(60):
                    writer.write(number / FPS, rng.integers(0, 256, (240, 320, 3), np.uint8))
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, limits)
        assert not list(tmp_path.iterdir())
