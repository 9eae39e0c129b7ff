"""How far long work has come: what works counts here, and who watches, such as the command line,
shows it.

Nothing is shown unless somebody watches, so the package is as quiet in a program as it was.
"""

import contextlib
import contextvars

_watcher = contextvars.ContextVar("keras_fld._internal.progress", default=None)


@contextlib.contextmanager
def counting(label, length):
    """Tells whoever watches that work has begun, and gives what tells how much of it is done.

    Args:
        label: what is done, such as "reading faces".
        length: how many parts it has, or None where nobody knows.

    Yields:
        A function of the number of parts done since it was last called. What is counted inside the
        block, by what the work calls, is not told.

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
    """Has `watch` told of what is counted inside the block.

    Args:
        watch: a function of label and length that returns a context manager, which gives a function
            of the number of parts done; None tells nobody.

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
