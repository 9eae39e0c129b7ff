import itertools

import numpy as np
import pytest

from tests.faults.kills import KILLS, kill_and_go_on
from tests.faults.states import BATCH_SIZE, POISONED, arrays, losses, model_arrays

pytest.importorskip("h5py")


def test_killed_anywhere_it_ends_as_the_uninterrupted_run(warm, trained, tmp_path):
    numbers = itertools.count()
    aimed = kill_and_go_on(
        "training",
        start=lambda out: warm.start("train", out=out),
        new_folder=lambda: tmp_path / str(next(numbers)),
        seconds=trained.seconds,
        partly=trained.check_checkpoint,
        whole=trained.check_result,
    )
    assert aimed or KILLS < 10, "no kill came while a file was being written"


def test_one_seed_gives_one_model_in_two_processes(warm, tmp_path):
    network = "tests.tiny:tiny" if KILLS < 10 else "trnet20"  # whose graph takes long to trace
    jobs = [warm.start("train_with_graphs", out=tmp_path / x, network=network) for x in "ab"]
    for job in jobs:
        assert job.wait() == 0, job.output()
    first, second = (model_arrays(tmp_path / name) for name in "ab")
    assert first.keys() == second.keys() and len(first) >= 7
    for name in first:
        np.testing.assert_array_equal(first[name], second[name], err_msg=name)
    assert losses(tmp_path / "a") == losses(tmp_path / "b")


def test_a_loss_that_is_no_number_leaves_its_batch(warm, tmp_path):
    job = warm.start("train_on_a_poisoned_face", out=tmp_path)
    assert job.wait() == 2, job.output()
    error = job.output().splitlines()[-1]
    assert "the loss must stay finite" in error and str(tmp_path / "batch.npz") in error
    with np.load(tmp_path / "batch.npz") as batch:
        names = batch["names"].tolist()
        wrong = names.index(f"train/{POISONED}")
        assert batch["images"].shape == (BATCH_SIZE, 32, 32, 3)
        far = np.abs(batch["landmarks"]).max(axis=(1, 2)) > 1e6
        assert np.flatnonzero(far).tolist() == [wrong]
        assert f"epoch {batch['epoch']}, step {batch['step']}" in error
    assert {path.name for path in tmp_path.iterdir()} == {"recipe.json", "batch.npz", "log.csv"}


def killed_when_there_is(name, warm, out):
    """Trains into a folder until it has a file."""
    job = warm.start("train", out=out)
    while job.poll() is None and not (out / name).exists():
        pass
    job.kill()
    assert job.wait() < 0, f"it ended before {name} was there"
    return out


@pytest.fixture
def interrupted(warm, trained, tmp_path):
    """A run killed after its first epoch."""
    out = killed_when_there_is("last.weights.h5", warm, tmp_path / "interrupted")
    trained.check_checkpoint(out)
    return out


def test_damage_anywhere_in_a_checkpoint_is_detected(interrupted, warm):
    from keras_fld.training import checkpoints

    path = interrupted / "last.weights.h5"
    good = path.read_bytes()
    assert arrays(path), "any HDF5 reader opens it"
    rng = np.random.default_rng(0)
    places = [0, len(good) - 1, *rng.integers(0, len(good), 30)]
    damaged = [bytes(good[: rng.integers(0, len(good))]) for _ in range(10)] + [b"", good + b"\0"]
    for place in places:
        flipped = bytearray(good)
        flipped[place] ^= 1 << rng.integers(0, 8)
        damaged.append(bytes(flipped))
    for content in damaged:
        path.write_bytes(content)
        with pytest.raises(ValueError, match="last.weights.h5: the checkpoint is damaged"):
            checkpoints.restore(None, path)
    checkpoints.previous(path).unlink(missing_ok=True)
    job = warm.start("train", out=interrupted)
    assert job.wait() == 2
    assert f"Error: {path}: the checkpoint is damaged; delete it" in job.output()
    assert path.read_bytes() == damaged[-1], "it is the user's to delete"


def test_a_damaged_checkpoint_goes_on_from_the_one_before(warm, trained, tmp_path):
    out = killed_when_there_is("previous.weights.h5", warm, tmp_path / "run")
    path = out / "last.weights.h5"
    path.write_bytes(path.read_bytes()[:-1])
    job = warm.start("train", out=out)
    assert job.wait() == 0, job.output()
    assert f"{path}: the checkpoint is damaged; resuming from previous" in job.output()
    trained.check_result(out)
