"""Ctrl-C, kept from tearing apart what belongs together."""

import contextlib
import signal
import threading


class unbroken(contextlib.AbstractContextManager):
    """A context that Ctrl-C does not interrupt: it waits for the block's end.

    Examples:
        >>> with unbroken():
        ...     rows.write(row)
        ...     count += 1
    """

    def __enter__(self):
        self._before, self._waiting = None, None
        # Python runs handlers in the main thread alone.
        if threading.current_thread() is threading.main_thread():
            before = signal.getsignal(signal.SIGINT)
            if callable(before):
                self._before = before
                signal.signal(signal.SIGINT, self._wait)
        return self

    def __exit__(self, *error):
        if self._before is not None:
            signal.signal(signal.SIGINT, self._before)
            if self._waiting is not None:
                self._before(*self._waiting)

    def _wait(self, number, frame):
        self._waiting = number, frame
