"""A first look at speed on this machine; `tflite/benchmark.py` is the full measurement."""

import time

import numpy as np

from keras_fld.lite.runtime import LiteModel

_BLOCK = 10


def interleaved(files, rounds=20):
    """Median milliseconds of one inference on one thread, the models taking turns.

    Taking turns keeps their ratio right while the machine's speed wanders.

    Args:
        files: name to path of a `.tflite` file of the package.
        rounds: blocks of 10 runs of each.

    Returns:
        A dictionary of name to milliseconds.

    Example:
        >>> sorted(interleaved({"int8": "int8.tflite", "float32": "float32.tflite"}))
        ['float32', 'int8']
    """
    models = {name: LiteModel(path) for name, path in files.items()}
    times = {name: [] for name in models}
    for _ in range(rounds):
        for name, model in models.items():
            model.run()  # the model before has emptied the caches
            for _ in range(_BLOCK):
                started = time.perf_counter()
                model.run()
                times[name].append(1000 * (time.perf_counter() - started))
    return {name: float(np.median(values)) for name, values in times.items()}
