"""The page in a real browser, against Python on the same pixels.

Needs chromium (`apt-get install chromium`) and playwright, which is in the group `dev`; its own
download of browsers isn't needed.
"""

import base64
import json
import os
import shutil
import threading
from pathlib import Path

import cv2
import numpy as np
import pytest

from keras_fld import FaceLandmarker, web
from keras_fld.data import synthetic
from keras_fld.geometry.frame import invert, landmark_box, transform, warp
from keras_fld.predict import metadata
from keras_fld.predict.detectors import BlazeFace
from keras_fld.predict.predictor import open_model
from tests.web import test_geometry

playwright = pytest.importorskip("playwright.sync_api", reason="needs pip install playwright")
skimage_data = pytest.importorskip("skimage.data", reason="needs scikit-image")
# As in .ci/run, which installs one.
NAMES = ("chromium", "chromium-browser", "chrome", "google-chrome")
CHROMIUM = next(filter(None, map(shutil.which, NAMES)), None)
pytestmark = pytest.mark.skipif(
    CHROMIUM is None, reason=f"needs a browser: none of {', '.join(NAMES)} is installed"
)

# Half a pixel of the crop is allowed. Crops are the same bytes here, and landmarks equal to 1e-5;
# one gray level in one byte, as another OpenCV may have it, has moved one by 0.15.
TOLERANCE = 0.25
FRAMES = 120
PRESET = "trnet20_300w"
# Side and index of drawn faces.
DRAWN = [(160, 3), (700, 5)]


@pytest.fixture(scope="module")
def landmarker():
    return FaceLandmarker.from_preset(PRESET)


@pytest.fixture(scope="module")
def astronaut():
    return skimage_data.astronaut()


@pytest.fixture(scope="module")
def browser(tmp_path_factory, astronaut):
    """Chromium, whose camera is a film of the astronaut swaying."""
    film = tmp_path_factory.mktemp("camera") / "film.mjpeg"
    with film.open("wb") as file:
        for i in range(FRAMES):
            frame = cv2.warpAffine(astronaut[..., ::-1], _motion(i), (640, 480))
            file.write(cv2.imencode(".jpg", frame)[1].tobytes())
    arguments = [
        "--use-fake-device-for-media-stream",
        "--use-fake-ui-for-media-stream",
        f"--use-file-for-fake-video-capture={film}",
    ]
    if hasattr(os, "geteuid") and os.geteuid() == 0:
        arguments.append("--no-sandbox")  # which root does not have
    with playwright.sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=CHROMIUM, args=arguments)
        yield browser
        browser.close()


def _motion(i):
    """Photograph to film, frame i: the face fills the middle, where the outline is."""
    turn = 2 * np.pi * i / FRAMES
    return np.array([[2.0, 0, -128 + 30 * np.sin(turn)], [0, 2.0, -40 + 15 * np.cos(turn)]])


# Keeps the canvas that the camera's frames are drawn on.
KEEP_FRAMES = """
const { drawImage } = CanvasRenderingContext2D.prototype;
CanvasRenderingContext2D.prototype.drawImage = function (source, ...rest) {
  if (source instanceof HTMLVideoElement) window.frames_canvas = this.canvas;
  return drawImage.call(this, source, ...rest);
};
"""


class Served:
    """The page, opened, with what it asked for and complained of."""

    def __init__(self, browser, permissions=(), without=None, **screen):
        self.server = web.make_server()
        self.thread = threading.Thread(target=self.server.serve_forever)
        self.thread.start()
        self.address = f"http://localhost:{self.server.server_port}/"
        self.context = browser.new_context(
            permissions=list(permissions), accept_downloads=True, **screen
        )
        self.context.add_init_script(KEEP_FRAMES)
        if without is not None:
            self.context.route(f"**/{without}", lambda route: route.abort())
        self.page = self.context.new_page()
        self.requests, self.errors = [], []
        self.page.on("request", lambda request: self.requests.append(request.url))
        self.page.on("pageerror", lambda error: self.errors.append(str(error)))
        self.page.on("console", self._console)
        self.page.goto(self.address)
        self.wait("body[data-ready=yes]")

    def _console(self, message):
        if "Content Security Policy" in message.text:
            self.errors.append(message.text)

    def wait(self, selector):
        return self.page.wait_for_selector(selector, timeout=30_000, state="attached")

    def open(self, path):
        self.page.set_input_files("#file", path)
        self.wait(f"#status:text('{path.name}: ')")

    def faces(self):
        """What the page saves: the faces of its JSON."""
        with self.page.expect_download() as download:
            self.page.click("#save-json")
        return json.loads(Path(download.value.path()).read_text("utf-8"))["faces"]

    def drag(self, start, end):
        """Drags a box over the view, from one to the other point of the screen."""
        mouse = self.page.mouse
        mouse.move(*start)
        mouse.down()
        mouse.move(start[0] + 20, start[1] + 20)
        mouse.move(*end)
        mouse.up()

    def last_frame(self):
        """Stops the camera: its last frame, RGB, and the face that was found there."""
        self.page.click("#camera")
        self.wait("#status:text('Camera stopped')")
        (face,) = self.faces()
        address = self.page.evaluate("frames_canvas.toDataURL('image/png')")
        content = np.frombuffer(base64.b64decode(address.partition(",")[2]), np.uint8)
        return cv2.imdecode(content, cv2.IMREAD_COLOR)[..., ::-1], face

    def stop_server(self):
        if self.thread.is_alive():
            self.server.shutdown()
            self.thread.join()
            self.server.server_close()

    def close(self):
        self.context.close()
        self.stop_server()


@pytest.fixture(scope="module")
def served(browser):
    served = Served(browser)
    yield served
    served.close()


def deviation(landmarker, image, face):
    """Largest difference to Python's landmarks on the same box and angle, in pixels of the crop."""
    model, angle = open_model(PRESET), np.radians(face["angle"])
    matrix = test_geometry.upright(landmarker.frame, face["box"], angle)
    (expected,) = model.predict(warp(image, matrix, landmarker.frame.size)[None])
    return np.linalg.norm(expected - transform(face["landmarks"], matrix), axis=1).max()


def save(path, image):
    """Writes an RGB image; the path."""
    cv2.imwrite(str(path), image[..., ::-1])
    return path


def test_the_page_reads_the_models_metadata(served):
    about = metadata.read(Path(metadata.__file__).parents[1] / "zoo" / "trnet20_300w_int8.tflite")
    text = served.page.inner_text("#about")
    assert f"{len(about['mean_shape'])}, {about['scheme']}" in text
    assert f"{about['input']['size']} × {about['input']['size']}" in text
    assert f"{about['input']['margin']} boxes" in text
    assert served.page.inner_text("#model").startswith(f"{about['preset']}, {about['mode']}")


def test_a_photograph_gives_pythons_landmarks(served, astronaut, landmarker, tmp_path):
    served.open(save(tmp_path / "astronaut.png", astronaut))
    (face,) = served.faces()
    assert deviation(landmarker, astronaut, face) < TOLERANCE
    # Three passes: the box and the angle are those of the landmarks of a box before.
    right, left = (np.mean(face["landmarks"][i : i + 6], axis=0) for i in (36, 42))
    line = np.degrees(np.angle((left - right) @ [1, 1j]))
    assert face["angle"] == pytest.approx(line, abs=1)
    center = np.mean(face["landmarks"], axis=0)
    assert np.linalg.norm(center - np.mean(landmarker.detect(astronaut)[0].landmarks, axis=0)) < 4


def turned(astronaut, degrees):
    """The astronaut turned clockwise about her nose, and the matrix that does it."""
    matrix = cv2.getRotationMatrix2D((224, 120), -degrees, 1)
    return cv2.warpAffine(astronaut, matrix, (512, 512)), matrix


def two_small(astronaut):
    """Two faces that only tiles of the photograph show."""
    image = np.full((768, 1024, 3), 90, np.uint8)
    for x, side in ((40, 200), (500, 320)):
        small = cv2.resize(astronaut, (side, side), interpolation=cv2.INTER_AREA)
        image[300 : 300 + side, x : x + side] = small
    return image


SCENES = {
    "upright": (1, lambda astronaut: astronaut),
    "turned30": (1, lambda astronaut: turned(astronaut, 30)[0]),
    "turned-50": (1, lambda astronaut: turned(astronaut, -50)[0]),
    "small": (2, two_small),
    **{
        f"drawn{size}": (1, lambda _, s=size, i=index: synthetic.draw(i, size=s).image)
        for size, index in DRAWN
    },
}


@pytest.mark.parametrize("name", SCENES)
def test_the_browsers_detector_is_pythons(served, astronaut, landmarker, tmp_path, name):
    count, scene = SCENES[name]
    image = scene(astronaut)
    expected = sorted(BlazeFace().detect(image), key=lambda face: -np.prod(face.box[2:]))
    assert len(expected) == count
    served.page.uncheck("#refine")
    served.open(save(tmp_path / f"{name}.png", image))
    faces = served.faces()
    served.page.check("#refine")
    assert len(faces) == len(expected)
    for face, wanted in zip(faces, expected, strict=True):
        np.testing.assert_allclose(face["box"], wanted.box, atol=0.005 * wanted.box[2])
        assert face["angle"] == pytest.approx(np.degrees(wanted.angle), abs=0.3)
        assert deviation(landmarker, image, face) < TOLERANCE
        same = {**face, "box": wanted.box, "angle": np.degrees(wanted.angle)}
        assert deviation(landmarker, image, same) < 0.5


def test_a_turned_head_gets_the_landmarks_of_an_upright_one(served, astronaut, tmp_path):
    found = []
    for degrees in (0, 30):
        image, matrix = turned(astronaut, degrees)
        served.open(save(tmp_path / f"by{degrees}.png", image))
        (face,) = served.faces()
        found.append((transform(face["landmarks"], invert(matrix)), face["angle"]))
    (upright, angle), (back, other) = found
    assert other - angle == pytest.approx(30, abs=2)
    # In hundredths of the face, which is 93 pixels wide.
    assert np.linalg.norm(upright - back, axis=1).mean() < 1.5


def test_a_picture_without_a_face_says_so(served, tmp_path):
    served.open(save(tmp_path / "gray.png", np.full((300, 400, 3), 128, np.uint8)))
    assert "no face found" in served.page.inner_text("#status")
    assert served.page.is_disabled("#save-json")


@pytest.mark.parametrize(("size", "index"), DRAWN)
def test_a_drawn_face_in_a_drawn_box_gives_pythons_landmarks(
    served, landmarker, tmp_path, size, index
):
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
    assert deviation(landmarker, drawn.image, face) < TOLERANCE


def test_latency_is_measured(served):
    served.page.click("#benchmark")
    served.wait("#status:text('300 runs on this face.')")
    rows = served.page.locator("#latency tr").all_inner_texts()
    assert [row.split()[0] for row in rows] == ["crop", "network", "both"]
    for row in rows:
        p50, p90, p99 = map(float, row.split()[1:])
        assert 0 < p50 <= p90 <= p99 < 10_000
    assert served.page.inner_text("#rate").startswith("300 runs, ")


def test_a_file_that_is_no_image_is_named(served, tmp_path):
    bad = tmp_path / "bad.png"
    bad.write_bytes(b"no image")
    served.page.set_input_files("#file", bad)
    assert served.wait("#status.bad").inner_text().startswith("bad.png: not an image")


def test_the_camera_is_followed(browser, astronaut, landmarker):
    served = Served(browser, ["camera"])
    try:
        served.page.click("#camera")
        served.wait("#status:text('Following')")
        eyes = landmarker.detect(astronaut)[0].landmarks[36:48].mean(axis=0)
        path = np.array([_motion(i) @ [*eyes, 1] for i in range(FRAMES)])
        seen = []
        for _ in range(4):
            served.page.wait_for_timeout(400)
            (face,) = served.faces()
            seen.append(np.mean(face["landmarks"][36:48], axis=0))
            # Where it is in one of the frames; a busy machine, that misses some, lags behind.
            assert np.linalg.norm(path - seen[-1], axis=1).min() < 8
        assert np.ptp(seen, axis=0).max() > 5
        assert deviation(landmarker, *served.last_frame()) < TOLERANCE
        assert not served.errors
    finally:
        served.close()


@pytest.mark.parametrize("by", ["outline", "box"])
def test_without_a_detector_the_camera_starts_where_the_user_says(browser, landmarker, by):
    served = Served(browser, ["camera"], without="face_detection_short_range.tflite")
    try:
        served.page.click("#camera")
        served.wait("#status:text('Looking for a face')")
        served.page.wait_for_timeout(1500)
        assert "Looking" in served.page.inner_text("#status")
        if by == "outline":
            served.page.click("#guide")
        else:
            view = served.page.locator("#view").bounding_box()
            corners = [
                (view["x"] + share[0] * view["width"], view["y"] + share[1] * view["height"])
                for share in ((0.35, 0.25), (0.65, 0.75))
            ]
            served.drag(*corners)
        served.wait("#status:text('Following')")
        served.page.wait_for_timeout(500)
        image, face = served.last_frame()
        assert deviation(landmarker, image, face) < TOLERANCE
        (expected,) = landmarker.detect(image)
        off = np.mean(expected.landmarks, axis=0) - np.mean(face["landmarks"], axis=0)
        assert np.linalg.norm(off) < 8
    finally:
        served.close()


def test_it_is_readable_on_a_small_screen(browser, astronaut, tmp_path):
    small = {"width": 360, "height": 640}
    served = Served(browser, viewport=small, is_mobile=True, has_touch=True)
    try:
        controls = ("Open photo", "Start camera", "Find faces", "Save picture", "Save JSON")
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


def test_it_works_without_the_server_and_asks_nobody_else(browser, astronaut, landmarker, tmp_path):
    served = Served(browser)
    try:
        served.wait("#model:text('kept for use offline')")
        assert served.page.evaluate("crossOriginIsolated")
        served.stop_server()
        served.page.reload()
        served.wait("body[data-ready=yes]")
        served.open(save(tmp_path / "astronaut.png", astronaut))
        (face,) = served.faces()
        assert deviation(landmarker, astronaut, face) < TOLERANCE
        assert not [url for url in served.requests if served.address not in url]
        assert not served.errors
    finally:
        served.close()
