import threading
import time

import cv2
import pytest

from keras_fld._internal.threads import in_threads, one_opencv_thread


def test_results_and_errors_come_in_the_order_of_the_items():
    found = []
    for text, number in in_threads(int, ["3", "x", "1"]):
        try:
            found.append((text, number()))
        except ValueError as error:
            found.append((text, str(error)))
    assert found[::2] == [("3", 3), ("1", 1)] and "'x'" in found[1][1]


def test_after_an_error_the_calls_that_have_not_begun_are_dropped():
    calls = []

    def call(item):
        calls.append(item)
        if not item:
            raise ValueError("the first")
        time.sleep(0.005)

    with pytest.raises(ValueError, match="the first"):
        for _, result in in_threads(call, range(5000)):
            result()
    assert len(calls) < 5000


@pytest.fixture
def three_threads():
    """OpenCV with as many threads, whatever the machine has."""
    before = cv2.getNumThreads()
    cv2.setNumThreads(3)
    yield
    cv2.setNumThreads(before)


def test_opencv_has_one_thread_until_the_last_of_overlapping_blocks_ends(three_threads):
    first_left, entered = threading.Event(), threading.Event()
    seen = []

    def longer():
        with one_opencv_thread:
            entered.set()
            assert first_left.wait(10)
            seen.append(cv2.getNumThreads())

    other = threading.Thread(target=longer)
    with one_opencv_thread:
        other.start()
        assert entered.wait(10)
    first_left.set()
    other.join(10)
    assert seen == [1] and cv2.getNumThreads() == 3


def test_opencv_has_its_threads_again_after_an_error(three_threads):
    @one_opencv_thread
    def fail():
        assert cv2.getNumThreads() == 1
        raise RuntimeError

    with pytest.raises(RuntimeError):
        fail()
    assert cv2.getNumThreads() == 3


def test_drawing_faces_leaves_opencv_as_it_was(three_threads, monkeypatch):
    from keras_fld.data import read
    from keras_fld.data.crops import training_crops
    from keras_fld.data.sampling import Samples
    from keras_fld.face_score import samples as score
    from keras_fld.face_score.scenes import scenes
    from keras_fld.geometry.frame import FaceCrop

    faces = read("synthetic", split="test", count=3)
    crops = training_crops(faces, FaceCrop(16))
    drawn = Samples(crops), score.Samples([crops], scenes(faces), [1.0])
    assert cv2.getNumThreads() == 3
    seen, transform = [], cv2.transform

    def watched(*arguments):
        seen.append(cv2.getNumThreads())
        return transform(*arguments)

    monkeypatch.setattr(cv2, "transform", watched)
    drawn[0].draw(0, [0, 1, 2])
    drawn[1].draw(0, 4)
    assert len(seen) == 7 and set(seen) == {1} and cv2.getNumThreads() == 3
