import numpy as np
import pytest

from keras_fld import zoo
from keras_fld._internal.processor import instruction_set
from keras_fld.lite import latency


class Counting:
    """A model that records when it ran."""

    def __init__(self, name, diary):
        self.name, self.diary = name, diary

    def run(self):
        self.diary.append(self.name)


def test_models_take_turns_in_blocks_with_a_run_to_warm_up():
    diary = []
    times = latency.measure([Counting("a", diary), Counting("b", diary)], 15)
    assert diary == [*"a" * 11, *"b" * 11, *"a" * 6, *"b" * 6]
    assert [len(own) for own in times] == [15, 15] and min(map(min, times)) >= 0


def test_figures_are_computed_from_the_times(monkeypatch):
    times = [list(np.arange(1.0, 102)), list(np.arange(2.0, 203, 2))]
    monkeypatch.setattr(latency, "measure", lambda models, runs: times)
    result = latency.benchmark(["trnet20_300w", zoo.lite_file("trnet20_300w")], threads=2)
    first, second = result.rows
    assert (first["p50_ms"], first["p90_ms"], first["p99_ms"]) == (51, 91, 100)
    assert (first["ratio_to_first"], second["ratio_to_first"]) == (1, 2)
    assert first["frames_per_second"] == pytest.approx(1000 / 51) and first["threads"] == 2
    *lines, last = str(result).splitlines()
    assert len({len(line) for line in lines}) == 1
    assert "51.000" in lines[1] and lines[2].endswith("2.00")
    assert last == f"instruction set: {instruction_set()}"
    assert result.as_dict()["instruction_set"] == instruction_set()


def test_rows_state_the_license_of_each_file(tmp_path):
    content = zoo.lite_file("trnet20_free").read_bytes()
    (tmp_path / "damaged.tflite").write_bytes(content.replace(b'"mode":"int8"', b'"mode":123456'))
    (tmp_path / "other.tflite").write_bytes(content.replace(b"keras_fld", b"another_x"))
    names = ["trnet20_300w", "trnet20_free"]
    files = [tmp_path / "damaged.tflite", tmp_path / "other.tflite"]
    rows = latency.benchmark([*names, *files], runs=1).rows
    presets = [zoo.about(name).license for name in names]
    assert [row["license"] for row in rows] == [*presets, None, None]


def test_close_times_count_as_equal():
    assert latency.fastest({"a": 2.0, "b": 0.52, "c": 0.5, "d": 0.53}) == ["b", "c"]
    assert latency.fastest({"a": 2.0}) == ["a"]


@pytest.mark.parametrize(
    ("models", "options", "rule"),
    [
        ([], {}, "models must name at least one .tflite file"),
        (["trnet20_300w"], {"runs": 0}, "runs must be at least 1. Got: 0"),
        (["trnet20_300w"], {"threads": 0}, "threads must be at least 1. Got: 0"),
        (["a.keras"], {}, "must end in .tflite or be a preset .*Got: a.keras"),
        (["absent.tflite"], {}, "absent.tflite: No such file"),
    ],
)
def test_wrong_arguments_are_named(models, options, rule):
    with pytest.raises(ValueError, match=rule):
        latency.benchmark(models, **options)
