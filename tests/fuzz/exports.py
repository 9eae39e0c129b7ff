"""What annotation tools and `predict` write, and the heads of images, for `targets`."""

import base64
import json
from pathlib import Path
from tempfile import TemporaryDirectory
from types import SimpleNamespace

import cv2
import numpy as np

from keras_fld import schemes
from keras_fld._internal.image_formats import is_image
from keras_fld._internal.orientation import has_tag, orientation
from keras_fld.predict.output import write_image
from tests.data import released, turned


def pts_seeds():
    """Files of five points: plain, with MERL-RAV's signs, with what says "not annotated"."""
    head, points = "version: 1\nn_points: 5\n{\n", ["10 20", "30 21", "20 30", "12 40", "29 41"]
    variants = [points, ["-1 -1", "-1 -1", *points[2:]], ["-99 -200", *points[1:]]]
    texts = [
        head + "\n".join(lines) + "\n}\n" for lines in (*variants, ["0 0", "0 0", *points[2:]])
    ]
    return [texts[0].encode("utf-16"), *(text.encode() for text in texts)]


def coco_seeds():
    with TemporaryDirectory() as folder:
        path = released.write_coco(Path(folder), 1, "cofw29", hidden=(3,), unset=(4,))
        return [path.read_bytes().replace(b"0.png", b"photos/0.png")]


def labelme_seeds():
    """Files of one face and of two, the photograph beside or inside."""
    places = [(1, 2), (3, 4), (0, 0), (5, 6), (0, 0)]
    points = dict(zip(released.FIVE["landmarks"], places, strict=True))
    stored = base64.b64encode(cv2.imencode(".png", np.zeros((9, 9, 3), np.uint8))[1]).decode()
    contents = [
        released.labelme_content("photos/0.png", [points]),
        released.labelme_content("0.png", [points, points], (0, 1), imageData=stored),
    ]
    return [json.dumps(content).encode() for content in contents]


def predicted(kind):
    """A function that gives what `predict` writes of a face in that format."""

    def seeds():
        face = SimpleNamespace(
            box=np.array([1.0, 2, 3, 4]),
            angle=0.1,
            score=0.5,
            landmarks=np.arange(58.0).reshape(29, 2),
            scheme=schemes.get("cofw29"),
        )
        with TemporaryDirectory() as folder:
            (path,) = write_image(Path(folder, "0"), [kind], "photos/0.png", None, [face])
            return [path.read_bytes()]

    return seeds


def photographs_beside(folder):
    """Empty photographs under the names of the files above, and the scheme of labelme's."""
    (folder / "photos").mkdir(exist_ok=True)
    for path in (folder / "photos/0.png", folder / "0.png"):
        path.write_bytes(b"")
    (folder / "scheme.json").write_text(json.dumps(released.FIVE))


def image_seeds():
    """Images of several formats, one with a rotation tag."""
    image = released.drawn(1, "cofw29", size=48)[0].image[::4, ::4].copy()
    kinds = (".png", ".webp", ".bmp", ".tif")
    return [turned.jpeg(image, 6), *(cv2.imencode(kind, image)[1].tobytes() for kind in kinds)]


def read_header(path):
    """What is read of an image's header: OpenCV's decoders are not the package's to fuzz."""
    data = path.read_bytes()
    assert orientation(data) in range(1, 9) and has_tag(data) in (True, False)
    assert is_image(path)
