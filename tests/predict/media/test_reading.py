import cv2
import numpy as np
import pytest

from keras_fld.predict.media import VideoFile, ffmpeg
from tests.predict.media.films import (
    FPS,
    SIZE,
    av,
    comb,
    damaged,
    film,
    number_of,
    only,
    plain,
    turned,
    woven,
)

INTERLACED = {
    "h264.mp4": ("libx264", {"flags": "+ildct", "crf": "10", "field": "tff"}),
    "bottom.mkv": ("libx264", {"flags": "+ildct", "crf": "10", "field": "bff"}),
    "mpeg2.mpg": ("mpeg2video", {"flags": "+ildct+ilme", "b": "20M", "field": "tff"}),
}


def read(path, **options):
    """Numbers, times and pictures of a film."""
    numbers, times, pictures = [], [], []
    for number, time, picture in VideoFile(path, **options):
        numbers.append(number)
        times.append(time)
        pictures.append(picture)
    return numbers, times, pictures


def test_frames_have_their_numbers_times_and_pictures(tmp_path):
    path = film(tmp_path / "a.mp4")
    video = VideoFile(path)
    assert (video.size, video.fps, video.count) == (SIZE, FPS, 50)
    assert (video.pixel_aspect, video.damaged, video.sound) == (1, 0, None)
    numbers, times, pictures = read(path)
    assert numbers == list(range(50)) == [number_of(picture) for picture in pictures]
    np.testing.assert_allclose(times, np.arange(50) / FPS, atol=1e-9)
    for picture in pictures:
        assert picture.dtype == np.uint8 and picture.flags.c_contiguous


def test_pictures_are_rgb(tmp_path):
    orange = np.full((48, 64, 3), (230, 120, 20), np.uint8)
    _, _, (picture, *_) = read(film(tmp_path / "a.mp4", 3, picture=lambda _: orange, crf="4"))
    np.testing.assert_allclose(picture[24, 32], (230, 120, 20), atol=6)


@pytest.mark.parametrize("name", INTERLACED)
def test_interlaced_frames_are_whole_pictures_without_a_comb(tmp_path, name):
    codec, options = INTERLACED[name]
    path = film(tmp_path / name, 20, codec, woven, **options)
    with av.open(str(path)) as container:
        raw = [frame for frame in container.decode(video=0)]
    assert all(frame.interlaced_frame for frame in raw)
    _, times, pictures = read(path)
    assert len(pictures) == 20
    np.testing.assert_allclose(times, np.arange(20) / FPS, atol=1e-4)
    before = np.mean([comb(frame.to_ndarray(format="rgb24")) for frame in raw])
    after = np.mean([comb(picture) for picture in pictures])
    assert after < 0.35 * before
    # The bar is where it is in the first field.
    first = 1 if name.startswith("bottom") else 0
    for picture, woven_picture in zip(pictures[1:-1], map(woven, range(1, 19)), strict=True):
        bar = np.flatnonzero(np.median(picture[..., 1], axis=0) > 125)
        expected = np.flatnonzero(woven_picture[first, :, 1] > 125)
        assert abs(bar.min() - expected.min()) <= 3 and abs(bar.max() - expected.max()) <= 3


def test_dv_is_read(tmp_path):
    size = (720, 576)
    path = film(
        tmp_path / "a.dv", 6, "dvvideo", lambda number: woven(number, size), pix_fmt="yuv420p"
    )
    numbers, _, pictures = read(path)
    assert len(numbers) == 6 and pictures[0].shape == (576, 720, 3)
    assert min(picture.max() for picture in pictures) > 180


def test_damaged_frames_are_left_out_and_the_others_keep_their_times(tmp_path):
    path = damaged(film(tmp_path / "a.mp4", g="1"), 0, 20, 21)
    video = VideoFile(path)
    found = [(time, number_of(picture)) for _, time, picture in video]
    assert video.damaged == 3
    assert [number for _, number in found] == [n for n in range(50) if n not in (0, 20, 21)]
    np.testing.assert_allclose([time for time, _ in found], [n / FPS for _, n in found])


def test_a_broken_stretch_of_a_broadcast_is_skipped(tmp_path):
    path = film(tmp_path / "a.ts", g="1")
    data = bytearray(path.read_bytes())
    middle = len(data) // 188 // 2 * 188
    data[middle : middle + 10 * 188] = np.random.default_rng(0).bytes(10 * 188)
    path.write_bytes(data)
    _, times, pictures = read(path)
    found = [number_of(picture) for picture in pictures]
    assert 40 < len(found) < 50 and found[-1] == 49
    np.testing.assert_allclose(times, np.array(found) / FPS, atol=1e-3)


@pytest.mark.parametrize("degrees", [90, 180, 270])
def test_a_turned_video_is_read_upright(tmp_path, degrees):
    def corner(_):
        picture = np.full((48, 64, 3), 60, np.uint8)
        picture[:16, :20] = 220
        return picture

    path = turned(film(tmp_path / "a.mp4", 3, picture=corner, crf="4"), degrees)
    _, _, (picture, *_) = read(path)
    turns = {90: cv2.ROTATE_90_CLOCKWISE, 180: cv2.ROTATE_180, 270: cv2.ROTATE_90_COUNTERCLOCKWISE}
    expected = cv2.rotate(corner(0), turns[degrees])
    assert picture.shape == expected.shape == (*VideoFile(path).size[::-1], 3)
    np.testing.assert_allclose(picture.astype(int), expected, atol=25)
    # And the same as in another player.
    shown = cv2.VideoCapture(str(path)).read()[1]
    assert shown.shape == picture.shape
    np.testing.assert_allclose(shown.astype(int)[..., ::-1], picture, atol=10)


def test_times_that_vary_are_kept(tmp_path):
    times = [0, 40, 80, 200, 1000, 1010, 1300]
    for name, codec in (("a.mkv", "libx264"), ("a.avi", "mpeg4"), ("a.mp4", "libx264")):
        path = film(tmp_path / name, len(times), codec, times=times)
        np.testing.assert_allclose(read(path)[1], np.array(times) / 1000, atol=1e-6)


def test_a_stream_without_times_gets_regular_ones(tmp_path):
    path = film(tmp_path / "a.h264", bf="0")
    np.testing.assert_allclose(read(path)[1], np.arange(50) / FPS, atol=1e-6)


@pytest.mark.parametrize(
    ("name", "codec"),
    [
        ("a.mkv", "libx264"),
        ("a.mov", "libx264"),
        ("a.ts", "libx264"),
        ("a.m2ts", "libx264"),
        ("a.mts", "mpeg2video"),
        ("a.3gp", "libx264"),
        ("a.flv", "flv"),
        ("a.avi", "mpeg4"),
        ("b.avi", "mjpeg"),  # coarse: frames differ by less than its steps
        ("a.wmv", "wmv2"),
        ("a.webm", "libvpx-vp9"),
    ],
)
def test_containers(tmp_path, name, codec):
    options = {"b": "40M", "qmin": "1", "qmax": "2"} if codec != "libx264" else {}
    path = film(tmp_path / name, 30, codec, **options)
    _, times, pictures = read(path)
    assert [number_of(picture) for picture in pictures] == list(range(30))
    np.testing.assert_allclose(times, np.arange(30) / FPS, atol=1.1e-3)


def test_an_end_before_the_last_frame_is_an_error_after_what_is_there(tmp_path):
    whole = film(tmp_path / "a.mp4", 50, movflags="+faststart", g="1")
    with whole.open("rb") as file, av.open(file) as container:
        places = [packet.pos for packet in container.demux(video=0) if packet.size]
    data = whole.read_bytes()
    if data.index(b"moov") > data.index(b"mdat"):
        data = only("video", whole, "front.mp4", movflags="+faststart")  # with its index in front
        whole.write_bytes(data)
        with whole.open("rb") as file, av.open(file) as container:
            places = [packet.pos for packet in container.demux(video=0) if packet.size]
    (tmp_path / "cut.mp4").write_bytes(data[: places[30]])
    found = []
    with pytest.raises(ValueError, match=r"cut.mp4: the video ends after 30 of 50 frames"):
        found.extend(number for number, _, _ in VideoFile(tmp_path / "cut.mp4"))
    assert found == list(range(30))
    matroska = film(tmp_path / "a.mkv", 100, g="1", crf="1")
    (tmp_path / "cut.mkv").write_bytes(matroska.read_bytes()[: matroska.stat().st_size // 3])
    with pytest.raises(ValueError, match=r"cut.mkv: the video ends after [\d.]+ of 4.0 s"):
        read(tmp_path / "cut.mkv")


def test_reading_can_be_limited(tmp_path):
    path = film(tmp_path / "a.mp4")
    assert read(path, max_frames=7)[0] == list(range(7))
    assert VideoFile(path, max_frames=7).count == 7
    rule = r"a.mp4: a frame must have at most 3,000 pixels. Got: 64x48"
    with pytest.raises(ValueError, match=rule):
        VideoFile(path, max_pixels=3000)
    for name in ("max_frames", "max_pixels"):
        with pytest.raises(ValueError, match=f"{name} must be at least 1. Got: 0"):
            VideoFile(path, **{name: 0})
    with pytest.raises(ValueError, match="timeout must be positive. Got: 0"):
        VideoFile(path, timeout=0)


def test_a_header_that_declares_an_absurd_size_is_refused(tmp_path):
    path = film(tmp_path / "a.avi", 5, "mjpeg")
    data, sides = path.read_bytes(), b"\x00\x11\x08" + bytes((0, 48, 0, 64))
    assert sides in data
    path.write_bytes(data.replace(sides, b"\x00\x11\x08" + b"\xea\x60\xea\x60"))
    with pytest.raises(ValueError, match="a.avi: no frame of the video can be read"):
        read(path)


def test_a_video_is_closed_by_its_block(tmp_path):
    path = film(tmp_path / "a.mp4", 5)
    with VideoFile(path) as video:
        pass
    assert list(video) == []


def test_without_pyav_a_line_says_what_to_install(tmp_path, monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "av", None)
    with pytest.raises(ImportError, match=r'pip install "keras-fld\[video\]"'):
        VideoFile(tmp_path / "a.mp4")
    with pytest.raises(ImportError, match=r'pip install "keras-fld\[video\]"'):
        ffmpeg.quiet()


def test_a_picture_of_another_size_follows(tmp_path):
    """A broadcast that changes its format."""
    parts = [
        film(tmp_path / "a.ts", 5, g="1", bf="0"),
        film(tmp_path / "b.ts", 5, g="1", bf="0", picture=lambda n: plain(n, (96, 80))),
    ]
    (tmp_path / "both.ts").write_bytes(b"".join(part.read_bytes() for part in parts))
    _, times, pictures = read(tmp_path / "both.ts")
    sizes = [picture.shape[1::-1] for picture in pictures]
    assert sizes.count(SIZE) >= 4 and sizes.count((96, 80)) >= 4
    assert (np.diff(times) > 0).all()
