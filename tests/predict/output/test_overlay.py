import signal

import cv2
import numpy as np
import pytest

from keras_fld.predict.media import VideoWriter
from keras_fld.predict.output import CsvRows, JsonLines, OverlayVideo, VideoOutput
from keras_fld.predict.tracking import TrackedFace

SIZE = (64, 48)


def gray(value):
    return np.full((SIZE[1], SIZE[0], 3), value, np.uint8)


def values(path):
    """The gray value at the center of every frame of a video."""
    capture, found = cv2.VideoCapture(str(path)), []
    while (got := capture.read())[0]:
        found.append(int(got[1][24, 32, 1]))
    return found


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


def test_all_files_have_the_same_frames_whenever_ctrl_c_comes(tmp_path, monkeypatch):
    """The signal arrives while a frame is encoded; the frame is completed in every file."""
    encode = VideoWriter.write

    def interrupted(self, time, frame):
        encode(self, time, frame)
        if self.frames == 3:
            signal.raise_signal(signal.SIGINT)

    monkeypatch.setattr(VideoWriter, "write", interrupted)
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        with (
            pytest.raises(KeyboardInterrupt),
            VideoOutput(tmp_path / "a", ("mp4", "webm", "jsonl"), SIZE, 10.0) as output,
        ):
            for i in range(5):
                output.write(i, i / 10, gray(90), [])
        assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
    finally:
        signal.signal(signal.SIGINT, before)
    assert output.frames == 3 and len((tmp_path / "a.jsonl").read_text().splitlines()) == 3
    assert len(values(tmp_path / "a.mp4")) == len(values(tmp_path / "a.webm")) == 3


def test_what_ends_the_program_ends_it_though_a_file_fails_too(tmp_path, monkeypatch):
    def full(self):
        raise ValueError("a.mp4: cannot be written")

    monkeypatch.setattr(VideoWriter, "close", full)
    with (
        pytest.raises(KeyboardInterrupt),
        VideoOutput(tmp_path / "a", ("mp4", "jsonl"), SIZE, 10.0) as output,
    ):
        output.write(0, 0.0, gray(90), [])
        raise KeyboardInterrupt


def test_the_picture_is_returned_with_its_landmarks(tmp_path):
    points = np.array([[20.0, 20.0], [40.0, 30.0]], np.float32)
    face = TrackedFace(7, (1.0, 2.0, 3.0, 4.0), points, points, None, 0.75)
    with OverlayVideo(tmp_path / "a.mp4", SIZE, 10.0) as video:
        frame = gray(90)
        drawn = video.write(0.0, frame, [face])
        video.close()
    assert (frame == 90).all() and (drawn[20, 20] == 255).all() and video.frames == 1


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
