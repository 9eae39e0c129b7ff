"""The golden vectors of tflite/apps are what the package computes today."""

import base64
import importlib.util
import json
from pathlib import Path

import numpy as np
import pytest

APPS = Path(__file__).parents[2] / "tflite" / "apps"


def make_golden():
    spec = importlib.util.spec_from_file_location("make_golden", APPS / "make_golden.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


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


def test_the_stored_file_is_what_the_package_makes():
    path = APPS / "golden.json"
    assert path.stat().st_size < 300_000
    compare(json.loads(path.read_text("utf-8")), make_golden().contents(), "golden")


def test_a_changed_number_or_byte_is_seen():
    with pytest.raises(AssertionError, match="golden/a/1"):
        compare({"a": [1.0, 2.01]}, {"a": [1.0, 2.0]}, "golden")
    rgb = [base64.b64encode(bytes([10, value])).decode() for value in (20, 22)]
    with pytest.raises(AssertionError, match="golden/rgb"):
        compare({"rgb": rgb[0]}, {"rgb": rgb[1]}, "golden")
