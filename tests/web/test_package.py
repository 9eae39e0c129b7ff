"""The npm package in a plain page of its own, against Python.

LiteRT.js comes from the page's vendored copy, which is the version that the package depends on.
"""

import functools
import http.server
import shutil
import threading

import numpy as np
import pytest

from keras_fld import web, zoo
from keras_fld.data import synthetic
from keras_fld.geometry.frame import landmark_box
from tests.web.opened import DRAWN, PRESET, save

# In pixels of the crop.
TOLERANCE = 0.25

PAGE = """<!doctype html>
<script type="importmap">{"imports": {
  "keras-fld": "./package/index.js", "@litertjs/core": "./litert/core.js"}}</script>
<body><script type="module">
import * as fld from "keras-fld";
const landmarker = await fld.FaceLandmarker.load("model.tflite", { wasm: "litert/" });
const picture = async (name) => {
  const image = new Image();
  image.src = name;
  await image.decode();
  return image;
};
Object.assign(window, { fld, landmarker, picture, ready: true });
</script></body>
"""


@pytest.fixture(scope="module")
def page(browser, packed, astronaut, tmp_path_factory):
    """A plain page that has loaded the package and a model, on a server without any headers."""
    folder = tmp_path_factory.mktemp("site")
    shutil.copytree(packed, folder / "package")
    for address, file in web.page_files().items():
        if address.startswith("/litert/"):
            path = folder / address[1:]
            path.parent.mkdir(exist_ok=True)
            path.write_bytes(file.plain())
    shutil.copy(zoo.lite_file(PRESET), folder / "model.tflite")
    (folder / "index.html").write_text(PAGE, "utf-8")
    # Two faces, side by side.
    save(folder / "two.png", np.hstack([astronaut[20:220, 125:325]] * 2))
    for size, index in DRAWN:
        save(folder / f"face{size}.png", synthetic.draw(index, size=size).image)
    handler = functools.partial(_Quiet, directory=str(folder))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        page = browser.new_page()
        errors = []
        page.on("pageerror", lambda error: errors.append(str(error)))
        try:
            page.goto(f"http://localhost:{server.server_port}/")
            page.wait_for_function("window.ready", timeout=30_000)
            yield page
            assert not errors
        finally:
            page.close()
            server.shutdown()
            thread.join()


class _Quiet(http.server.SimpleHTTPRequestHandler):
    extensions_map = {".js": "text/javascript", ".html": "text/html", ".wasm": "application/wasm"}

    def log_message(self, *arguments):
        pass


def off(landmarker, found, expected):
    """Largest distance of landmarks, in pixels of the crop."""
    distance = np.linalg.norm(np.subtract(found["landmarks"], expected.landmarks), axis=1).max()
    return distance * landmarker.frame.matrix(found["box"])[0, 0]


@pytest.mark.parametrize(("size", "index"), DRAWN)
def test_a_face_in_a_box_gets_pythons_landmarks(page, landmarker, size, index):
    drawn = synthetic.draw(index, size=size)
    box = [float(value) for value in landmark_box(drawn.landmarks)]
    (expected,) = landmarker.detect(drawn.image, boxes=[box])
    script = "async ([name, box]) => landmarker.detect(await picture(name), { boxes: [box] })"
    (face,) = page.evaluate(script, [f"face{size}.png", box])
    assert face["box"] == box and face["score"] is None
    assert off(landmarker, face, expected) < TOLERANCE


@pytest.mark.parametrize(("size", "index"), DRAWN)
def test_a_detected_face_gets_pythons_landmarks(page, landmarker, size, index):
    (expected,) = landmarker.detect(synthetic.draw(index, size=size).image)
    script = "async (name) => landmarker.detect(await picture(name))"
    (face,) = page.evaluate(script, f"face{size}.png")
    assert off(landmarker, face, expected) < TOLERANCE
    assert 0.7 <= face["score"] <= 1


SOURCES = {
    "canvas": "canvas",
    "pixels": "context.getImageData(0, 0, canvas.width, canvas.height)",
    "bitmap": "await createImageBitmap(canvas)",
    "frame": "new VideoFrame(canvas, { timestamp: 0 })",
}


@pytest.mark.parametrize("name", SOURCES)
def test_every_source_gives_the_same_landmarks(page, name):
    script = """async () => {
          const image = await picture("face700.png"), canvas = document.createElement("canvas");
          [canvas.width, canvas.height] = [image.naturalWidth, image.naturalHeight];
          const context = canvas.getContext("2d");
          context.drawImage(image, 0, 0);
          const found = [];
          for (const source of [image, SOURCE]) found.push((await landmarker.detect(source))[0]);
          return found;
        }"""
    plain, other = page.evaluate(script.replace("SOURCE", SOURCES[name]))
    np.testing.assert_allclose(other["landmarks"], plain["landmarks"], atol=0.05)


def test_the_tracker_finds_a_face_and_keeps_one_that_is_added(page, landmarker):
    drawn = synthetic.draw(DRAWN[1][1], size=700)
    (expected,) = landmarker.detect(drawn.image)
    faces, left = page.evaluate("""async () => {
      const image = await picture("face700.png"), tracker = new fld.FaceTracker(landmarker);
      let faces = [];
      for (let i = 0; i < 600 && !faces.length; i++) {
        faces = await tracker.next(image);
        await new Promise((resolve) => setTimeout(resolve, 20));
      }
      const [{ box }] = faces;
      await tracker.add(image, box); // replaces the face that is there
      const after = await tracker.next(image);
      tracker.reset();
      return [after, await tracker.next(image)];
    }""")
    (face,) = faces
    assert off(landmarker, face, expected) < 3 and left == []


@pytest.mark.parametrize(("most", "count"), [(8, 2), (1, 1)])
def test_the_tracker_follows_several_faces_up_to_the_most(page, most, count):
    script = """async (most) => {
      const image = await picture("two.png"), tracker = new fld.FaceTracker(landmarker, { most });
      const counts = new Set(), end = performance.now() + 4000;
      while (performance.now() < end && !counts.has(2)) {
        counts.add((await tracker.next(image)).length);
        await new Promise((resolve) => setTimeout(resolve, 20));
      }
      const faces = await tracker.next(image);
      return [Math.max(...counts), faces.map(({ landmarks }) => landmarks[30][0]).sort()];
    }"""
    found, noses = page.evaluate(script, most)
    assert found == count and len(noses) == count
    if count == 2:
        # 200 pixels apart, as the pictures are.
        assert abs(noses[1] - noses[0]) == pytest.approx(200, abs=6)


WRONG_CALLS = {
    "a box must be": "landmarker.detect(await picture('face160.png'), { boxes: [[1, 2, 0, 4]] })",
    "the picture must be loaded": "landmarker.detect(new Image())",
    "HTTP status 404": "fld.FaceLandmarker.load('missing.tflite')",
    "no keras_fld metadata": "fld.FaceLandmarker.load(await (await fetch("
    "'package/blazeface/face_detection_short_range.tflite')).arrayBuffer())",
    "boxes must be given": "(await fld.FaceLandmarker.load('model.tflite', { detector: false }))"
    ".detect(await picture('face160.png'))",
}


@pytest.mark.parametrize("message", WRONG_CALLS)
def test_a_wrong_call_says_what_is_wrong(page, message):
    script = "async () => { try { await %s } catch (error) { return error.message } }"
    assert message in page.evaluate(script % WRONG_CALLS[message])


def test_the_metadata_is_there_and_a_face_can_be_drawn(page):
    script = """async () => {
      const about = fld.readMetadata(await (await fetch("model.tflite")).arrayBuffer());
      const canvas = document.createElement("canvas"), context = canvas.getContext("2d");
      const [face] = await landmarker.detect(await picture("face160.png"));
      fld.drawFace(context, face, about.lines, { lines: true }, 1, 1);
      const drawn = context.getImageData(0, 0, canvas.width, canvas.height).data.some(Boolean);
      return [about.preset, landmarker.metadata.preset, drawn];
    }"""
    assert page.evaluate(script) == [PRESET, PRESET, True]
