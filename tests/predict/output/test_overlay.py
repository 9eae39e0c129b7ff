from pathlib import Path

import cv2
import numpy as np
import pytest

from keras_fld.predict.output import CsvRows, JsonLines, OverlayVideo, VideoOutput
from keras_fld.predict.tracking import TrackedFace

SIZE = (64, 48)


def gray(value):
    return np.full((SIZE[1], SIZE[0], 3), value, np.uint8)


def values(path):
    """The middle's gray value of every frame of a video."""
    capture, found = cv2.VideoCapture(str(path)), []
    while (got := capture.read())[0]:
        found.append(int(got[1][24, 32, 1]))
    return found


def test_pictures_stand_as_long_as_in_their_times(tmp_path):
    with OverlayVideo(tmp_path / "a.mp4", SIZE, 10.0) as video:
        # Late by two frames, then two pictures within one frame.
        for time, value in ((5.0, 40), (5.1, 80), (5.4, 120), (5.41, 160), (5.5, 200)):
            video.write(time, gray(value), [])
    np.testing.assert_allclose(values(tmp_path / "a.mp4"), [40, 80, 80, 80, 120, 200], atol=4)


def test_a_gap_is_not_filled_for_ever(tmp_path):
    with OverlayVideo(tmp_path / "a.mp4", SIZE, 10.0) as video:
        video.write(0.0, gray(40), [])
        video.write(3600.0, gray(80), [])
    assert len(values(tmp_path / "a.mp4")) == 22


def test_the_file_is_there_after_an_error_and_not_without_a_picture(tmp_path):
    with (
        pytest.raises(KeyboardInterrupt),
        OverlayVideo(tmp_path / "a.mp4", SIZE, 10.0) as video,
    ):
        video.write(0.0, gray(90), [])
        assert not (tmp_path / "a.mp4").exists()
        raise KeyboardInterrupt
    assert len(values(tmp_path / "a.mp4")) == 1
    with VideoOutput(tmp_path / "b", ("mp4", "csv", "jsonl"), SIZE, 10.0):
        pass
    assert [path.name for path in tmp_path.iterdir()] == ["a.mp4"]


class Refused:
    """An encoder under whose file the disk is full: OpenCV's says nothing of it."""

    def __init__(self, path, *_):
        self.path = path

    def isOpened(self):
        return True

    def write(self, _):
        pass

    def release(self):
        Path(self.path).write_bytes(b"\0\0\0\x18ftypmp42" + bytes(500))


def test_a_video_that_cannot_be_opened_is_an_error_and_no_file(tmp_path, monkeypatch, capfd):
    monkeypatch.setattr(cv2, "VideoWriter", Refused)
    rule = r"a.mp4: cannot be written \(the file holds 0 of 1 frames; the disk may be full"
    with (
        pytest.raises(ValueError, match=rule),
        OverlayVideo(tmp_path / "a.mp4", SIZE, 10.0) as video,
    ):
        video.write(0.0, gray(90), [])
    assert not list(tmp_path.iterdir())
    # What ends the program still does.
    with (
        pytest.raises(KeyboardInterrupt),
        VideoOutput(tmp_path / "a", ("mp4", "jsonl"), SIZE, 10.0) as output,
    ):
        output.write(0, 0.0, gray(90), [])
        raise KeyboardInterrupt
    assert [path.name for path in tmp_path.iterdir()] == ["a.jsonl"]


def test_a_video_that_lacks_frames_is_an_error(tmp_path, monkeypatch):
    real = cv2.VideoWriter

    class Forgetful:
        def __init__(self, *arguments):
            self.writer, self.seen = real(*arguments), 0
            self.isOpened, self.release = self.writer.isOpened, self.writer.release

        def write(self, picture):
            self.seen += 1
            if self.seen != 3:
                self.writer.write(picture)

    monkeypatch.setattr(cv2, "VideoWriter", Forgetful)
    with (
        pytest.raises(ValueError, match="the file holds 4 of 5 frames"),
        OverlayVideo(tmp_path / "a.mp4", SIZE, 10.0) as video,
    ):
        for i in range(5):
            video.write(i / 10, gray(90), [])
    assert not list(tmp_path.iterdir())


def test_ctrl_c_within_a_frame_keeps_the_video(tmp_path, monkeypatch):
    real = cv2.VideoWriter

    class Interrupted:
        def __init__(self, *arguments):
            self.writer, self.seen = real(*arguments), 0
            self.isOpened, self.release = self.writer.isOpened, self.writer.release

        def write(self, picture):
            self.writer.write(picture)
            self.seen += 1
            if self.seen == 3:
                raise KeyboardInterrupt

    monkeypatch.setattr(cv2, "VideoWriter", Interrupted)
    with (
        pytest.raises(KeyboardInterrupt),
        VideoOutput(tmp_path / "a", ("mp4",), SIZE, 10.0) as output,
    ):
        for i in range(5):
            output.write(i, i / 10, gray(90), [])
    assert len(values(tmp_path / "a.mp4")) == 3


def test_a_picture_of_another_size_is_kept(tmp_path):
    with OverlayVideo(tmp_path / "a.mp4", SIZE, 10.0) as video:
        video.write(0.0, gray(90), [])
        video.write(0.1, np.full((100, 200, 3), 180, np.uint8), [])
    np.testing.assert_allclose(values(tmp_path / "a.mp4"), [90, 180], atol=4)


def test_closing_twice_is_closing_once(tmp_path):
    with OverlayVideo(tmp_path / "a.mp4", SIZE, 10.0) as video:
        video.write(0.0, gray(90), [])
        video.close()
    assert len(values(tmp_path / "a.mp4")) == 1


@pytest.mark.parametrize("kind", [JsonLines, CsvRows])
def test_a_full_disk_leaves_whole_lines(tmp_path, kind):
    resource = pytest.importorskip("resource")
    points = np.full((68, 2), 12.345, np.float32)
    face = TrackedFace(7, (1.0, 2.0, 3.0, 4.0), points, points, None, 0.75)
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    path = tmp_path / "a.part"
    with (
        pytest.raises(ValueError, match="a.txt: cannot be written .File too large"),
        kind(path, tmp_path / "a.txt") as lines,
    ):
        resource.setrlimit(resource.RLIMIT_FSIZE, (10_000, limits[1]))
        try:
            for i in range(100):
                lines.write(i, i / 10, [face])
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    text = path.read_text()
    assert text.endswith("\n") and 5000 < len(text) <= 10_000
    lengths = {len(line.split(",")) for line in text.splitlines()}
    assert len(lengths) == 1


def test_lines_are_readable_before_the_end(tmp_path):
    points = np.array([[1.0, 2.0], [3.5, 4.25]], np.float32)
    face = TrackedFace(7, (1.0, 2.0, 3.0, 4.0), points, points, None, 0.75, np.pi / 6)
    with JsonLines(tmp_path / "a.jsonl") as lines, CsvRows(tmp_path / "a.csv") as rows:
        for output in (lines, rows):
            output.write(0, 0.0, [])
            output.write(1, 0.04, [face])
        assert (tmp_path / "a.jsonl").read_text().splitlines() == [
            '{"frame":0,"time":0.0,"scheme":null,"faces":[]}',
            '{"frame":1,"time":0.04,"scheme":null,"faces":[{"id":7,"box":[1.0,2.0,3.0,4.0],'
            '"angle":30.0,"score":0.75,"landmarks":[[1.0,2.0],[3.5,4.25]]}]}',
        ]
        assert (tmp_path / "a.csv").read_text().splitlines() == [
            "frame,time,id,score,x,y,width,height,x0,y0,x1,y1",
            "1,0.04,7,0.75,1.0,2.0,3.0,4.0,1.0,2.0,3.5,4.25",
        ]


def test_a_table_without_faces_has_its_head(tmp_path):
    with CsvRows(tmp_path / "a.csv") as rows:
        rows.write(0, 0.0, [])
    assert (tmp_path / "a.csv").read_text() == "frame,time,id,score,x,y,width,height\n"
