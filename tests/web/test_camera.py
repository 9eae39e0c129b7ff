"""The page with a camera."""

import numpy as np
import pytest

from tests.web.conftest import FRAMES, TILT, motion
from tests.web.opened import TOLERANCE, Served, deviation


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
