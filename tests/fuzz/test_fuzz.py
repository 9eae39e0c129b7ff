"""Every reader with inputs that fuzzing found, and with a few hundred changed good files.

`make fuzz` looks for new ones.
"""

from importlib.util import find_spec

import numpy as np
import pytest

from tests.fuzz import corpus
from tests.fuzz.mutate import mutated
from tests.fuzz.targets import CASES, TARGETS

ROUNDS = 200
NEEDS = {"cofw": "h5py", "aflw": "scipy", "recipe": "tensorflow"}


@pytest.fixture(params=TARGETS)
def target(request, tmp_path):
    """A reader's key, the reader, and a folder for its file."""
    needed = NEEDS.get(request.param, "numpy")
    if find_spec(needed) is None:
        pytest.skip(f"needs {needed}")
    found = TARGETS[request.param]
    found.beside(tmp_path)
    return request.param, found, tmp_path


def test_good_files_are_read(target):
    _, reader, folder = target
    for content in reader.seeds():
        (folder / reader.name).write_bytes(content)
        reader.read(folder / reader.name)


def test_stored_cases_are_read_or_refused(target):
    key, reader, folder = target
    found = corpus.kept(key)
    assert found, "every reader was fuzzed"
    for path, content in {**reader.cases(key), **found}.items():
        try:
            reader.run(content, folder)
        except BaseException as error:
            raise AssertionError(path) from error


def test_changed_files_are_read_or_refused(target):
    _, reader, folder = target
    rng, seeds = np.random.default_rng(0), reader.seeds()
    for number in range(ROUNDS):
        content = mutated(seeds[number % len(seeds)], seeds, rng)
        try:
            reader.run(content, folder)
        except BaseException as error:
            raise AssertionError(f"round {number}: {content[:300]!r}") from error


def test_a_word_without_end_is_read_or_refused(target):
    _, reader, folder = target
    for content in reader.seeds():
        reader.run(content + b"9" * 200_000, folder)
        reader.run(b"9" * 200_000 + content, folder)


def test_each_folder_of_cases_is_of_a_reader():
    assert {path.name for path in CASES.iterdir()} <= set(TARGETS)


def test_what_a_run_found_is_kept_beside_what_others_had(tmp_path):
    archive, run = tmp_path / "corpus.zip", tmp_path / "run"
    for name, content in {"pts/a": b"xx", "pts/seed0": b"seed", "aflw/a": b"y"}.items():
        (run / name).parent.mkdir(parents=True, exist_ok=True)
        (run / name).write_bytes(content)
    corpus.add(run, archive)
    (run / "aflw/a").unlink()
    (run / "aflw").rmdir()
    (run / "pts/b").write_bytes(b"x")
    (run / "pts/large").write_bytes(bytes(corpus.LARGEST + 1))
    corpus.add(run, archive)
    assert corpus.kept("pts", archive) == {"pts/00": b"x", "pts/01": b"xx"}
    assert list(corpus.kept("aflw", archive).values()) == [b"y"]
    before = archive.read_bytes()
    corpus.add(run, archive)
    assert archive.read_bytes() == before
