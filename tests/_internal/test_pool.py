import gc
import os
import threading
import weakref

import pytest

from keras_fld._internal import pool as module
from keras_fld._internal.pool import Pool


class Value:
    """Something that remembers whether two threads had it at once."""


def in_threads(function, count):
    errors = []

    def guarded():
        try:
            function()
        except BaseException as error:
            errors.append(error)

    threads = [threading.Thread(target=guarded) for _ in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert not errors, errors


def test_no_two_threads_have_the_same_value_and_cores_bound_their_number(monkeypatch):
    monkeypatch.setattr(module, "_cores", lambda: 3)
    made, out, most, lock = [], set(), [], threading.Lock()

    def make():
        made.append(Value())
        return made[-1]

    pool = Pool(make)

    def work():
        for _ in range(50):
            with pool.borrow() as value:
                with lock:
                    assert value not in out
                    out.add(value)
                    most.append(len(out))
                threading.Event().wait(0.0005)
                with lock:
                    out.remove(value)

    in_threads(work, 8)
    assert len(made) == 3 and max(most) == 3


def test_threads_that_have_ended_leave_no_more_values_than_cores(monkeypatch):
    monkeypatch.setattr(module, "_cores", lambda: 2)
    alive = weakref.WeakSet()

    def make():
        value = Value()
        alive.add(value)
        return value

    pools = [Pool(make)]

    def work():
        with pools[0].borrow():
            threading.Event().wait(0.001)

    for _ in range(5):
        in_threads(work, 10)
    gc.collect()
    assert len(alive) <= 2
    pools.clear()
    gc.collect()
    assert not alive


def test_a_value_is_not_lent_again_after_an_error():
    pool = Pool(Value)
    with pytest.raises(RuntimeError), pool.borrow() as broken:
        raise RuntimeError
    with pool.borrow() as value:
        assert value is not broken
    with pool.borrow() as again:
        assert again is value


def test_what_could_not_be_made_leaves_its_place_free(monkeypatch):
    monkeypatch.setattr(module, "_cores", lambda: 1)
    results = iter([ValueError("damaged"), Value()])

    def make():
        result = next(results)
        if isinstance(result, Exception):
            raise result
        return result

    pool = Pool(make)
    with pytest.raises(ValueError, match="damaged"), pool.borrow():
        pass
    with pool.borrow() as value:
        assert isinstance(value, Value)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
def test_a_forked_process_makes_its_own_while_the_parent_has_all_lent(monkeypatch):
    monkeypatch.setattr(module, "_cores", lambda: 1)
    pool = Pool(Value)
    with pool.borrow() as parents:
        child = os.fork()
        if not child:
            code = 1
            try:
                with pool.borrow() as own:
                    code = 0 if own is not parents else 2
            finally:
                os._exit(code)
        assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
