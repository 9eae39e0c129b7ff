import time

import pytest

from keras_fld._internal.threads import in_threads


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
