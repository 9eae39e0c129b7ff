"""Progress reporting: library code counts steps, and a front end such as the CLI displays them.

Without a front end nothing is displayed, so the package prints nothing when used as a library.
"""

import contextlib
import contextvars

_watcher = contextvars.ContextVar("keras_fld._internal.progress", default=None)


@contextlib.contextmanager
def counting(label, length):
    """Reports the progress of the work in a block.

    Progress reported by functions called inside the block is not displayed.

    Args:
        label: name of the work, such as "reading faces".
        length: number of steps, or None if unknown.

    Yields:
        A function to call with the number of steps done since the last call.

    Examples:
        >>> with counting("squares", 3) as done:
        ...     for number in range(3):
        ...         done(1)
    """
    watch = _watcher.get()
    if watch is None:
        yield lambda count: None
        return
    with watched(None), watch(label, length) as done:
        yield done


@contextlib.contextmanager
def watched(watch):
    """Reports progress inside the block to `watch`.

    Args:
        watch: a function of label and length that returns a context manager. The context manager
            yields a function that is called with the number of steps done. None reports nothing.

    Examples:
        >>> @contextlib.contextmanager
        ... def watch(label, length):
        ...     yield lambda count: print(label, count, "of", length)
        >>> with watched(watch), counting("squares", 3) as done:
        ...     done(2)
        squares 2 of 3
    """
    before = _watcher.get()
    _watcher.set(watch)
    try:
        yield
    finally:
        _watcher.set(before)
