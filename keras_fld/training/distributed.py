"""Training of one network by several processes with `keras.distribution` on the JAX backend.

`keras.distribution.initialize` connects the processes, and `DataParallel` places each process's
rows of a batch on its devices. A jitted step then computes loss, gradients, BatchNorm statistics
and metrics of the full batch, as a single process would. Keras 3.15 leaves three tasks to us:

- JAX cannot split an array into unequal parts. The last batch of an epoch is therefore padded
  (`Share`), and `WholeBatches` removes the padding within the step, before BatchNorm sees it.
- Each process must run all callbacks, because they may compute. Only the first one's files stay.
- If the processes read different faces or checkpoints, training silently goes wrong. `agree` checks
  this.
"""

import hashlib
import os

import keras
import numpy as np

from keras_fld.data.share import Share

_ADDRESSES, _COUNT, _INDEX = (
    f"KERAS_DISTRIBUTION_{name}" for name in ("JOB_ADDRESSES", "NUM_PROCESSES", "PROCESS_ID")
)


def check_backend():
    """Raises a ValueError if the backend does not support training by several processes."""
    backend = keras.backend.backend()
    if backend != "jax":
        raise ValueError(f"training by several processes needs KERAS_BACKEND=jax. Got: {backend}")


def join():
    """Connects this process with the others, according to Keras' environment variables.

    These are KERAS_DISTRIBUTION_JOB_ADDRESSES (HOST:PORT of process 0),
    KERAS_DISTRIBUTION_NUM_PROCESSES, and KERAS_DISTRIBUTION_PROCESS_ID (from 0). Call this function
    before any computation, and before importing `keras_fld.training`. It returns when all processes
    are connected.

    Raises:
        ValueError: a variable is missing or out of range, the backend is not JAX, or the other
            processes cannot be reached.

    Examples:
        >>> join()
        >>> from keras_fld import training
        >>> training.train(training.Recipe(), "run", root="300w")
    """
    check_backend()
    count, index = _number(_COUNT), _number(_INDEX)
    if count < 1:
        raise ValueError(f"{_COUNT} must be at least 1. Got: {count}")
    if not 0 <= index < count:
        raise ValueError(f"{_INDEX} must be 0 to {count - 1}. Got: {index}")
    addresses = os.environ.get(_ADDRESSES, "")
    if not addresses.split(",")[0].rpartition(":")[2].isdigit():
        raise ValueError(f"{_ADDRESSES} must be HOST:PORT of process 0. Got: {addresses!r}")
    import jax

    # Sums gradients on CPUs. GPUs have their own implementation.
    jax.config.update("jax_cpu_collectives_implementation", "gloo")
    try:
        keras.distribution.initialize(addresses, count, index)
    except RuntimeError as error:
        raise ValueError(
            f"process {index} of {count} must reach {addresses} ({str(error).splitlines()[0]})"
        ) from error
    # The rows of a batch are placed on devices in this order. Keep each process's together.
    devices = sorted(jax.devices(), key=lambda device: (device.process_index, device.id))
    keras.distribution.set_distribution(
        keras.distribution.DataParallel(
            devices=[f"{device.platform}:{device.id}" for device in devices],
            auto_shard_dataset=False,
        )
    )


def share():
    """The `Share` of this process in the current distribution; the whole if there is none."""
    distribution = keras.distribution.distribution()
    if distribution is None or keras.backend.backend() != "jax":
        return Share()
    return Share(
        distribution.data_shard_id,
        distribution.num_processes,
        distribution.device_mesh.devices.size,
    )


def agree(what, *values):
    """Raises a ValueError in every process if their values differ.

    Args:
        what: a name for the values, for the message.
        *values: bytes, or objects that `repr` distinguishes.
    """
    from jax.experimental import multihost_utils

    digest = hashlib.sha256()
    for value in values:
        digest.update(value if isinstance(value, bytes) else repr(value).encode())
    found = multihost_utils.process_allgather(np.frombuffer(digest.digest(), np.uint8))
    others = np.flatnonzero((found != found[0]).any(axis=1))
    if len(others):
        raise ValueError(
            f"every process must have the same {what} as process 0. "
            f"Got: a different one in process {', '.join(map(str, others))}"
        )


class WholeBatches(keras.Model):
    """A functional model whose steps skip the padding rows of a batch.

    It shares layers and variables with the network that it is made from.
    """

    # Functions from the number of rows to the number of faces; None if there is no padding.
    train_faces = test_faces = None

    def train_step(self, state, data):
        return super().train_step(state, _first(data, self.train_faces))

    def test_step(self, state, data):
        return super().test_step(state, _first(data, self.test_faces))


def _first(data, faces):
    # The number is known while the step is traced, so XLA slices and redistributes the rows.
    return tuple(part if faces is None else part[: faces(part.shape[0])] for part in data)


def _number(name):
    value = os.environ.get(name)
    if value is None or not value.strip().lstrip("-").isdecimal():
        raise ValueError(f"{name} must be a whole number. Got: {value!r}")
    return int(value)
