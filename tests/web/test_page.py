"""The page in a real browser, against Python on the same pixels."""

from pathlib import Path

import cv2
import numpy as np
import pytest

from keras_fld._internal.images import as_rgb
from keras_fld.data import synthetic
from keras_fld.geometry.frame import landmark_box
from keras_fld.predict import metadata
from tests.web.opened import DRAWN, TOLERANCE, Served, deviation, save


def test_the_page_reads_the_models_metadata(served):
    about = metadata.read(Path(metadata.__file__).parents[1] / "zoo" / "trnet20_300w_int8.tflite")
    text = served.page.inner_text("#about")
    assert f"{len(about['mean_shape'])}, {about['scheme']}" in text
    assert f"{about['input']['size']} × {about['input']['size']}" in text
    assert f"{about['input']['margin']} × the face box" in text
    assert served.page.inner_text("#model").startswith(f"{about['preset']}, {about['mode']}")


def test_a_photograph_gives_pythons_landmarks(served, astronaut, landmarker, tmp_path):
    served.open(save(tmp_path / "astronaut.png", astronaut))
    (face,) = served.faces()
    assert deviation(astronaut, face) < TOLERANCE
    # From the picture to the landmarks, detectors and passes included, in pixels of the crop.
    (expected,) = landmarker.detect(astronaut)
    off = np.linalg.norm(expected.landmarks - face["landmarks"], axis=1).max()
    assert off * landmarker.frame.matrix(face["box"])[0, 0] < 0.5
    assert face["angle"] == pytest.approx(np.degrees(expected.angle), abs=0.2)


def test_transparent_pixels_are_white_as_in_python(served, astronaut, tmp_path):
    path = tmp_path / "erased.png"
    rgba = np.dstack([astronaut, np.full(astronaut.shape[:2], 255, np.uint8)])
    rgba[140:, :, 3] = 60
    cv2.imwrite(str(path), rgba[..., [2, 1, 0, 3]])
    served.open(path)
    (face,) = served.faces()
    assert deviation(as_rgb(path), face) < TOLERANCE
    rgba[..., 3], gone = 0, tmp_path / "gone.png"
    cv2.imwrite(str(gone), rgba[..., [2, 1, 0, 3]])
    served.open(gone)
    assert served.page.is_disabled("#save-json"), "there is a face to save"


@pytest.mark.parametrize(("size", "index"), DRAWN)
def test_a_drawn_face_in_a_drawn_box_gives_pythons_landmarks(served, tmp_path, size, index):
    drawn = synthetic.draw(index, size=size)
    served.page.uncheck("#refine")
    served.open(save(tmp_path / f"face{size}.png", drawn.image))
    x, y, width, height = landmark_box(drawn.landmarks)
    view = served.page.locator("#view").bounding_box()
    pixel = view["width"] / size
    left, top = view["x"] + (x + 0.5) * pixel, view["y"] + (y + 0.5) * pixel
    served.drag((left, top), (left + width * pixel, top + height * pixel))
    served.wait("#status:text('your box')")
    (face,) = served.faces()
    served.page.check("#refine")
    # A mouse moves in whole pixels of the screen.
    np.testing.assert_allclose(face["box"], (x, y, width, height), atol=1.5 / pixel)
    assert deviation(drawn.image, face) < TOLERANCE


def test_latency_is_measured(served, astronaut, tmp_path):
    served.open(save(tmp_path / "astronaut.png", astronaut))
    served.page.click("#benchmark")
    served.wait("#status:text('300 runs on this face')")
    rows = served.page.locator("#latency tr").all_inner_texts()
    assert [row.split()[0] for row in rows] == ["crop", "network", "both"]
    for row in rows:
        p50, p90, p99 = map(float, row.split()[1:])
        assert 0 < p50 <= p90 <= p99 < 10_000
    assert served.page.inner_text("#rate").startswith("The last 300 runs. ")


def test_a_file_that_is_no_image_is_named(served, tmp_path):
    bad = tmp_path / "bad.png"
    bad.write_bytes(b"no image")
    served.page.set_input_files("#file", bad)
    assert served.wait("#status.bad").inner_text().startswith("bad.png: this browser cannot read")


def test_it_is_readable_on_a_small_screen(browser, astronaut, tmp_path):
    small = {"width": 360, "height": 640}
    served = Served(browser, viewport=small, is_mobile=True, has_touch=True)
    try:
        controls = ("Open file", "Start camera", "Find faces", "Save picture", "Save JSON")
        check_small_screen(served.page, controls, small)
        # A camera's names have no space to break a line at.
        served.open(save(tmp_path / f"PXL_{'20251128_' * 6}.png", astronaut))
        check_small_screen(served.page, controls[:4], small)
    finally:
        served.close()


def check_small_screen(page, controls, screen):
    """Nothing is wider than the screen, these buttons are on it, and no letter is tiny."""
    page.evaluate("scrollTo(0, 0)")
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    assert page.evaluate("innerWidth") == screen["width"]  # not zoomed out for something wide
    for name in controls:
        box = page.get_by_role("button", name=name).bounding_box()
        left, top, width, height = (box[key] for key in ("x", "y", "width", "height"))
        assert left >= 0 and left + width <= screen["width"], name
        assert top >= 0 and top + height <= screen["height"], name
        assert height >= 40, name  # for a finger
    sizes = page.eval_on_selector_all(
        "p, dt, dd, th, td, button, label",
        "(found) => found.map((element) => parseFloat(getComputedStyle(element).fontSize))",
    )
    assert min(sizes) >= 12


def test_it_works_without_the_server_and_asks_nobody_else(browser, astronaut, tmp_path):
    served = Served(browser)
    try:
        served.wait("#model:text('available offline')")
        assert served.page.evaluate("crossOriginIsolated")
        served.stop_server()
        served.page.reload()
        served.wait("body[data-ready=yes]")
        served.open(save(tmp_path / "astronaut.png", astronaut))
        (face,) = served.faces()
        assert deviation(astronaut, face) < TOLERANCE
        assert not [url for url in served.requests if served.address not in url]
        assert not served.errors
    finally:
        served.close()
