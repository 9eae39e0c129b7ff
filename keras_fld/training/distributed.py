"""One network trained by several processes, by Keras' own distribution on the JAX backend.

`keras.distribution.initialize` joins the processes and `DataParallel` lays each one's rows of a
batch on its devices. A jitted step is then about the whole batch: its loss, gradients, BatchNorm
statistics and metrics are those that one process would compute. Keras 3.15 leaves three things to
do:

- JAX cuts no array into unequal parts, so an epoch's last batch is filled up (`Share`), and the
  step must take off what is no face, or BatchNorm would see it: `WholeBatches`.
- Each process runs all callbacks, and must, where they compute; only the first one's files stay.
- A process that reads other faces or another checkpoint than the first trains nonsense without a
  word: `agree`.
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
    """Raises ValueError where the backend cannot train in several processes."""
    backend = keras.backend.backend()
    if backend != "jax":
        raise ValueError(f"training by several processes needs KERAS_BACKEND=jax. Got: {backend}")


def join():
    """Makes this process one of those that Keras' environment variables name.

    They are KERAS_DISTRIBUTION_JOB_ADDRESSES, where process 0 listens, as HOST:PORT;
    KERAS_DISTRIBUTION_NUM_PROCESSES; and KERAS_DISTRIBUTION_PROCESS_ID, from 0. It must come before
    all that computes, importing `keras_fld.training` included, and returns when all have joined.

    Raises:
        ValueError: a variable is missing or out of range, the backend is not JAX, or the others
            cannot be reached.

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

    # What processors add up gradients by; graphics cards have their own.
    jax.config.update("jax_cpu_collectives_implementation", "gloo")
    try:
        keras.distribution.initialize(addresses, count, index)
    except RuntimeError as error:
        raise ValueError(
            f"process {index} of {count} must reach {addresses} ({str(error).splitlines()[0]})"
        ) from error
    # Rows of a batch lie on the devices in this order: a process' ones must stand together.
    devices = sorted(jax.devices(), key=lambda device: (device.process_index, device.id))
    keras.distribution.set_distribution(
        keras.distribution.DataParallel(
            devices=[f"{device.platform}:{device.id}" for device in devices],
            auto_shard_dataset=False,
        )
    )


def share():
    """The `Share` of this process in the distribution that is set; all of it where none is."""
    distribution = keras.distribution.distribution()
    if distribution is None or keras.backend.backend() != "jax":
        return Share()
    return Share(
        distribution.data_shard_id,
        distribution.num_processes,
        distribution.device_mesh.devices.size,
    )


def agree(what, *values):
    """Raises ValueError in every process unless all have the same values.

    Args:
        what: the values in a word, for the message.
        *values: bytes, or what `repr` tells apart.
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
            f"Got: another in process {', '.join(map(str, others))}"
        )


class WholeBatches(keras.Model):
    """A functional model whose steps leave out the rows of a batch that are no faces.

    It shares layers and variables with the network that it is made from.
    """

    # Function of a batch's rows to its faces; None where all are.
    train_faces = test_faces = None

    def train_step(self, state, data):
        return super().train_step(state, _first(data, self.train_faces))

    def test_step(self, state, data):
        return super().test_step(state, _first(data, self.test_faces))


def _first(data, faces):
    # The number is known while the step is traced: XLA cuts, and shares out what is left.
    return tuple(part if faces is None else part[: faces(part.shape[0])] for part in data)


def _number(name):
    value = os.environ.get(name)
    if value is None or not value.strip().lstrip("-").isdecimal():
        raise ValueError(f"{name} must be a whole number. Got: {value!r}")
    return int(value)
