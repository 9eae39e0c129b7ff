"""Running work in several threads, and restricting OpenCV to one thread."""

import contextlib
import threading
from concurrent.futures import ThreadPoolExecutor

import cv2


def in_threads(function, items):
    """Calls a function on each item in several threads.

    Args:
        function: function of an item.
        items: a sequence.

    Yields:
        Each item, in order, with a function that returns its result or raises its error. If the
        loop ends early, calls that have not started are canceled.

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
    """A context manager and decorator that restricts OpenCV to the calling thread.

    For small images, OpenCV's own threads cost processor time and save nothing. The setting applies
    to the whole process. It is restored when the last thread leaves the context.

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
