"""Preparation with Apache Beam's local runner gives the same bytes as the local command."""

import hashlib
import pickle
import subprocess
import sys
from contextlib import nullcontext
from dataclasses import replace

import pytest

from keras_fld._internal.progress import watched
from keras_fld.data import read
from keras_fld.data.prepared.beam import write
from keras_fld.data.prepared.writing import Part, prepare
from keras_fld.geometry.frame import FaceCrop
from tests.data.drawn_faces import drawn_set

FRAME = FaceCrop(16)
WITHOUT_BEAM = "import sys; sys.modules['apache_beam'] = None; "
MAIN = "from keras_fld.cli import main; main()"


@pytest.fixture
def beam():
    pytest.importorskip("apache_beam", reason="needs Apache Beam: pip install 'keras-fld[beam]'")


def _contents(folder):
    return {path.name: path.read_bytes() for path in sorted(folder.iterdir())}


def _command(*arguments, before=""):
    command = [sys.executable, "-c", before + MAIN, "prepare", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True)


def _drawn(out, **options):
    part = Part("train", drawn_set(7), wide=True)
    return prepare("drawn", [part], out, FRAME, **{"faces_per_shard": 3, **options})


@pytest.mark.parametrize("processes", [1, 2])
def test_the_command_writes_the_same_shards_and_manifest(beam, tree, tmp_path, processes):
    here, beams = tmp_path / "here", tmp_path / "beam"
    shards = ("--shard", 5, "--processes", processes)
    for out, options in ((here, ()), (beams, ("--beam", "--", "--job_name=faces"))):
        result = _command("300w", tree, "--out", out, *shards, *options)
        assert result.returncode == 0, result.stderr
        assert "train: 16 faces, 4 files" in result.stdout
    assert _contents(here) == _contents(beams)
    assert {path.suffix for path in beams.iterdir()} == {".tfrecord", ".json"}
    assert [path.name for path in beams.glob("*.json")] == ["manifest.json"]


def test_it_goes_on_where_the_local_command_was_and_the_other_way_round(beam, tmp_path):
    whole, out = tmp_path / "whole", tmp_path / "out"
    finished = []
    _drawn(whole)
    with watched(lambda label, length: nullcontext(finished.append)):
        _drawn(out, beam=[])
    assert sum(finished) == 7 and _contents(out) == _contents(whole)
    kept, damaged = (out / f"train-0000{n}-of-00003.tfrecord" for n in (0, 1))
    before = kept.stat().st_mtime_ns
    for options in ({"beam": []}, {}):
        damaged.write_bytes(b"damaged")
        _drawn(out, **options)
        assert _contents(out) == _contents(whole)
    assert kept.stat().st_mtime_ns == before, "a whole shard is not written again"


def test_a_bad_photograph_stops_it_after_the_other_shards_and_the_next_call_goes_on(
    beam, own_tree, tmp_path
):
    bad = own_tree / "afw" / "image_0003.png"
    good = bad.read_bytes()
    bad.write_bytes(b"\0" * len(good))
    parts = [Part("train", read("300w", own_tree, "train"), True)]
    out = tmp_path / "out"
    with pytest.raises(ValueError, match="image_0003.png: not an image"):
        prepare("300w", parts, out, FRAME, 4, beam=[])
    assert len(list(out.glob("*.tfrecord"))) == 3 and not (out / "manifest.json").exists()
    assert not list(out.glob(".unfinished.*"))
    bad.write_bytes(good)
    for folder, options in ((out, {"beam": []}), (tmp_path / "here", {})):
        prepare("300w", parts, folder, FRAME, 4, **options)
    assert _contents(out) == _contents(tmp_path / "here")


def test_faces_that_cannot_be_sent_are_refused(beam, tmp_path):
    faces = drawn_set(4)
    stuck = [replace(face, source=lambda: None) for face in faces.faces]
    with pytest.raises(ValueError, match="beam must be None for faces that cannot be sent"):
        part = Part("train", replace(faces, faces=stuck), True)
        prepare("drawn", [part], tmp_path, FRAME, 2, beam=[])


def test_an_unknown_runner_is_one_line(beam, tree, tmp_path):
    result = _command("300w", tree, "--out", tmp_path / "out", "--beam", "--", "--runner=Nothing")
    assert result.returncode == 2 and "Unexpected pipeline runner: Nothing" in result.stderr
    assert "Traceback" not in result.stderr


def test_without_beam_the_command_says_what_to_install(tree, tmp_path):
    result = _command("300w", tree, "--out", tmp_path / "out", "--beam", before=WITHOUT_BEAM)
    assert result.returncode == 2 and "Traceback" not in result.stderr
    assert '--beam needs Apache Beam: pip install "keras-fld[beam]"' in result.stderr


def test_beams_options_need_beam(tree, tmp_path):
    result = _command("300w", tree, "--out", tmp_path / "out", "--", "--runner=FlinkRunner")
    assert result.returncode == 2
    assert "options of Apache Beam need --beam. Got: --runner=FlinkRunner" in result.stderr
    assert not (tmp_path / "out").exists()


def test_a_job_that_was_changed_is_not_unpickled(tmp_path):
    ran = tmp_path / "ran"

    class Foreign:
        def __reduce__(self):
            return ran.touch, ()

    file = tmp_path / ".unfinished.train.job"
    file.write_bytes(pickle.dumps(Foreign()))
    with pytest.raises(ValueError, match="job: a job file must not change"):
        write((str(file), hashlib.sha256(b"the job that was sent").hexdigest()))
    assert not ran.exists()
    pickle.loads(file.read_bytes())
    assert ran.exists(), "unpickled, it runs"
