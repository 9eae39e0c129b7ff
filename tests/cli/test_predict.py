"""`keras-fld predict` on files, folders, videos and a stand-in for a camera."""

import csv
import json
import os
import re
import signal
import subprocess
import sys
import threading
import time
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import cv2
import numpy as np
import pytest
from click.testing import CliRunner

from keras_fld import zoo
from keras_fld.cli import cli
from keras_fld.data import read as read_data
from keras_fld.data.readers.pts import read_pts
from keras_fld.geometry.frame import landmark_box
from keras_fld.predict.output import IMAGE_FORMATS
from tests.data import turned
from tests.interrupts import heed_interrupts
from tests.predict.media.films import FPS, damaged, film
from tests.predict.tracking.moving_face import MovingFace

VIDEO = MovingFace(4, size=(320, 240), side=180, still=0.3)
COUNT = 24
CAPTURE = cv2.VideoCapture


@pytest.fixture(scope="module")
def frames():
    return [VIDEO.frame(i)[..., ::-1].copy() for i in range(COUNT)]


@pytest.fixture(scope="module")
def clip(frames, tmp_path_factory):
    return save(tmp_path_factory.mktemp("clip") / "clip.avi", frames)


def save(path, frames, codec="MJPG"):
    size = frames[0].shape[1::-1]
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter_fourcc(*codec), 30.0, size)
    for frame in frames:
        writer.write(frame)
    writer.release()
    return path


LICENSE = "license of the weights of {}: {}"
TERMS = {
    "LicenseRef-300W-Weights": " (non-commercial research only)",
    "CC-BY-4.0": " (credit the sources listed on its card)",
}


def predict(*arguments, code=0):
    """Runs the command in this process; returns the lines of both streams, without the license."""
    result = CliRunner().invoke(cli, ["predict", *map(str, arguments)])
    assert result.exit_code == code, (result.output, result.exception)
    lines = result.stdout.splitlines()
    if lines and "--json" not in arguments:  # of what was done
        preset = (
            arguments[arguments.index("--model") + 1] if "--model" in arguments else "trnet20_300w"
        )
        license = zoo.about(preset).license
        assert lines.pop() == LICENSE.format(preset, license) + TERMS[license]
    return lines, result.stderr.splitlines()


def read_video(path):
    capture, found = cv2.VideoCapture(str(path)), []
    while (got := capture.read())[0]:
        found.append(got[1])
    return found, capture.get(cv2.CAP_PROP_FPS)


def read_lines(path):
    return [json.loads(line) for line in path.read_text("utf-8").splitlines()]


def test_images_of_too_many_pixels_are_refused_and_the_others_done(tmp_path):
    for name, side in (("large", 50), ("small", 40)):
        cv2.imwrite(str(tmp_path / f"{name}.png"), np.zeros((side, side, 3), np.uint8))
    inputs = tmp_path / "large.png", tmp_path / "small.png"
    limit = "--max-pixels", 1600
    lines, errors = predict(*inputs, "--out", tmp_path / "out", *limit, code=2)
    assert f"Error: {inputs[0]}: an image must have" in errors[0]
    assert "at most 1,600 pixels. Got: 50x50" in errors[0]
    assert lines == [f"{inputs[1]}: 0 faces, wrote {tmp_path / 'out' / 'small.png'} and .json"]


def test_a_video_becomes_a_drawn_video_json_lines_and_csv(clip, frames, tmp_path):
    formats = [word for name in ("mp4", "jsonl", "csv") for word in ("--format", name)]
    (line,), _ = predict(clip, "--out", tmp_path, *formats)
    assert f"{clip}: {COUNT} frames, 1 face, wrote {tmp_path / 'clip.mp4'}" in line
    drawn, fps = read_video(tmp_path / "clip.mp4")
    assert len(drawn) == COUNT and fps == 30 and drawn[0].shape == frames[0].shape
    lines = read_lines(tmp_path / "clip.jsonl")
    assert [x["frame"] for x in lines] == list(range(COUNT))
    np.testing.assert_allclose([x["time"] for x in lines], np.arange(COUNT) / 30, atol=1e-3)
    rows = list(csv.DictReader((tmp_path / "clip.csv").open()))
    assert len(rows) == COUNT and {row["id"] for row in rows} == {"1"}
    for i, (entry, row) in enumerate(zip(lines, rows, strict=True)):
        (face,), truth = entry["faces"], VIDEO.landmarks(i / 30)
        assert face["id"] == 1 and entry["scheme"] == "ibug68"
        error = np.linalg.norm(np.array(face["landmarks"]) - truth, axis=1).mean()
        assert error < 0.12 * np.linalg.norm(truth[36] - truth[45]), i
        assert [float(row["x36"]), float(row["y36"])] == face["landmarks"][36]
        # The drawn points change the picture.
        x, y = np.round(face["landmarks"][30]).astype(int)
        change = np.abs(drawn[i][y, x].astype(int) - frames[i][y, x])
        assert change.max() > 15, i


def test_boxes_numbers_and_scores_are_drawn_on_request(clip, frames, tmp_path):
    image = tmp_path / "a.png"
    cv2.imwrite(str(image), frames[0])
    pictures = {}
    for options in ((), ("--boxes",), ("--scores",), ("--ids",), ("--numbers",)):
        predict(image, "--out", tmp_path / "o", "--format", "png", *options)
        pictures["".join(options)] = cv2.imread(str(tmp_path / "o" / "a.png")).astype(int)
    plain = pictures.pop("")
    changed = {name: (x != plain).any(axis=-1) for name, x in pictures.items()}
    for name, mask in changed.items():
        assert mask.sum() > 40, name
    x, y, width, height = landmark_box(VIDEO.landmarks(0)).round().astype(int)
    inner = np.s_[y + height // 4 : y + height * 3 // 4, x + width // 4 : x + width * 3 // 4]
    assert not any(changed[name][inner].any() for name in ("--boxes", "--scores", "--ids"))
    assert changed["--scores"].sum() > 2 * changed["--ids"].sum(), "0.99 is longer than 1"
    # A video's faces have their numbers without the option.
    for options in ((), ("--no-ids",)):
        predict(clip, "--out", tmp_path / "o", "--format", "mp4", "--max-frames", 2, *options)
        pictures[options] = read_video(tmp_path / "o" / "clip.mp4")[0][0].astype(int)
    above = np.abs(pictures[()] - pictures["--no-ids",]).max(axis=-1)[: y + 10]
    assert above.max() > 80


def test_smoothing_can_be_left_out(clip, tmp_path):
    found = []
    for option in ("--smooth", "--no-smooth"):
        predict(clip, "--out", tmp_path, "--format", "jsonl", option)
        faces = [x["faces"][0]["landmarks"] for x in read_lines(tmp_path / "clip.jsonl")]
        found.append(np.abs(np.diff(np.array(faces)[:9], axis=0)).mean())
    assert found[0] < 0.7 * found[1], found


def test_a_folder_is_done_file_by_file_and_bad_ones_are_named(clip, frames, tmp_path):
    folder, out = tmp_path / "in", tmp_path / "out"
    folder.mkdir()
    cv2.imwrite(str(folder / "face.png"), frames[0])
    (folder / "zero.jpg").write_bytes(b"")
    (folder / "zero.mp4").write_bytes(b"")
    (folder / "half.mp4").write_bytes(b"\0\0\0\x18ftypmp42" + bytes(500))
    (folder / "cut.avi").write_bytes(clip.read_bytes()[: clip.stat().st_size // 2])
    (folder / "notes.txt").write_text("not for us")
    done, errors = predict(folder, "--out", out, code=2)
    errors = [line for line in errors if line.startswith("Error: ")]
    for name in ("zero.jpg: not an image", "zero.mp4: not a video", "half.mp4: not a video"):
        assert any(str(folder / name) in line for line in errors), errors
    (cut,) = [line for line in errors if "cut.avi" in line]
    written = len(read_lines(out / "cut.jsonl"))
    assert 0 < written < COUNT and f"the video ends after {written} of {COUNT} frames" in cut
    assert len(read_video(out / "cut.mp4")[0]) == written
    assert len(errors) == 4 and len(done) == 2
    names = {path.name for path in out.iterdir()}
    assert names == {"face.png", "face.json", "cut.mp4", "cut.jsonl"}


def test_points_are_written_for_each_face(frames, tmp_path, monkeypatch):
    from keras_fld.predict.landmarker import FaceLandmarker

    picture = np.hstack([frames[0], frames[0]])
    boxes = np.array([landmark_box(VIDEO.landmarks(0)) + [x, 0, 0, 0] for x in (0, 320)])
    monkeypatch.setattr(FaceLandmarker, "find_boxes", lambda *_, **__: boxes)
    cv2.imwrite(str(tmp_path / "two.png"), picture)
    predict(tmp_path / "two.png", "--out", tmp_path, "--format", "pts", "--format", "csv")
    rows = list(csv.reader((tmp_path / "two.csv").open()))
    assert len(rows) == 3 and len(rows[0]) == 8 + 2 * 68
    for row, name in zip(rows[1:], ("two.pts", "two.face2.pts"), strict=True):
        points = np.array(row[8:], float).reshape(68, 2)
        np.testing.assert_allclose(read_pts(tmp_path / name), points, atol=1e-3)


def test_a_photograph_and_the_video_of_its_name_do_not_meet(clip, frames, tmp_path):
    folder = tmp_path / "in"
    folder.mkdir()
    (folder / "clip.avi").write_bytes(clip.read_bytes())
    cv2.imwrite(str(folder / "clip.png"), frames[0])
    predict(folder, "--out", tmp_path, "--format", "csv")
    assert (tmp_path / "clip.png.csv").exists() and (tmp_path / "clip.avi.csv").exists()
    result = CliRunner().invoke(
        cli, ["predict", str(clip), str(folder / "clip.avi"), "--out", str(tmp_path)]
    )
    assert result.exit_code == 2 and "two inputs are both named" in result.stderr


def test_a_box_begins_a_video_without_a_detector(clip, tmp_path, monkeypatch):
    from keras_fld.predict.landmarker import FaceLandmarker

    monkeypatch.setattr(FaceLandmarker, "find_boxes", lambda *_, **__: pytest.fail("searched"))
    box = ",".join(f"{v:.1f}" for v in landmark_box(VIDEO.landmarks(0)))
    out, _ = predict(clip, "--out", tmp_path, "--box", box, "--quiet", "--format", "jsonl")
    assert out == [] and len(read_lines(tmp_path / "clip.jsonl")[-1]["faces"]) == 1
    predict(clip, "--out", tmp_path / "o", "--box", "900,900,9,9", code=2)
    assert not list((tmp_path / "o").iterdir())


def test_what_scores_too_little_is_left_out(frames, tmp_path, monkeypatch):
    from keras_fld.predict.landmarker import FaceLandmarker

    low = np.random.default_rng(0).integers(60, 90, frames[0].shape, dtype=np.uint8)
    cv2.imwrite(str(tmp_path / "wall.png"), low)
    cv2.imwrite(str(tmp_path / "both.png"), np.hstack([frames[0], low]))
    box = landmark_box(VIDEO.landmarks(0))
    boxes = np.array([box, box + [320, 0, 0, 0]])
    monkeypatch.setattr(
        FaceLandmarker, "find_boxes", lambda _, image, *a: boxes[: image.shape[1] // 320]
    )
    image, out = tmp_path / "both.png", tmp_path / "o"
    found = {}
    for least in ("0.5", "0", None):
        given = () if least is None else ("--min-score", least)
        predict(image, "--out", out, "--format", "json", *given)
        faces = json.loads((out / "both.json").read_text())["faces"]
        found[least] = [face["score"] for face in faces]
    assert len(found["0.5"]) == 1 and len(found["0"]) == 2
    # Without --min-score, all detected faces in photographs are kept.
    assert found[None] == found["0"]
    assert found["0"][0] == found["0.5"][0] > 0.5 > found["0"][1] >= 0
    wall = tmp_path / "wall.png"
    _, (note,) = predict(wall, "--out", out, "--min-score", 0.5)
    assert "wall.png: no face scores at least 0.5 (--min-score); the best scores 0." in note
    # A face given by its box is always kept.
    given = ",".join(f"{v:.1f}" for v in box)
    predict(wall, "--out", out, "--box", given, "--format", "json")
    assert json.loads((out / "wall.json").read_text())["faces"][0]["score"] < 0.5
    result = CliRunner().invoke(
        cli, ["predict", str(wall), "--out", str(out), "--score", str(wall)]
    )
    assert "wall.png: not a TFLite model" in str(result.exception)


def test_a_photograph_without_a_face_is_written_and_is_no_error(frames, tmp_path):
    wall, out = tmp_path / "wall.png", tmp_path / "o"
    cv2.imwrite(str(wall), np.full((90, 120, 3), 77, np.uint8))
    formats = [word for name in IMAGE_FORMATS for word in ("--format", name)]
    (line,), (note,) = predict(wall, "--out", out, *formats)
    assert f"{wall}: 0 faces, wrote {out / 'wall.png'} and .json and .csv and .jsonl" in line
    assert note == f"Note: {wall}: no face found; use --box x,y,width,height to give its box"
    assert json.loads((out / "wall.json").read_text()) == {
        "image": str(wall),
        "scheme": None,
        "faces": [],
    }
    assert read_lines(out / "wall.jsonl")[0]["faces"] == []
    assert list(csv.reader((out / "wall.csv").open())) == [
        ["frame", "time", "id", "score", "x", "y", "width", "height"]
    ]
    assert (cv2.imread(str(out / "wall.png")) == 77).all() and not (out / "wall.pts").exists()
    (line,), _ = predict(wall, "--out", tmp_path / "p", "--format", "pts")
    assert line == f"{wall}: 0 faces, wrote nothing"


def test_the_best_score_does_not_contradict_the_least(frames, tmp_path, monkeypatch):
    from keras_fld.predict import DetectedFace, FaceLandmarker
    from keras_fld.schemes import IBUG68

    face = DetectedFace((1, 1, 9, 9), np.zeros((68, 2), np.float32), IBUG68, 0.99609)
    monkeypatch.setattr(FaceLandmarker, "detect", lambda *_: [face])
    cv2.imwrite(str(tmp_path / "a.png"), frames[0])
    _, (note,) = predict(tmp_path / "a.png", "--out", tmp_path / "o", "--min-score", 1)
    assert "no face scores at least 1 (--min-score); the best scores 0.996;" in note


def test_the_face_score_can_be_turned_off(frames, tmp_path):
    box = ",".join(f"{v:.1f}" for v in landmark_box(VIDEO.landmarks(0)))
    cv2.imwrite(str(tmp_path / "a.png"), frames[0])

    def score(*options):
        predict(tmp_path / "a.png", "--out", tmp_path / "o", "--box", box, *options)
        return json.loads((tmp_path / "o" / "a.json").read_text())["faces"][0]["score"]

    assert score() > 0.5 and score("--no-score") is None
    # The face score is for research only, so presets without such terms do not use it.
    assert score("--model", "trnet20_free") is None
    file = zoo.score_file()
    assert score("--model", "trnet20_free", "--score", file) is not None
    _, errors = predict("a.png", "--out", "o", "--score", file, "--no-score", code=2)
    assert "give either --score or --no-score" in errors[-1]


def refused(*arguments):
    """The error line of a command that refuses its arguments."""
    result = CliRunner().invoke(cli, ["predict", *map(str, arguments)])
    assert result.exit_code == 2, result.output
    return result.stderr.splitlines()[-1].removeprefix("Error: ")


def contents(folder):
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def test_an_input_is_never_overwritten(clip, frames, tmp_path):
    photo, video = tmp_path / "photo.png", tmp_path / "clip.mp4"
    cv2.imwrite(str(photo), frames[0])
    save(video, frames[:3], "mp4v")
    (tmp_path / "other").mkdir()
    other = tmp_path / "other" / "photo.jpg"
    other.write_bytes(photo.read_bytes())
    before = contents(tmp_path / "other"), photo.read_bytes(), video.read_bytes()
    rule = "--out must be a folder in which no result overwrites the input"
    for inputs, victim in (([photo], photo), ([video], video), ([video, photo], video)):
        line = refused(*inputs, "--out", tmp_path)
        assert line.startswith(f"{rule} {victim}. Got: {tmp_path}")
    linked = tmp_path / "links"
    linked.mkdir()
    (linked / "photo.png").symlink_to(photo)
    assert f"the input {photo}" in refused(photo, "--out", linked)
    assert f"the input {linked / 'photo.png'}" in refused(linked / "photo.png", "--out", tmp_path)
    after = contents(tmp_path / "other"), photo.read_bytes(), video.read_bytes()
    assert before == after and {p.name for p in tmp_path.iterdir()} == {
        "photo.png",
        "clip.mp4",
        "other",
        "links",
    }
    # Results with other names may be next to the inputs.
    predict(other, "--out", other.parent)
    predict(photo, "--out", tmp_path, "--format", "json")
    assert photo.read_bytes() == before[1]


def test_a_folder_of_inputs_takes_no_results(frames, tmp_path, monkeypatch):
    folder = tmp_path / "e"
    folder.mkdir()
    cv2.imwrite(str(folder / "a.jpg"), frames[0])
    (tmp_path / "link").symlink_to(folder)
    monkeypatch.chdir(tmp_path)
    for out in ("e", folder, "e/../e", "link"):
        line = refused("e", "--out", out)
        assert "--out must not be an input folder" in line and f"Got: {out}" in line
    assert [path.name for path in folder.iterdir()] == ["a.jpg"]
    predict("e", "--out", "e/found", "--format", "json")
    assert (folder / "found" / "a.json").exists()


@pytest.mark.parametrize(
    ("arguments", "rule"),
    [
        ((), "give either INPUTS or --camera"),
        (("a.jpg", "--camera", "0"), "give either INPUTS or --camera"),
        (("a.jpg", "--seconds", "3"), "--seconds needs --camera"),
        (("a.jpg", "--format", "gif"), "'gif' is not one of"),
        (("none.mp4",), "none.mp4: No such file"),
        (("none.jpg",), "none.jpg: No such file"),
        (("none.mp4", "--format", "pts"), "none.mp4: the format for videos must be one of mp4"),
        (("EMPTY",), "the folder contains no image or video"),
    ],
)
def test_bad_input_is_one_line_and_exit_code_2(arguments, rule, tmp_path):
    arguments = [str(tmp_path) if word == "EMPTY" else word for word in arguments]
    _, errors = predict(*arguments, "--out", tmp_path / "o", code=2)
    (line,) = [x for x in errors if x.startswith("Error: ")]
    assert rule in line and not (tmp_path / "o").exists()


def test_an_output_that_cannot_be_written_is_named(clip, tmp_path):
    (tmp_path / "file").write_text("in the way")
    out = tmp_path / "file" / "o"
    with pytest.raises(ValueError, match=re.escape(f"{out}: cannot be written")):
        CliRunner().invoke(cli, ["predict", str(clip), "--out", str(out)], catch_exceptions=False)
    for name in ("jsonl", "mp4"):
        (tmp_path / "o" / f"clip.{name}").mkdir(parents=True)  # in the way
        _, errors = predict(clip, "--out", tmp_path / "o", "--format", name, code=2)
        assert any(f"clip.{name}: cannot be written" in line for line in errors), errors


def test_a_pyav_without_the_codec_says_so(clip, tmp_path, monkeypatch):
    from keras_fld.predict.media import writing

    monkeypatch.setattr(writing, "_KINDS", {".mp4": ("libnone", {}, {})})
    _, errors = predict(clip, "--out", tmp_path, code=2)
    assert any("no encoder libnone; write jsonl or csv instead" in x for x in errors)


def test_without_pyav_images_are_done_and_a_video_is_a_line(clip, frames, tmp_path, monkeypatch):
    cv2.imwrite(str(tmp_path / "face.png"), frames[0])
    monkeypatch.setitem(sys.modules, "av", None)
    out = tmp_path / "o"
    done, errors = predict(clip, tmp_path / "face.png", "--out", out, "--format", "csv", code=2)
    (line,) = [x for x in errors if x.startswith("Error: ")]
    assert str(clip) in line and 'pip install "keras-fld[video]"' in line
    assert len(done) == 1 and [path.name for path in out.iterdir()] == ["face.csv"]


class FakeCamera:
    """A `cv2.VideoCapture` whose camera is unplugged after some frames."""

    frames, opened = [], True

    def __new__(cls, source):
        # What the test reads.
        return super().__new__(cls) if isinstance(source, int) else CAPTURE(source)

    def __init__(self, number):
        assert number == 3
        self.left = list(self.frames)

    def isOpened(self):
        return self.opened

    def read(self):
        return (True, self.left.pop(0)) if self.left else (False, None)

    def get(self, _):
        return 0.0

    def release(self):
        pass


def test_a_camera_that_disappears_leaves_what_was_done(frames, tmp_path, monkeypatch):
    monkeypatch.setattr(cv2, "VideoCapture", FakeCamera)
    monkeypatch.setattr(FakeCamera, "frames", frames[:5])
    done, errors = predict("--camera", 3, "--out", tmp_path, code=2)
    assert any("camera 3: no more pictures after frame 4" in line for line in errors)
    assert "camera 3: 5 frames, 1 face" in done[0]
    lines = read_lines(tmp_path / "camera3.jsonl")
    assert len(lines) == 5 and len(lines[-1]["faces"]) == 1
    monkeypatch.undo()
    assert read_video(tmp_path / "camera3.mp4")[0]


def test_a_camera_stops_in_time_or_is_not_there(frames, tmp_path, monkeypatch):
    monkeypatch.setattr(cv2, "VideoCapture", FakeCamera)
    monkeypatch.setattr(FakeCamera, "frames", frames * 50)
    predict("--camera", 3, "--seconds", 0.2, "--out", tmp_path, "--format", "csv")
    assert (tmp_path / "camera3.csv").exists()
    monkeypatch.setattr(FakeCamera, "opened", False)
    _, errors = predict("--camera", 3, "--out", tmp_path, code=2)
    assert any("camera 3: cannot be opened" in line for line in errors)


def test_an_interrupted_video_can_be_read(frames, tmp_path):
    clip, out = save(tmp_path / "long.avi", frames * 15), tmp_path / "out"
    process = subprocess.Popen(
        [sys.executable, "-m", "keras_fld", "predict", str(clip), "--out", str(out)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3"},
        preexec_fn=heed_interrupts,
    )
    lines, deadline = out / "long.jsonl", time.monotonic() + 120
    while not (lines.exists() and lines.read_bytes().count(b"\n") > 5):
        assert process.poll() is None and time.monotonic() < deadline
        time.sleep(0.02)
    process.send_signal(signal.SIGINT)
    output, error = process.communicate(timeout=60)
    assert process.returncode == 130 and "Traceback" not in error and "interrupted" in error
    count = len(read_lines(lines))
    assert f"long.avi: {count} frames" in output
    assert 5 < count < 15 * COUNT
    assert len(read_video(out / "long.mp4")[0]) == count
    assert {path.name for path in out.iterdir()} == {"long.mp4", "long.jsonl"}


def test_predicting_a_video_loads_neither_keras_nor_tensorflow(clip, tmp_path):
    code = (
        "import sys\nfrom keras_fld.cli import cli\n"
        f"cli(['predict', {str(clip)!r}, '--out', {str(tmp_path)!r}], standalone_mode=False)\n"
        "heavy = {'keras', 'tensorflow', 'jax', 'torch', 'matplotlib'} & set(sys.modules)\n"
        "assert not heavy, heavy\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_damaged_frames_are_counted(frames, tmp_path):
    path = damaged(film(tmp_path / "a.mp4", COUNT, picture=lambda i: frames[i], g="1"), 6, 7)
    (line,), notes = predict(path, "--out", tmp_path / "o", "--format", "jsonl")
    read = f"{COUNT - 2} of {COUNT} frames read; 2 damaged frames skipped"
    assert f"Note: {path}: {read}" in notes and f"{path}: {COUNT - 2} frames, " in line
    times = [entry["time"] for entry in read_lines(tmp_path / "o" / "a.jsonl")]
    expected = [i / FPS for i in range(COUNT) if i not in (6, 7)]
    np.testing.assert_allclose(times, expected, atol=1e-6)
    (text,), _ = predict_json(path, "--out", tmp_path / "o", "--format", "csv")
    assert (text["frames"], text["damaged"]) == (COUNT - 2, 2)


def predict_json(*arguments):
    result = CliRunner().invoke(cli, ["predict", *map(str, arguments), "--json"])
    assert result.exit_code == 0, (result.output, result.exception)
    found = json.loads(result.stdout)
    return found["files"], found["errors"]


@pytest.mark.skipif(sys.platform != "linux", reason="needs names that are not UTF-8")
def test_names_that_are_not_utf8(frames, tmp_path):
    """Uses a separate process, because OpenCV used to crash it."""
    video, photo = (tmp_path / os.fsdecode(b"caf\xe9" + end) for end in (b".mp4", b".png"))
    film(tmp_path / "a.mp4", 5, picture=lambda i: frames[i]).rename(video)
    cv2.imwrite(str(tmp_path / "a.png"), frames[0])
    (tmp_path / "a.png").rename(photo)
    bad = tmp_path / os.fsdecode(b"b\xe9d.mp4")
    bad.write_bytes(b"none")
    command = [sys.executable, "-m", "keras_fld", "predict", *map(os.fsencode, (video, photo, bad))]
    result = subprocess.run(
        [*command, "--out", str(tmp_path / "o")],
        capture_output=True,
        env={**os.environ, "PYTHONIOENCODING": "utf-8", "TF_CPP_MIN_LOG_LEVEL": "3"},
    )
    assert result.returncode == 2 and b"Traceback" not in result.stderr, result.stderr
    assert "caf\\udce9.mp4: 5 frames, 1 face" in result.stdout.decode()
    assert b"d.mp4: not a video that can be read (4 bytes)" in result.stderr
    written = sorted(os.fsencode(path.name) for path in (tmp_path / "o").iterdir())
    assert written == [b"caf\xe9.mp4" + end for end in (b".jsonl", b".mp4")] + [
        b"caf\xe9.png" + end for end in (b".json", b".png")
    ]


def test_the_content_says_what_a_file_is(frames, tmp_path):
    film(tmp_path / "a.mp4", 3, picture=lambda i: frames[i]).rename(tmp_path / "video.jpg")
    cv2.imwrite(str(tmp_path / "a.png"), frames[0])
    (tmp_path / "a.png").rename(tmp_path / "photo.mp4")
    inputs = tmp_path / "video.jpg", tmp_path / "photo.mp4"
    predict(*inputs, "--out", tmp_path / "o")
    names = {path.name for path in (tmp_path / "o").iterdir()}
    assert names == {"video.mp4", "video.jsonl", "photo.png", "photo.json"}


def test_a_stream_is_read_and_named_after_its_address(frames, tmp_path):
    film(tmp_path / "live.ts", COUNT, picture=lambda i: frames[i])
    handler = partial(SimpleHTTPRequestHandler, directory=tmp_path)
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        place = f"127.0.0.1:{server.server_port}"
        found, _ = predict_json(
            f"http://me:pw@{place}/live.ts?key=1",
            *("--out", tmp_path / "o", "--format", "webm", "--max-frames", 5),
        )
        _, errors = predict(f"http://me:pw@{place}/no.ts", "--out", tmp_path / "o", code=2)
        server.shutdown()
    assert found == [
        {
            "input": f"http://{place}/live.ts?key=1",
            "frames": 5,
            "damaged": 0,
            "faces": 1,
            "files": [str(tmp_path / "o" / "live.webm")],
        }
    ]
    assert len(read_video(tmp_path / "o" / "live.webm")[0]) == 5
    (error,) = [line for line in errors if line.startswith("Error: ")]
    assert f"http://{place}/no.ts: cannot be read" in error and "pw" not in error


def test_a_folder_with_folders_is_read_on_request(frames, tmp_path):
    root = tmp_path / "photos"
    (root / "anna").mkdir(parents=True)
    content = cv2.imencode(".jpg", frames[0])[1].tobytes()
    for name in ("a.jfif", "anna/a.jfif", "anna/b\n#%.jpg"):
        (root / name).write_bytes(content)
    (root / "notes.txt").write_text("nothing")
    lines, notes = predict(root, "--recursive", "--out", tmp_path / "out", "--format", "json")
    assert len(lines) == 3 and f"Note: {root}: left out 1 file that is not an image" in notes[0]
    written = {str(path.relative_to(tmp_path / "out")) for path in (tmp_path / "out").rglob("*.*")}
    assert written == {"a.json", "anna/a.json", "anna/b\n#%.json"}
    found = json.loads((tmp_path / "out/anna/b\n#%.json").read_text())
    assert found["image"] == str(root / "anna/b\n#%.jpg") and len(found["faces"]) == 1
    line = refused(root, "--recursive", "--out", root / "out")
    assert "must lie outside the input folder" in line


@pytest.mark.skipif(os.name != "posix", reason="names are bytes on POSIX systems")
def test_a_name_that_is_no_utf_8_is_read_and_read_back(frames, tmp_path):
    """Latin-1 names, as in old archives, and a photograph stored sideways, as phones do."""
    photo = os.fsdecode(os.fsencode(tmp_path) + b"/m\xfcller.jpg")
    content = turned.jpeg(frames[0][..., ::-1], 6)
    Path(photo).write_bytes(content)
    formats = [part for name in ("json", "pts", "csv") for part in ("--format", name)]
    lines, _ = predict(photo, "--out", tmp_path / "out", *formats)
    assert lines[0].startswith(f"{tmp_path}/m\\udcfcller.jpg: 1 face")
    lines, _ = predict(photo, "--out", tmp_path / "out", *formats, "--json")
    assert json.loads("\n".join(lines))["files"][0]["input"] == photo
    stem = os.fsdecode(b"m\xfcller")
    (tmp_path / "out" / f"{stem}.jpg").write_bytes(content)
    points = read_data("pts", tmp_path / "out").faces[0].landmarks
    for kind in ("json", "csv"):
        (face,) = read_data("own", tmp_path / "out" / f"{stem}.{kind}").faces
        np.testing.assert_allclose(face.landmarks, points, atol=1e-3)
        assert face.image().shape == frames[0].shape
