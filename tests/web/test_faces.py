"""Several faces on the page, the sample photograph, and what the panel says."""

import cv2
import numpy as np

from keras_fld import zoo
from keras_fld.geometry.frame import warp
from keras_fld.predict.predictor import open_model
from keras_fld.web.files import PAGE
from tests.web.opened import PRESET, TOLERANCE, Served, deviation, save
from tests.web.test_detector import two_small
from tests.web.test_geometry import same, upright


def seen(image, face):
    """The crop of a face of the page, as Python cuts it."""
    frame = open_model(PRESET).frame
    return warp(image, upright(frame, face["box"], np.radians(face["angle"])), frame.size)


def test_a_dragged_box_adds_a_face_and_the_crop_is_that_of_the_chosen_one(
    browser, astronaut, tmp_path
):
    image = two_small(astronaut)
    served = Served(browser, without="face_detection_short_range.tflite")
    try:
        served.open(save(tmp_path / "two.png", image))
        assert served.page.is_hidden("#crop")
        view = served.page.locator("#view").bounding_box()
        pixel = view["width"] / image.shape[1]

        def screen(x, y):
            return view["x"] + x * pixel, view["y"] + y * pixel

        # The astronaut's face, of 512 pixels, in the two pictures.
        boxes = []
        for left, side in ((40, 200), (500, 320)):
            low, high = np.array([[175, 70], [275, 175]]) * side / 512 + [left, 300]
            boxes.append((low, high))
            served.drag(screen(*low), screen(*high))
            served.wait(f"#status:text('{len(boxes)} face')")
        first, second = served.faces()
        assert same(served.crop(), seen(image, second))
        assert not same(served.crop(), seen(image, first))
        assert "Face 2 of 2" in served.page.inner_text("#which")
        for face in (first, second):
            assert deviation(image, face) < TOLERANCE
        served.page.mouse.click(*screen(*np.mean(boxes[0], axis=0)))
        served.wait("#which:text('Face 1 of 2')")
        assert same(served.crop(), seen(image, first))
        # A box around a face that is there replaces it.
        served.drag(screen(*boxes[0][0]), screen(*boxes[0][1] + 4))
        served.wait("#which:text('Face 2 of 2')")
        again = served.faces()
        assert len(again) == 2 and again[0] == second and again[1] != first
        # A picture without a face has no crop.
        served.open(save(tmp_path / "gray.png", np.full((300, 400, 3), 128, np.uint8)))
        assert served.page.is_hidden("#crop")
        assert not served.errors
    finally:
        served.close()


def test_the_sample_photograph_is_cited_and_has_a_face(served, astronaut, tmp_path):
    assert served.page.is_hidden("#credit")
    served.page.click("#sample")
    served.wait("#status:text('sample.jpg: 1 face.')")
    credit = served.page.inner_text("#credit")
    for part in ("London Set", "DeBruine", "10.6084/m9.figshare.5047666", "CC BY 4.0"):
        assert part in credit
        assert part in (PAGE / "NOTICE.md").read_text("utf-8").replace("\n", " ")
    (face,) = served.faces()
    image = cv2.imread(str(PAGE / "sample.jpg"))[..., ::-1]
    # Two decoders of JPEG differ by a gray level here and there.
    assert deviation(image, face) < 2 * TOLERANCE
    assert (PAGE / "sample.jpg").stat().st_size <= 60_000
    served.open(save(tmp_path / "astronaut.png", astronaut))
    assert served.page.is_hidden("#credit")


def test_the_latency_of_one_run_is_called_that(served, astronaut, tmp_path):
    served.open(save(tmp_path / "astronaut.png", astronaut))
    rows = [row.split() for row in served.page.locator("#latency tr").all_inner_texts()]
    assert all(float(p50) > 0 and (p90, p99) == ("–", "–") for _, p50, p90, p99 in rows)
    text = served.page.inner_text("#rate")
    assert text.startswith("1 run, not warmed up.") and "detection and drawing are not" in text


def test_the_license_of_a_model_is_shown_if_it_states_one(browser, tmp_path):
    content = zoo.lite_file(PRESET).read_bytes()
    for name, field in (("with", b'"license":"CC0-1"'), ("without", b'"nothing":"CC0-1"')):
        path = tmp_path / f"{name}.tflite"
        # Of the same length: places in the file stay as they are.
        stated = content.replace(b'"license"', b'"nolicen"')
        path.write_bytes(stated.replace(b'"version":"0.1.0"', field))
        assert len(path.read_bytes()) == len(content)
        served = Served(browser, model=path)
        try:
            rows = served.page.locator("#about dt").all_inner_texts()
            assert ("license" in rows) is (name == "with")
            assert ("CC0-1" in served.page.inner_text("#about")) is (name == "with")
            assert "undefined" not in served.page.inner_text("body")
        finally:
            served.close()
