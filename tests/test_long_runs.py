"""tests/long_runs.py, which takes a quarter of an hour, at a sixtieth of its size or less."""

import json
from pathlib import Path

import pytest

from tests import long_runs


@pytest.mark.skipif(not Path("/proc/self/statm").exists(), reason="it reads /proc: Linux")
def test_it_watches_the_memory_of_a_kind_of_work(tmp_path):
    out, kinds = tmp_path / "long.json", ["predictions"]  # the others take longer
    long_runs.main(["--only", *kinds, "--share", "0.002", "--json", str(out)])
    runs = json.loads(out.read_text())["runs"]
    assert list(runs) == kinds
    for name, row in runs.items():
        assert row[long_runs.UNITS[name]] == round(0.002 * long_runs.WORK[name])
        assert min(row["early_mib"], row["late_mib"]) > 10 and row["seconds"] > 0


@pytest.mark.skipif(not Path("/proc/self/statm").exists(), reason="it reads /proc: Linux")
def test_eight_threads_predict_what_one_does_at_flat_memory(tmp_path, capfd):
    out = tmp_path / "long.json"
    # Ten seconds.
    code = long_runs.main(["--only", "threads", "--share", "0.0167", "--json", str(out)])
    assert code == 0, capfd.readouterr()
    row = json.loads(out.read_text())["runs"]["threads"]
    assert row["predictions"] == 1670 and row["seconds"] >= 9 and row["flat"]
    assert "of 8 threads are those of one, bit for bit" in capfd.readouterr().out


def test_growth_is_told_from_flat_memory(tmp_path, monkeypatch):
    sizes = iter([100.0] * 4 + [100.0 + 9 * number for number in range(1000)])
    monkeypatch.setattr(long_runs, "_resident", lambda pid: next(sizes))
    monkeypatch.setitem(long_runs.WORK, "samples", 1)
    (tmp_path / "work.py").write_text(
        "import sys, pathlib, time\npathlib.Path(sys.argv[4], 'begun').touch(); time.sleep(2)\n"
    )
    monkeypatch.setattr(long_runs, "__file__", str(tmp_path / "work.py"))
    row = long_runs.watch("samples", 1, tmp_path)
    assert not row["flat"] and row["growth_mib"] > long_runs.ALLOWED
