"""Work that is shared among threads."""

from concurrent.futures import ThreadPoolExecutor


def in_threads(function, items):
    """Calls a function with each item, in several threads.

    Args:
        function: function of an item.
        items: a sequence.

    Yields:
        Each item, in order, with a function that returns its result or raises its error. When the
        loop ends early, calls that have not begun are dropped.

    Example:
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
