"""The golden vectors of tflite/apps are what the package computes today."""

import base64
import json
from pathlib import Path

import numpy as np
import pytest

APPS = Path(__file__).parents[2] / "tflite" / "apps"


@pytest.fixture
def make_golden(monkeypatch):
    monkeypatch.syspath_prepend(APPS)
    return pytest.importorskip("make_golden")


def compare(stored, made, where):
    """Same structure; numbers within what another processor's rounding does to them."""
    if isinstance(made, dict):
        assert stored.keys() == made.keys(), where
        for key, value in made.items():
            compare(stored[key], value, f"{where}/{key}")
    elif isinstance(made, (list, tuple)):
        assert len(stored) == len(made), where
        for i, value in enumerate(made):
            compare(stored[i], value, f"{where}/{i}")
    elif isinstance(made, float):
        assert stored == pytest.approx(made, abs=3e-3), where
    elif isinstance(made, str) and where.rsplit("/", 1)[1] in ("rgb", "nv21"):
        a, b = (np.frombuffer(base64.b64decode(t), np.uint8).astype(int) for t in (stored, made))
        # Other builds of OpenCV may round a tie elsewhere.
        assert np.abs(a - b).max() <= 1, where
        assert (a != b).mean() < 1e-2, where
    else:
        assert stored == made, where


def test_the_stored_file_is_what_the_package_makes(make_golden):
    path = APPS / "golden.json"
    assert path.stat().st_size < 300_000
    stored, made = json.loads(path.read_text("utf-8")), make_golden.contents()
    # Another processor may round an answer of a network otherwise, and the video goes on from it.
    track = made["track"]
    for name in ("landmarks", "detector"):
        assert len(track.pop(name)) > 10 and stored["track"][name]
    assert [len(frame["faces"]) for frame in track.pop("frames")] == [2] * 16
    for name in ("landmarks", "detector", "frames"):
        made["track"][name] = stored["track"][name]
    compare(stored, made, "golden")


def test_the_tracker_finds_the_stored_faces_by_the_stored_answers(make_golden):
    stored = json.loads((APPS / "golden.json").read_text("utf-8"))["track"]
    networks = make_golden.tracking.Networks(
        {name: stored[name] for name in ("landmarks", "detector")}
    )
    frames = make_golden.tracking.followed(make_golden.pictures.picture(), networks)
    compare(stored["frames"], frames, "track")
    assert [next(answers, None) for answers in networks.answers.values()] == [None, None]
    numbers = [[face["id"] for face in frame["faces"]] for frame in frames]
    # One is lost, and one comes; the other is lost, and the first is back with its number.
    assert numbers == [[1, 2]] * 4 + [[1, 3]] * 7 + [[2, 3]] * 5


def test_a_changed_number_or_byte_is_seen():
    with pytest.raises(AssertionError, match="golden/a/1"):
        compare({"a": [1.0, 2.01]}, {"a": [1.0, 2.0]}, "golden")
    rgb = [base64.b64encode(bytes([10, value])).decode() for value in (20, 22)]
    with pytest.raises(AssertionError, match="golden/rgb"):
        compare({"rgb": rgb[0]}, {"rgb": rgb[1]}, "golden")
