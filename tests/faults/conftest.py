from importlib.util import find_spec

import pytest


@pytest.fixture(scope="package")
def warm(tmp_path_factory):
    """A process that has TensorFlow loaded, see `tests.faults.warm`."""
    if find_spec("tensorflow") is None:
        pytest.skip("needs TensorFlow")
    from tests.faults.warm import Warm

    started = Warm(tmp_path_factory.mktemp("work"))
    yield started
    started.close()


@pytest.fixture(scope="package")
def trained(warm, tmp_path_factory):
    """An uninterrupted run, its states after each epoch, and how long it took."""
    from tests.faults.states import Trained

    return Trained(warm, tmp_path_factory.mktemp("trained"))
