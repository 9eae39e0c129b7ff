"""The presets' cards have the figures of results/."""

import re

import pytest

from keras_fld import zoo
from keras_fld._internal.files import read_json
from tests.docs.runs import RESULTS, load_runs

RUNS = {}


def run_of(name):
    pytest.importorskip("tensorflow")  # counts the networks' parameters
    if not RUNS:
        RUNS.update({run.preset: run for run in load_runs() if run.preset})
    return RUNS[name]


def figures(run, part):
    """The cells of a card's table on 300W common for one evaluation."""
    rows = {row["normalizer"]: row for row in run.parts[part]["rows"] if row["subset"] == "common"}
    row = rows["inter_pupil"]
    low, high = row["interval"]
    failures = f"{row['failure_rate']:.2f}"
    if run.preset == "trnet20_synthetic":
        return [f"{row['nme']:.3f}", f"{low:.3f}-{high:.3f}", failures]
    ocular = f"{rows['inter_ocular']['nme']:.3f}"
    return [f"{row['nme']:.3f}", f"{low:.3f}-{high:.3f}", ocular, failures, f"{row['auc']:.2f}"]


def expected(name):
    """What a card must say, words and table cells."""
    run = run_of(name)
    regions = run.parts["model"]["regions"]["common"]
    yield from (
        f"`{file}` | {' | '.join(figures(run, part))}"
        for file, part in ((f"{name}.keras", "model"), (f"{name}_int8.tflite", "int8"))
    )
    yield ", ".join(f"{region} {nme:.3f}" for region, nme in regions.items())
    yield f"{run.parameters:,} parameters"
    yield f"{zoo.lite_file(name).stat().st_size:,} bytes"
    found = read_json(RESULTS / "small_faces.json")["presets"]
    (small,) = (x["nme_by_box_side"] for x in found if x["preset"] == name)
    yield f"{small['48']:.2f} % where the box's longer side has 48 pixels, {small['32']:.2f} at 32"
    if name != "trnet20_synthetic":
        yield f"mirror image, two passes: {run.nme('model/flip'):.3f}"
    else:
        drawn = read_json(RESULTS / run.name / "drawn.json")["rows"][0]
        low, high = drawn["interval"]
        yield f"{drawn['nme']:.3f} | {low:.3f}-{high:.3f} | {drawn['failure_rate']:.2f}"
    if name in ("trnet20_300w_fast", "trnet20_300w_small"):
        count, most = (
            zoo.figures(preset)["files"]["int8"]["instructions"]["cortex-a76"]
            for preset in (name, "trnet20_300w")
        )
        share = 100 - 100 * count / most
        yield f"{count / 1e6:.2f} M instructions on a Cortex-A76, {share:.0f} % fewer than"


@pytest.mark.parametrize("name", zoo.names())
def test_a_card_has_the_figures_of_its_run(name):
    card = re.sub(r"\s+", " ", (zoo.keras_file(name).with_suffix(".md")).read_text("utf-8"))
    wanted = list(expected(name))
    assert len(wanted) >= 7
    assert [words for words in wanted if words not in card] == []
