"""What only one thread may use at a time, such as an interpreter, for any number of threads."""

import os
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Generic, TypeVar

T = TypeVar("T")


class Pool(Generic[T]):
    """Lends each thread a value of its own, for as long as the thread needs it.

    A value that comes back serves the next thread, so there are as many as threads have worked at
    the same time, and threads that end leave nothing behind. There are at most as many as processor
    cores: what computes is no faster with more, and a value may take megabytes.

    Args:
        make: makes a value; called when none is free.

    Examples:
        >>> pool = Pool(lambda: Interpreter("face.tflite"))
        >>> with pool.borrow() as interpreter:
        ...     interpreter.invoke()
    """

    def __init__(self, make: Callable[[], T]) -> None:
        self._make = make
        self._begin()

    @contextmanager
    def borrow(self) -> Iterator[T]:
        """Gives a value that no other thread has; waits where all are lent.

        A value is not lent again after an error in the block, which may leave it in any state.
        """
        if self._process != os.getpid():
            self._begin()
        slots, idle = self._slots, self._idle
        with slots:
            try:
                value = idle.pop()  # the one used last, which the caches still hold
            except IndexError:
                value = self._make()
            yield value
            idle.append(value)

    def _begin(self):
        # A process made by fork has neither the threads that its parent lent values to nor those
        # that a value may have started.
        self._process = os.getpid()
        self._slots, self._idle = threading.Semaphore(_cores()), []


def _cores() -> int:
    """Processor cores that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1
