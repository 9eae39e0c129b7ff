"""A landmarker, model, score or detector in several threads gives the same as in one thread."""

import os
import subprocess
import sys
import threading
import time

import cv2
import numpy as np
import pytest

from keras_fld import FaceLandmarker, FaceTracker, zoo
from keras_fld.geometry.frame import FaceCrop
from keras_fld.predict.detectors import open_detector
from keras_fld.predict.detectors.yunet import YuNetDetector
from keras_fld.predict.lite_model import LiteModel, ScoreModel
from tests.predict.detectors import tiny_yunet
from tests.predict.photos import photos

THREADS = 8


def in_threads(function, inputs, rounds=3, threads=THREADS):
    """Results of `function` for each input, in parallel threads that start at different inputs.

    Returns:
        For each thread and round, a list of results in the order of the inputs.
    """
    results, errors, start = [], [], threading.Barrier(threads)

    def work(first):
        try:
            start.wait(30)
            for _ in range(rounds):
                found = [None] * len(inputs)
                for step in range(len(inputs)):
                    place = (first + step) % len(inputs)
                    found[place] = function(inputs[place])
                results.append(found)
        except BaseException as error:
            errors.append(error)

    workers = [threading.Thread(target=work, args=(first,)) for first in range(threads)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join(300)
    assert not errors, errors
    assert len(results) == threads * rounds
    return results


def check(function, inputs, **options):
    """Asserts that threads get exactly the same arrays as the main thread before."""
    expected = [function(value) for value in inputs]
    assert len({np.asarray(array).tobytes() for array in expected}) > 1, "all inputs look the same"
    for found in in_threads(function, inputs, **options):
        for here, there in zip(found, expected, strict=True):
            np.testing.assert_array_equal(here, there)


def landmarks_of(landmarker):
    def found(image):
        faces = landmarker.detect(image)
        assert faces, "no face found"
        return np.concatenate([[*face.box, face.score, face.angle] for face in faces])

    def points(image):
        return np.stack([face.landmarks for face in landmarker.detect(image)])

    return lambda image: np.concatenate([found(image), points(image).ravel()])


@pytest.fixture(scope="module")
def crops():
    return [np.stack([cv2.resize(image, (128, 128))] * 2) for image in photos(12)]


def test_a_landmarker_gives_each_thread_its_own_photograph_s_landmarks():
    landmarker = FaceLandmarker.from_preset("trnet20_300w")
    check(landmarks_of(landmarker), photos(8), rounds=2)


@pytest.mark.parametrize("threads", [1, 2], ids=["one thread each", "two threads each"])
def test_a_lite_model(crops, threads):
    model = LiteModel(zoo.lite_file("trnet20_300w"), num_threads=threads)
    check(model.predict, crops, rounds=10)


def test_the_face_score(crops):
    score = ScoreModel(zoo.score_file())
    inputs = [np.stack([cv2.resize(i, (score.frame.size,) * 2) for i in c]) for c in crops]
    check(score.predict, inputs, rounds=20)


@pytest.mark.parametrize("name", ["blazeface", "blazeface-turned", "blazeface-short"])
def test_blazeface(name):
    check(open_detector(name), photos(6), rounds=1)


@pytest.mark.skipif(not hasattr(cv2, "CascadeClassifier"), reason="needs OpenCV 4")
@pytest.mark.parametrize("name", ["haar", "haar-frontal"])
def test_haar(name):
    check(open_detector(name), photos(4), rounds=1)


def test_yunet(tmp_path):
    points = np.array([[20, 24], [40, 24], [30, 34], [22, 44], [38, 44]])
    path = tiny_yunet.write(tmp_path / "tiny.onnx", points)
    detector = YuNetDetector(path, max_side=tiny_yunet.SIDE)
    # It finds a face at the same relative position in every picture.
    pictures = [np.zeros((tiny_yunet.SIDE * k,) * 2 + (3,), np.uint8) for k in (1, 2, 3, 5)]
    check(detector, pictures, rounds=20)


def test_one_interpreter_a_thread_is_faster_where_there_are_cores(crops):
    """Two models have no common lock, so their inferences overlap, as must those of one."""
    model = LiteModel(zoo.lite_file("trnet20_300w"))
    inside, most, lock = [0], [0], threading.Lock()
    lend = model._interpreters.borrow

    class Watched:
        def borrow(self):
            return _counted(lend(), inside, most, lock)

    if len(os.sched_getaffinity(0)) < 2:
        pytest.skip("needs two cores")
    model._interpreters = Watched()
    in_threads(model.predict, [np.concatenate(crops)] * 4, rounds=3)
    assert most[0] >= 2, "never two predictions at once"


class _counted:
    def __init__(self, lent, inside, most, lock):
        self.lent, self.inside, self.most, self.lock = lent, inside, most, lock

    def __enter__(self):
        value = self.lent.__enter__()
        with self.lock:
            self.inside[0] += 1
            self.most[0] = max(self.most[0], self.inside[0])
        return value

    def __exit__(self, *error):
        with self.lock:
            self.inside[0] -= 1
        return self.lent.__exit__(*error)


BACKEND = """
import threading
import numpy as np
from keras_fld import FaceLandmarker, models
from tests.predict.test_threads import check
model = models.TRNet20(input_size=32, width=0.25)
rng = np.random.default_rng(0)
model.set_weights([rng.normal(0, 0.1, w.shape) if w.ndim > 1 else w for w in model.get_weights()])
images = [rng.integers(0, 255, (64, 64, 3)).astype(np.uint8) for _ in range(6)]
landmarkers = [FaceLandmarker(model, score=None) for _ in range(2)]
def found(image):
    both = [x.detect(image, [(8, 8, 48, 48)])[0].landmarks for x in landmarkers]
    np.testing.assert_array_equal(*both)
    return both[0]
check(found, images, rounds=2, threads=4)
"""


def test_a_keras_model_in_two_landmarkers():
    pytest.importorskip("keras")
    exec(BACKEND, {})


@pytest.mark.nightly
@pytest.mark.parametrize("backend", ["jax", "torch"])
def test_a_keras_model_of_another_backend_in_two_landmarkers(backend):
    pytest.importorskip(backend)
    environment = {**os.environ, "KERAS_BACKEND": backend}
    done = subprocess.run(
        [sys.executable, "-c", BACKEND], capture_output=True, text=True, env=environment
    )
    assert done.returncode == 0, done.stderr


def test_the_descent_method(tree):
    from keras_fld.baselines.sdm import train_sdm
    from keras_fld.data import crops, read

    data = crops.model_crops(read("300w", tree, "train"), FaceCrop(64))
    model = train_sdm(data, radii=(0.2,), kept=8)
    check(model.predict, [data.images[i : i + 2] for i in range(0, 8, 2)], rounds=2, threads=4)


def test_the_ensemble_of_trees(tree):
    pytest.importorskip("dlib", reason="needs dlib: pip install 'keras-fld[baselines]'")
    from keras_fld.baselines.ert import train_ert
    from keras_fld.data import crops, read

    data = crops.model_crops(read("300w", tree, "train"), FaceCrop(96))
    model = train_ert(data, {"cascade_depth": 2, "num_trees_per_cascade_level": 10})
    check(model.predict, [data.images[i : i + 2] for i in range(0, 8, 2)])


def test_a_tracker_refuses_a_second_thread():
    landmarker = FaceLandmarker.from_preset("trnet20_300w")
    tracker, inside, leave = FaceTracker(landmarker), threading.Event(), threading.Event()
    detect = landmarker.detect

    def slow(*arguments, **options):
        inside.set()
        assert leave.wait(30)
        return detect(*arguments, **options)

    landmarker.detect = slow
    image = photos(1)[0]
    first = threading.Thread(target=tracker.start, args=(image, [(60, 60, 90, 90)]))
    first.start()
    assert inside.wait(30)
    for call in (lambda: tracker.update(image), lambda: tracker.start(image, [])):
        with pytest.raises(RuntimeError, match="one video and in one thread at a time"):
            call()
    leave.set()
    first.join(30)
    landmarker.detect = detect
    assert tracker.update(image), "after that it goes on"


def test_trackers_of_several_videos_share_a_landmarker():
    landmarker = FaceLandmarker.from_preset("trnet20_300w")
    frames = photos(6)

    def follow(start):
        tracker = FaceTracker(landmarker)
        faces = [tracker.update(frame) for frame in frames[start:]]
        return np.concatenate([face.landmarks.ravel() for found in faces for face in found])

    check(follow, [0, 1, 2], rounds=1, threads=4)


def test_many_short_threads_are_as_fast_as_one(crops):
    """A server with a thread for each request does not create an interpreter for each."""
    model = LiteModel(zoo.lite_file("trnet20_300w"))
    made, make = [], model._interpreters._make
    model._interpreters._make = lambda: made.append(time.monotonic()) or make()
    for _ in range(30):
        thread = threading.Thread(target=model.predict, args=(crops[0],))
        thread.start()
        thread.join(30)
    assert not made
