"""The page with a camera."""

import shutil

import cv2
import numpy as np
import pytest

from keras_fld.predict.media import VideoWriter
from tests.web.conftest import FRAMES, NAMES, TILT, motion
from tests.web.opened import TOLERANCE, Served, deviation

# The camera of the frames that are drawn.
CAMERA = "window.frames_source?.srcObject?.getVideoTracks()[0]?.getSettings().deviceId"


def test_the_camera_is_followed(browser, astronaut, landmarker):
    served = Served(browser, ["camera"])
    try:
        served.page.click("#camera")
        served.wait("#status:text('Following')")
        eyes = landmarker.detect(astronaut)[0].landmarks[36:48].mean(axis=0)
        path = np.array([motion(i) @ [*eyes, 1] for i in range(FRAMES)])
        seen, angles = [], []
        for _ in range(4):
            served.page.wait_for_timeout(400)
            (face,) = served.faces()
            seen.append(np.mean(face["landmarks"][36:48], axis=0))
            angles.append(face["angle"])
            # Where it is in one of the frames; a busy machine, that misses some, lags behind.
            assert np.linalg.norm(path - seen[-1], axis=1).min() < 8
        assert np.ptp(seen, axis=0).max() > 5
        # The crop follows the head's tilt.
        assert np.ptp(angles) > 5 and np.abs(angles).max() < TILT + 8
        assert deviation(*served.last_frame()) < TOLERANCE
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
        assert deviation(image, face) < TOLERANCE
        (expected,) = landmarker.detect(image)
        off = np.mean(expected.landmarks, axis=0) - np.mean(face["landmarks"], axis=0)
        assert np.linalg.norm(off) < 8
    finally:
        served.close()


def test_a_video_file_is_followed_to_its_end(browser, astronaut, landmarker, tmp_path):
    film = tmp_path / "film.mp4"
    with VideoWriter(film, (640, 480), 25) as writer:
        for i in range(FRAMES):
            picture = cv2.warpAffine(astronaut, motion(i), (640, 480))
            writer.write(i / 25, np.ascontiguousarray(picture))
    served = Served(browser)
    try:
        served.page.set_input_files("#file", film)
        served.wait("#status:text('Following 1 face')")
        assert served.page.inner_text("#camera") == "Stop video"
        assert served.page.is_hidden("#turn") and served.page.is_hidden("#guide")
        served.wait("#status:text('Video stopped')")  # by itself
        assert served.page.inner_text("#camera") == "Start camera"
        (face,) = served.faces()
        eyes = landmarker.detect(astronaut)[0].landmarks[36:48].mean(axis=0)
        path = np.array([motion(i) @ [*eyes, 1] for i in range(FRAMES)])
        assert np.linalg.norm(path - np.mean(face["landmarks"][36:48], axis=0), axis=1).min() < 8
        bad = tmp_path / "bad.mp4"
        bad.write_bytes(b"no video")
        served.page.set_input_files("#file", bad)
        assert "bad.mp4: this browser cannot play" in served.wait("#status.bad").inner_text()
        assert not served.errors
    finally:
        served.close()


def test_the_camera_can_be_switched(browser):
    """Chromium's own film, on two cameras that do not say which way they face."""
    arguments = ["--use-fake-device-for-media-stream=device-count=2", "--no-sandbox"]
    arguments.append("--use-fake-ui-for-media-stream")
    kind = browser.browser_type
    chromium = next(filter(None, map(shutil.which, NAMES)))
    other = kind.launch(executable_path=chromium, args=arguments)
    served = Served(other, ["camera"])
    try:
        served.page.click("#camera")
        served.wait("#turn:not([hidden])")
        assert served.page.inner_text("#turn") in ("Next camera", "Back camera", "Front camera")
        first = camera_of(served, None)
        served.page.click("#turn")
        second = camera_of(served, first)
        served.page.click("#turn")
        assert camera_of(served, second) == first
        assert not served.errors
    finally:
        served.close()
        other.close()


def camera_of(served, before):
    """The camera whose frames are drawn, once it is another one."""
    for _ in range(300):
        now = served.page.evaluate(CAMERA)
        if now not in (None, before):
            return now
        served.page.wait_for_timeout(100)
    raise AssertionError(f"the camera is still {before}")
