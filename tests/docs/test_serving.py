"""The server of docs/guides/serving.md, under many requests and hostile ones."""

import json
import threading
import urllib.error
import urllib.request
from concurrent.futures import ThreadPoolExecutor

import cv2
import numpy as np
import pytest

from tests.docs.documents import ROOT, python_blocks
from tests.predict.photos import photos


@pytest.fixture(scope="module")
def server():
    (block,) = python_blocks((ROOT / "docs" / "guides" / "serving.md").read_text("utf-8"))
    scope = {}
    exec(compile(block, "docs/guides/serving.md", "exec"), scope)
    scope["Handler"].log_message = lambda *_: None
    thread = threading.Thread(target=scope["server"].serve_forever)
    thread.start()
    yield scope
    scope["server"].shutdown()
    scope["server"].server_close()
    thread.join()


def post(server, body):
    """The status, and the faces or the error."""
    address = f"http://localhost:{server['server'].server_port}"
    try:
        with urllib.request.urlopen(urllib.request.Request(address, body), timeout=60) as answer:
            return answer.status, json.loads(answer.read())
    except urllib.error.HTTPError as error:
        return error.code, error.read().decode()


def encoded(image, suffix):
    return cv2.imencode(suffix, image[..., ::-1])[1].tobytes()


def test_each_request_gets_its_own_photograph_s_landmarks(server):
    images = photos(6)
    bodies = [encoded(image, ".png") for image in images] * 4
    expected = [[f.landmarks.tolist() for f in server["landmarker"].detect(i)] for i in images] * 4
    assert len({str(faces) for faces in expected}) == 6
    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(lambda body: post(server, body), bodies)) == [
            (200, faces) for faces in expected
        ]


def bomb():
    """A PNG of a hundred bytes that declares 50,000 x 50,000 pixels."""
    import struct
    import zlib

    content = bytearray(encoded(np.zeros((4, 4, 3), np.uint8), ".png"))
    content[16:24] = struct.pack(">LL", 50_000, 50_000)
    content[29:33] = struct.pack(">L", zlib.crc32(content[12:29]))
    return bytes(content)


def large():
    return encoded(np.zeros((5000, 5000, 3), np.uint8), ".png")


def half():
    return encoded(photos(1)[0], ".jpg")[:900]


@pytest.mark.parametrize(
    ("body", "status", "words"),
    [
        (bomb, 422, "at most 20,000,000 pixels. Got: 50000x50000"),
        (large, 422, "at most 20,000,000 pixels. Got: 5000x5000"),
        (half, 422, "not an image that can be read (900 bytes)"),
        (lambda: b"", 422, "not an image that can be read (0 bytes)"),
        (lambda: b"GIF89a" + b"\xff" * 500, 422, "Got: 65535x65535"),
        (lambda: bytes(10_000_001), 413, "Large"),
    ],
    ids=["bomb", "large", "half", "empty", "gif", "long"],
)
def test_hostile_requests_are_refused_and_the_next_is_served(server, body, status, words):
    try:
        code, answer = post(server, body())
    except (ConnectionError, urllib.error.URLError):  # refused while the body was still being sent
        code, answer = 413, "Large"
    assert code == status and words in answer
    code, faces = post(server, encoded(photos(1)[0], ".png"))
    assert code == 200 and len(faces) == 1
