"""The page opened in a browser, and its landmarks against Python's."""

import base64
import json
import threading
from pathlib import Path

import cv2
import numpy as np

from keras_fld import web
from keras_fld.geometry.frame import transform, warp
from keras_fld.predict.predictor import open_model
from tests.web.test_geometry import upright

PRESET = "trnet20_300w"
# Half a pixel of the crop is allowed. Crops are the same bytes here, and landmarks equal to 1e-5;
# one gray level in one byte, as another OpenCV may have it, has moved one by 0.15.
TOLERANCE = 0.25
# Side and index of drawn faces.
DRAWN = [(160, 3), (700, 5)]

# Keeps the canvas that the camera's frames are drawn on.
KEEP_FRAMES = """
const { drawImage } = CanvasRenderingContext2D.prototype;
CanvasRenderingContext2D.prototype.drawImage = function (source, ...rest) {
  if (source instanceof HTMLVideoElement) {
    window.frames_canvas = this.canvas;
    window.frames_source = source;
  }
  return drawImage.call(this, source, ...rest);
};
"""


class Served:
    """The page, opened, with what it asked for and complained of."""

    def __init__(self, browser, permissions=(), without=None, model=PRESET, **screen):
        self.server = web.make_server(model)
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
        # The status of an earlier file with this name would end the wait at once.
        self.page.evaluate("document.querySelector('#status').textContent = ''")
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

    def crop(self):
        """What the network sees, as the page shows it: (size, size, 3) bytes."""
        script = """() => {
          const { width, height } = document.getElementById("crop");
          const context = document.getElementById("crop").getContext("2d");
          return [...context.getImageData(0, 0, width, height).data];
        }"""
        pixels = np.array(self.page.evaluate(script), np.uint8)
        side = int(np.sqrt(len(pixels) / 4))
        return pixels.reshape(side, side, 4)[..., :3]

    def stop_server(self):
        if self.thread.is_alive():
            self.server.shutdown()
            self.thread.join()
            self.server.server_close()

    def close(self):
        self.context.close()
        self.stop_server()


def deviation(image, face):
    """Largest difference to Python's landmarks on the same box and angle, in pixels of the crop."""
    model = open_model(PRESET)
    matrix = upright(model.frame, face["box"], np.radians(face["angle"]))
    (expected,) = model.predict(warp(image, matrix, model.frame.size)[None])
    return np.linalg.norm(expected - transform(face["landmarks"], matrix), axis=1).max()


def save(path, image):
    """Writes an RGB image; the path."""
    cv2.imwrite(str(path), image[..., ::-1])
    return path
