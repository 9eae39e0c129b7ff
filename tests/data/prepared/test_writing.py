import json
import os
import shutil
import signal
import subprocess
import sys
import textwrap
import time
from contextlib import nullcontext
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from keras_fld._internal.progress import watched
from keras_fld.data import crops, load, read
from keras_fld.data.batches import TrainingBatches
from keras_fld.data.faces import Absent
from keras_fld.data.prepared.reading import read_prepared
from keras_fld.data.prepared.writing import Part, prepare
from keras_fld.geometry.frame import FaceCrop
from tests.data.drawn_faces import drawn_set

FRAME = FaceCrop(16)


def _contents(folder):
    return {path.name: path.read_bytes() for path in sorted(folder.iterdir())}


def _prepare(out, count=7, **options):
    part = Part("train", drawn_set(count), wide=True)
    return prepare("drawn", [part], out, FRAME, **{"faces_per_shard": 3, **options})


@pytest.fixture(scope="module")
def prepared(tree, tmp_path_factory):
    """The tree, prepared through the command line."""
    out = tmp_path_factory.mktemp("prepared") / "300w"
    result = _command("prepare", "300w", tree, "--out", out, "--shard", 5, "--processes", 2)
    assert result.returncode == 0, result.stderr
    assert "train: 16 faces, 4 files" in result.stdout and f"wrote {out}" in result.stdout
    assert "official" not in result.stderr
    assert "note: challenge: not prepared" in result.stderr
    return out


def _command(*arguments):
    return subprocess.run(
        [sys.executable, "-m", "keras_fld", *map(str, arguments)],
        capture_output=True,
        text=True,
    )


def test_the_manifest_has_counts_and_checksums(prepared):
    manifest = json.loads((prepared / "manifest.json").read_text())
    assert manifest["dataset"] == "300w" and manifest["frame"] == {"size": 64, "margin": 1.1}
    names = {"manifest.json"}
    for split, faces, wide in (("train", 16, True), ("common", 6, False), ("full", 6, False)):
        part = manifest["splits"][split]
        assert part["faces"] == sum(s["faces"] for s in part["shards"]) == faces
        assert part["wide"] is wide and part["scheme"] == "ibug68"
        for shard in part["shards"]:
            assert (prepared / shard["file"]).stat().st_size == shard["bytes"]
            names.add(shard["file"])
    assert names == {path.name for path in prepared.iterdir()}, "nothing else is left"


def test_training_from_it_equals_training_from_photographs(prepared, tree):
    data = [
        crops.training_crops(read("300w", root, "train"), FaceCrop()) for root in (prepared, tree)
    ]
    first, second = (TrainingBatches(part, 5, seed=3) for part in data)
    for _ in range(2):
        for (a, p), (b, q) in zip(first, second, strict=True):
            np.testing.assert_array_equal(a, b)
            np.testing.assert_array_equal(p, q)


@pytest.mark.parametrize("split", ["train", "common"])
def test_load_takes_the_folder_for_the_dataset(prepared, tree, split):
    for options in ({}, {"augment": False}):
        first, second = (
            load("300w", root, split, batch_size=4, seed=1, **options) for root in (prepared, tree)
        )
        for (a, p), (b, q) in zip(first, second, strict=True):
            np.testing.assert_array_equal(np.asarray(a), np.asarray(b))
            np.testing.assert_array_equal(np.asarray(p), np.asarray(q))


def test_its_faces_are_those_of_the_reader(prepared, tree):
    a, b = (read("300w", root, "train") for root in (prepared, tree))
    assert (a.name, a.scheme, a.missing, a.absent, a.normalizer) == (
        b.name,
        b.scheme,
        b.missing,
        b.absent,
        b.normalizer,
    )
    assert [f.name for f in a.faces] == [f.name for f in b.faces]
    assert [len(part) for part in a.split(0.3)] == [len(part) for part in b.split(0.3)]


def test_what_was_not_prepared_is_refused(prepared):
    with pytest.raises(Absent, match="one of the prepared train, common, full. Got: 'challenge'"):
        read("300w", prepared, "challenge")
    with pytest.raises(ValueError, match="contains the 300w dataset. Got: 'wflw'"):
        read("wflw", prepared, "train")
    with pytest.raises(ValueError, match=r"prepared for FaceCrop\(size=64.*Got: FaceCrop\(size=32"):
        load("300w", prepared, frame=FaceCrop(32))


def test_the_number_of_processes_does_not_change_a_byte(tmp_path):
    finished = []
    for processes in (1, 3):
        out = tmp_path / str(processes)
        with watched(lambda label, length: nullcontext(finished.append)):
            manifest = _prepare(out, processes=processes)
        assert manifest == json.loads((out / "manifest.json").read_text())
    assert sum(finished) == 14
    assert _contents(tmp_path / "1") == _contents(tmp_path / "3")


def test_killed_in_the_middle_it_continues_to_the_same_bytes(tmp_path):
    script = """
        import sys
        from keras_fld.data.prepared.writing import Part, prepare
        from keras_fld.geometry.frame import FaceCrop
        from tests.data.drawn_faces import drawn_set

        if __name__ == "__main__":
            part = Part("train", drawn_set(48, size=160), wide=True)
            prepare("drawn", [part], sys.argv[1], FaceCrop(16), faces_per_shard=3, processes=2)
            print("finished")
    """
    (tmp_path / "script.py").write_text(textwrap.dedent(script))
    command = [sys.executable, str(tmp_path / "script.py")]
    env = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[3])}
    killed, whole = tmp_path / "killed", tmp_path / "whole"
    for _ in range(10):  # on a busy machine it may be done before this process gets its turn
        if _killed_in_the_middle([*command, str(killed)], env, killed):
            break
        shutil.rmtree(killed)
    assert not (killed / "manifest.json").exists()
    with pytest.raises(ValueError, match="manifest.json: No such file"):
        read_prepared(killed)
    early = sorted(killed.glob("train-*.json"))
    # What a kill in the middle of a shard leaves, and half a record of a shard.
    (killed / ".unfinished.x.tfrecord").write_bytes(b"half")
    damaged = early[0].with_suffix(".tfrecord")
    damaged.write_bytes(damaged.read_bytes()[:-5])
    kept = early[1].with_suffix(".tfrecord")
    before = kept.stat().st_mtime_ns
    for out in (killed, whole):
        result = subprocess.run([*command, str(out)], env=env, capture_output=True, text=True)
        assert result.stdout == "finished\n", result.stderr
    assert kept.stat().st_mtime_ns == before, "a whole shard is not written again"
    assert _contents(killed) == _contents(whole)


def _killed_in_the_middle(command, env, out):
    """Kills a preparation after its first shards; returns False if it finished before."""
    with subprocess.Popen(command, env=env, start_new_session=True) as process:
        deadline = time.monotonic() + 60
        while len(list(out.glob("train-*.json"))) < 2 and process.poll() is None:
            assert time.monotonic() < deadline
            time.sleep(0.005)
        process.send_signal(signal.SIGKILL)
    _wait_until_no_process_of(process.pid)  # the workers see that their parent is gone
    assert process.returncode in (0, -signal.SIGKILL)
    return process.returncode == -signal.SIGKILL


def _wait_until_no_process_of(session):
    """Waits until no process of a session is left."""
    deadline = time.monotonic() + 20
    while True:
        try:
            os.killpg(session, 0)
        except ProcessLookupError:
            return
        assert time.monotonic() < deadline, "a worker outlives its parent"
        time.sleep(0.02)


def test_a_finished_folder_stays_and_a_damaged_shard_is_made_again(tmp_path):
    _prepare(tmp_path / "out")
    before = _contents(tmp_path / "out")
    times = {path: path.stat().st_mtime_ns for path in (tmp_path / "out").glob("*.tfrecord")}
    (tmp_path / "out" / "train-00001-of-00003.tfrecord").write_bytes(b"damaged")
    with pytest.raises(ValueError, match="train-00001-of-00003.tfrecord, record 0"):
        read_prepared(tmp_path / "out")
    _prepare(tmp_path / "out")
    assert _contents(tmp_path / "out") == before
    untouched = [path for path, at in times.items() if path.stat().st_mtime_ns == at]
    assert len(untouched) == 2


def test_another_preparation_in_the_folder_is_refused(tmp_path):
    _prepare(tmp_path)
    with pytest.raises(ValueError, match="contains a preparation with another faces_per_shard"):
        _prepare(tmp_path, faces_per_shard=2)
    with pytest.raises(ValueError, match="contains a preparation with another splits"):
        _prepare(tmp_path, count=8)
    (tmp_path / "manifest.json").write_text("[]")
    with pytest.raises(ValueError, match="manifest.json: not of this package"):
        _prepare(tmp_path)
    with pytest.raises(ValueError, match="manifest.json: not a manifest of prepared faces"):
        read_prepared(tmp_path)


def test_a_shard_that_lost_records_or_is_gone_is_named(tmp_path):
    _prepare(tmp_path)
    path = tmp_path / "train-00002-of-00003.tfrecord"
    path.write_bytes(b"")
    with pytest.raises(ValueError, match="00002-of-00003.tfrecord: must contain the manifest's 1"):
        read_prepared(tmp_path)
    path.unlink()
    with pytest.raises(ValueError, match="00002-of-00003.tfrecord: No such file"):
        read_prepared(tmp_path)


def test_bad_photographs_stop_or_are_listed(own_tree, tmp_path):
    (own_tree / "afw" / "image_0003.png").write_bytes(b"")
    faces = read("300w", own_tree, "train")
    for processes in (1, 2):
        with pytest.raises(ValueError, match="image_0003.png: not an image"):
            prepare("300w", [Part("train", faces, True)], tmp_path / "out", FRAME, 4, processes)
    assert not (tmp_path / "out" / "manifest.json").exists()
    out = tmp_path / "skipped"
    prepare("300w", [Part("train", faces, True)], out, FRAME, 4, skip_bad=True)
    found = read_prepared(out)
    assert len(found) == 15 and "image_0003.png: not an image" in found.skipped[0]


@pytest.mark.parametrize("file", ["../train.tfrecord", "/train.tfrecord", "~/train.tfrecord"])
def test_a_manifest_does_not_lead_out_of_its_folder(tmp_path, file):
    _prepare(tmp_path / "out")
    manifest = tmp_path / "out" / "manifest.json"
    content = json.loads(manifest.read_text())
    shard = content["splits"]["train"]["shards"][0]
    (tmp_path / "train.tfrecord").write_bytes((tmp_path / "out" / shard["file"]).read_bytes())
    shard["file"] = file
    manifest.write_text(json.dumps(content))
    with pytest.raises(ValueError, match="manifest.json: a shard must be a file inside the folder"):
        read_prepared(tmp_path / "out")


def test_bad_numbers_and_faces_that_cannot_be_sent_are_refused(tmp_path):
    with pytest.raises(ValueError, match="faces_per_shard must be at least 1. Got: 0"):
        _prepare(tmp_path, faces_per_shard=0)
    with pytest.raises(ValueError, match="processes must be at least 1. Got: 0"):
        _prepare(tmp_path, processes=0)
    faces = drawn_set(4)
    stuck = [replace(face, source=lambda: None) for face in faces.faces]
    with pytest.raises(ValueError, match="processes must be 1 for faces that cannot be sent"):
        part = Part("train", replace(faces, faces=stuck), True)
        prepare("drawn", [part], tmp_path, FRAME, 2, processes=2)


def test_shards_are_not_mixed_with_other_files(tmp_path):
    photographs = tmp_path / "photographs"
    photographs.mkdir()
    (photographs / ".DS_Store").write_bytes(b"")
    (photographs / "a.jpg").write_bytes(b"a photograph")
    with pytest.raises(ValueError, match=r"need a folder of their own.* contains a\.jpg"):
        _prepare(photographs)
    assert sorted(path.name for path in photographs.iterdir()) == [".DS_Store", "a.jpg"]
    (photographs / "a.jpg").unlink()
    _prepare(photographs)
    _prepare(photographs)  # the same preparation again


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["nothing", "x"], "dataset must be one of 300w"),
        (["300w", "nowhere"], "nowhere: no such folder"),
        (["300w", "-"], "needs its folder as root. Got: none"),
        (["300w", "nowhere", "--margin", "0"], "Error: margin must be above 0. Got: 0.0"),
    ],
)
def test_the_command_says_what_is_wrong(arguments, words):
    result = _command("prepare", *arguments, "--out", "out")
    assert result.returncode == 2 and words in result.stderr
    assert "Traceback" not in result.stderr


@pytest.mark.parametrize("content", ["[" * 200_000, '{"bytes": ' + "9" * 6000 + "}", "\ud800"])
def test_damaged_records_of_a_preparation_do_no_harm(tmp_path, content):
    """A shard's is made again; the plan is named."""
    content = content.encode("utf-8", "surrogatepass")
    _prepare(tmp_path / "whole")
    _prepare(tmp_path / "out")
    plan = json.loads((tmp_path / "out/manifest.json").read_text())
    (tmp_path / "out/manifest.json").unlink()
    shard = plan["splits"]["train"]["shards"][0]["file"]
    (tmp_path / "out" / shard).with_suffix(".json").write_bytes(content)
    _prepare(tmp_path / "out")
    assert _contents(tmp_path / "out") == _contents(tmp_path / "whole")
    (tmp_path / "out/plan.json").write_bytes(content)
    with pytest.raises(ValueError, match="plan.json: not a JSON file"):
        _prepare(tmp_path / "out")
