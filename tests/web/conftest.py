"""A browser whose camera shows the astronaut, and the page opened in it.

Needs chromium (`apt-get install chromium`) and playwright, which is in the group `dev`; its own
download of browsers isn't needed.
"""

import os
import shutil

import cv2
import numpy as np
import pytest

from keras_fld import FaceLandmarker
from tests.web.opened import PRESET, Served
from tests.web.packing import NPM, pack

# As in .ci/run, which installs one.
NAMES = ("chromium", "chromium-browser", "chrome", "google-chrome")
# Of the film, and how far the face tilts in it, in degrees.
FRAMES, TILT = 120, 20


@pytest.fixture(scope="module")
def landmarker():
    return FaceLandmarker.from_preset(PRESET, detector="blazeface")


@pytest.fixture(scope="module")
def astronaut():
    return pytest.importorskip("skimage.data", reason="needs scikit-image").astronaut()


@pytest.fixture(scope="module")
def browser(tmp_path_factory, astronaut):
    """Chromium, whose camera is a film of the astronaut swaying and tilting her head."""
    driver = pytest.importorskip("playwright.sync_api", reason="needs pip install playwright")
    chromium = next(filter(None, map(shutil.which, NAMES)), None)
    if chromium is None:
        pytest.skip(f"needs a browser: none of {', '.join(NAMES)} is installed")
    film = tmp_path_factory.mktemp("camera") / "film.mjpeg"
    with film.open("wb") as file:
        for i in range(FRAMES):
            frame = cv2.warpAffine(astronaut[..., ::-1], motion(i), (640, 480))
            file.write(cv2.imencode(".jpg", frame)[1].tobytes())
    arguments = [
        "--use-fake-device-for-media-stream",
        "--use-fake-ui-for-media-stream",
        f"--use-file-for-fake-video-capture={film}",
    ]
    if hasattr(os, "geteuid") and os.geteuid() == 0:
        arguments.append("--no-sandbox")  # which root does not have
    with driver.sync_playwright() as started:
        browser = started.chromium.launch(executable_path=chromium, args=arguments)
        yield browser
        browser.close()


def motion(i):
    """Photograph to film, frame i: the face fills the middle, where the outline is, and tilts."""
    turn = 2 * np.pi * i / FRAMES
    matrix = cv2.getRotationMatrix2D((224, 120), -TILT * np.sin(turn), 2.0)
    matrix[:, 2] += [96 + 30 * np.sin(turn), 80 + 15 * np.cos(turn)]
    return matrix


@pytest.fixture(scope="module")
def served(browser):
    served = Served(browser)
    yield served
    served.close()


@pytest.fixture(scope="session")
def packed(tmp_path_factory):
    """The folder of the files that are in the npm package."""
    if NPM is None:
        pytest.skip("needs npm")
    return pack(tmp_path_factory.mktemp("npm"))
