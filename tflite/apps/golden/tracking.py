"""A video of two faces at a time: what the networks give for it, and the faces that are followed.

The networks' outputs are rounded, and the tracker works with the rounded ones. Whoever plays them
back in the same order, without a network, must find the same faces.
"""

from contextlib import contextmanager

import numpy as np

from golden.encoding import numbers
from keras_fld.geometry.boxes import covered, doubled, overlap, pairs
from keras_fld.predict.detectors.blazeface.network import shared
from keras_fld.predict.landmarker import FaceLandmarker
from keras_fld.predict.predictor import open_model
from keras_fld.predict.tracking import FaceTracker

WIDTH, HEIGHT = 360, 110
# Left and top of the picture in each frame: two faces. The second one goes, and a third one comes
# in the middle. The first one moves out of the frame, and the second one comes back.
FRAMES = [
    *([(4 + 2 * i, 3), (246 - 2 * i, 20)] for i in range(4)),
    *([(12 + i, 3), (124, 8 + i)] for i in range(6)),
    *([(-10 - 50 * i, 3), (124 - 2 * i, 14), (238, 2 + i)] for i in range(2)),
    *([(120 - 2 * i, 14), (238, 4 + i)] for i in range(4)),
]
FPS = 30
# Anchors with a lower logit change nothing, and get this one. Of the others, every fourth is kept.
LEAST_LOGIT, NOTHING, KEPT = -1.0, -100.0, 4
# Of the results, every eighth landmark.
EVERY = 8


class Networks:
    """Networks that keep what they are asked and what they answer, or answer what was kept.

    Args:
        kept: a dictionary with the lists "landmarks" and "detector"; None asks the networks.
    """

    def __init__(self, kept=None):
        self.model = open_model("trnet20_300w")
        self.frame, self.scheme = self.model.frame, self.model.scheme
        self.num_landmarks = self.model.num_landmarks
        self.kept = kept or {"landmarks": [], "detector": []}
        self.answers = {name: iter(list(answers)) for name, answers in self.kept.items()}
        self.asks = kept is None

    def predict(self, images):
        """Landmarks of crops, as of a `LandmarkModel`."""
        return np.stack([self._landmarks(image) for image in images])

    def _landmarks(self, image):
        if self.asks:
            (found,) = self.model.predict(image[None])
            self.kept["landmarks"].append({"mean": mean(image), "output": numbers(found, 1)})
        answer = self.kept["landmarks"][-1] if self.asks else next(self.answers["landmarks"])
        return np.array(answer["output"], np.float32)

    @contextmanager
    def detector(self):
        """The short range answers through this object."""
        network = shared("short")
        ask = network.outputs

        def outputs(image):
            if self.asks:
                values, logits = ask(image)
                # A part of the anchors is enough, and those of every face are among them.
                listed = np.argsort(-logits, kind="stable")[::KEPT]
                listed = listed[logits[listed] >= LEAST_LOGIT]
                self.kept["detector"].append(
                    {
                        "mean": mean(image),
                        "anchors": listed.tolist(),
                        "numbers": numbers(values[listed], 2),
                        "logits": numbers(logits[listed], 3),
                    }
                )
            answer = self.kept["detector"][-1] if self.asks else next(self.answers["detector"])
            count = len(network.centers)
            values, logits = np.zeros((count, 16)), np.full(count, NOTHING)
            values[answer["anchors"]] = np.reshape(answer["numbers"], (-1, 16))
            logits[answer["anchors"]] = answer["logits"]
            return values, logits

        network.outputs = outputs
        try:
            yield
        finally:
            del network.outputs


def recorded(picture):
    """The video, the networks' answers in the order in which they are asked, and the faces."""
    networks = Networks()
    frames = followed(picture, networks)
    return {
        "width": WIDTH,
        "height": HEIGHT,
        "nothing": NOTHING,
        "every": EVERY,
        "size": networks.frame.size,
        "margin": networks.frame.margin,
        **networks.kept,
        "frames": frames,
    }


def followed(picture, networks):
    """Of each frame its time, its pictures' places, and its faces."""
    tracker = FaceTracker(FaceLandmarker(networks, score=None))
    frames = []
    with networks.detector():
        for number, places in enumerate(FRAMES):
            time = round(number / FPS, 6)
            faces = tracker.update(drawn(picture, places), time)
            frames.append(
                {
                    "time": time,
                    "places": [list(place) for place in places],
                    "faces": [
                        {
                            "id": face.id,
                            "box": numbers(face.box, 4),
                            "angle": round(face.angle, 5),
                            "landmarks": numbers(face.landmarks[::EVERY], 4),
                        }
                        for face in faces
                    ],
                }
            )
    return frames


def drawn(picture, places):
    """A gray texture with the picture in several places: (HEIGHT, WIDTH, 3) uint8."""
    y, x = np.mgrid[:HEIGHT, :WIDTH]
    texture = (2 * x * x + y * y + x * y) % 139 + 53
    frame = np.repeat(texture[..., None], 3, axis=2).astype(np.uint8)
    height, width = picture.shape[:2]
    for left, top in places:
        right, bottom = min(left + width, WIDTH), min(top + height, HEIGHT)
        frame[top:bottom, max(left, 0) : max(right, 0)] = picture[
            : bottom - top, max(-left, 0) : max(right, 0) - left if right > 0 else 0
        ]
    return frame


def mean(image):
    """What tells whether the right picture is shown to a network: the mean of its bytes."""
    return round(float(image.mean()), 4)


def box_cases():
    """Boxes of detections and of tracks: how they are paired, covered and doubled."""
    rng = np.random.default_rng(6)
    cases = []
    for _ in range(4):
        others = np.column_stack([rng.uniform(0, 60, (4, 2)), rng.uniform(30, 60, (4, 2))])
        boxes = np.vstack([others[1:] + rng.normal(0, 6, (3, 4)), others[:1]])
        boxes, others = boxes.round(3), others.round(3)
        cases.append(
            {
                "boxes": boxes.tolist(),
                "others": others.tolist(),
                "overlap": numbers(overlap(boxes, others)),
                "pairs": [list(pair) for pair in pairs(overlap(boxes, others), 0.3)],
                "covered": numbers(covered(boxes, others)),
                "doubled": sorted(doubled(np.vstack([others, boxes]))),
            }
        )
    return cases
