"""The report and the parity page on a screen 390 pixels wide."""

import os
import shutil
from pathlib import Path

import numpy as np
import pytest

from keras_fld.data import synthetic
from keras_fld.lite import parity_page
from keras_fld.lite.parity_check import Parity
from keras_fld.reports.run_folder import read_run
from keras_fld.reports.run_page import page

pytest.importorskip("matplotlib")

KEPT = Path(__file__).parents[2] / "results" / "300w_trnet20_windows" / "model"


@pytest.fixture(scope="module")
def screen():
    driver = pytest.importorskip("playwright.sync_api", reason="needs pip install playwright")
    chromium = next(filter(None, map(shutil.which, ("chromium", "chromium-browser"))), None)
    if chromium is None:
        pytest.skip("needs chromium")
    root = hasattr(os, "geteuid") and os.geteuid() == 0
    with driver.sync_playwright() as started:
        browser = started.chromium.launch(executable_path=chromium, args=["--no-sandbox"] * root)
        yield browser.new_page(viewport={"width": 390, "height": 844})
        browser.close()


def report(tmp_path):
    run = tmp_path / "run"
    run.mkdir()
    for name in ("recipe.json", "log.csv"):
        shutil.copy(KEPT.parent / name, run / name)
    shutil.copy(KEPT / "evaluation.json", run / "evaluation.json")
    return page(read_run(run))


def parity(_):
    faces = [synthetic.draw(index, size=64) for index in range(2)]
    crops = np.stack([face.image for face in faces])
    points = np.stack([face.landmarks for face in faces])
    names = ("inter_ocular", "inter_pupil")
    row = {"nme_reference": 4.2, "nme": 4.31, "difference": 0.11, "pixels": 0.3}
    rows = [{"subset": "challenge", "normalizer": name, **row} for name in names]
    model = "trnet20_300w_with_a_long_name_int8_full.tflite"
    paths = [f"helen/testset/{index}.jpg" for index in range(2)]
    pair = np.stack([points, points + 0.3])
    return parity_page.page(Parity(model, "run/model.keras", "300w", 64, rows, paths, crops, pair))


@pytest.mark.parametrize("content", [report, parity])
def test_nothing_is_wider_than_the_screen(content, screen, tmp_path):
    path = tmp_path / "page.html"
    path.write_text(content(tmp_path), "utf-8")
    screen.goto(path.as_uri())
    assert screen.evaluate("document.documentElement.scrollWidth") <= 390
    wide = "[...document.querySelectorAll('img, svg')].map(x => x.getBoundingClientRect().width)"
    widths = screen.evaluate(wide)
    assert widths and max(widths) <= 390
    # Pictures are not reduced so far that their letters, 21 pixels high, cannot be read.
    scale = "[...document.images].map(x => x.getBoundingClientRect().width / x.naturalWidth)"
    assert min(screen.evaluate(scale)) > 0.45
