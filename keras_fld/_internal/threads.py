"""Work that is shared among threads, and work that OpenCV must not share among its own."""

import contextlib
import threading
from concurrent.futures import ThreadPoolExecutor

import cv2


def in_threads(function, items):
    """Calls a function with each item, in several threads.

    Args:
        function: function of an item.
        items: a sequence.

    Yields:
        Each item, in order, with a function that returns its result or raises its error. When the
        loop ends early, calls that have not begun are dropped.

    Examples:
        >>> for path, size in in_threads(os.path.getsize, paths):
        ...     print(path, size())
    """
    with ThreadPoolExecutor() as pool:
        try:
            futures = [pool.submit(function, item) for item in items]
            for item, future in zip(items, futures, strict=True):
                yield item, future.result
        finally:
            pool.shutdown(cancel_futures=True)


class _OneOpenCVThread(contextlib.ContextDecorator):
    """A context, or a decorator, in which OpenCV works in the calling thread only.

    Small images gain nothing from OpenCV's own threads, which only cost processor time. OpenCV has
    one setting for the process: until the last thread has left, other threads' calls are not shared
    out either. Then the number is again what it was when the first one entered.

    Examples:
        >>> with one_opencv_thread:
        ...     small = cv2.resize(image, (64, 64))
    """

    def __init__(self):
        self._lock, self._inside, self._before = threading.Lock(), 0, 0

    def __enter__(self):
        with self._lock:
            if not self._inside:
                self._before = cv2.getNumThreads()
                cv2.setNumThreads(1)
            self._inside += 1

    def __exit__(self, *error):
        with self._lock:
            self._inside -= 1
            if not self._inside:
                cv2.setNumThreads(self._before)


one_opencv_thread = _OneOpenCVThread()
