"""Runs: the folders of results/, as the tables and the cards need them.

A run is a folder with its recipe and evaluations:

    recipe.json                    of a network, as `train` writes it
    sdm.json, ert.json             of a baseline, as `baseline` writes it
    model/evaluation.json          `evaluate --out`, and so model/flip, int8, refined, whole, local
    benchmark.json                 of its float32.tflite and int8.tflite, by tflite/benchmark.py

A preset's run is the one whose benchmark measured the file that is shipped.
"""

import hashlib
import json
import re
from dataclasses import asdict, dataclass, field
from functools import cache
from pathlib import Path

from keras_fld import models, zoo
from keras_fld._internal.files import read_json
from keras_fld.training import recipes
from keras_fld.training.recipe import saved_recipe

RESULTS = Path(__file__).parents[2] / "results"

# Training images of 300W: afw, 870 of helen and 805 of lfpw. Runs with the set `aflw68` have 1,964
# of helen.
FIRST_PHOTOGRAPHS, PHOTOGRAPHS = 2012, 3106

_TITLES = {"trnet20": "TRNet-20", "cnn6": "CNN-6", "cnn7": "CNN-7", "sdm": "SDM", "ert": "ERT"}
# A run's evaluations in their order: what a row is called, and the command after `keras-fld`.
PARTS = {
    "model": ("{title}, Keras float32", "evaluate {model} --root 300w"),
    "model/flip": (
        "the same, averaged with its mirror image: a test-time trick",
        "evaluate {model} --root 300w --flip",
    ),
    "int8": ("int8 `.tflite`", "convert {model} --out int8.tflite --root 300w"),
    "refined": ("refined, patch by patch", "refine {model} --out refined.keras --root 300w"),
    "whole": (
        "control: the whole layer retrained",
        "refine {model} --out whole.keras --root 300w --whole",
    ),
    "local": (
        "refined, local form",
        "refine {model} --out local.keras --root 300w --windows 3 --rounds 40 --learning-rate 4e-3",
    ),
}


@dataclass(frozen=True)
class Run:
    """A folder of results: what was trained, its figures on 300W common, and its files.

    Args:
        name: the folder's name.
        title: the method in words.
        command: what trains it.
        parts: name of an evaluation to its JSON, in the order of `PARTS`.
        files: "float32.tflite" and "int8.tflite" to their size in bytes and median milliseconds.
        processor: that they were timed on: the times of one run's files alone can be compared.
        parameters: of the network; None for a baseline.
        photographs: number of training images of 300W.
        preset: name of the preset that is this run's result, or None.
    """

    name: str
    title: str
    command: str
    parts: dict
    files: dict = field(default_factory=dict)
    processor: str = ""
    parameters: int | None = None
    photographs: int = FIRST_PHOTOGRAPHS
    preset: str | None = None

    def nme(self, part="model"):
        return self.row(part)["nme"]

    def row(self, part):
        return _common(self.parts[part])


def load_runs(results=RESULTS):
    """The runs that were judged on 300W common, presets first, then by NME."""
    runs = []
    for folder in sorted(path for path in Path(results).iterdir() if path.is_dir()):
        if (folder / "runs").is_dir():
            continue  # of `keras-fld reproduce`
        found = [path.parent.relative_to(folder) for path in folder.rglob("evaluation.json")]
        unknown = {path.as_posix() for path in found} - set(PARTS)
        if unknown:
            raise ValueError(
                f"{folder}: an evaluation must be in {', '.join(PARTS)}. Got: {sorted(unknown)}"
            )
        parts = {
            part: read_json(folder / part / "evaluation.json")
            for part in PARTS
            if Path(part) in found
        }
        if "model" in parts and _common(parts["model"]):
            runs.append(_run(folder, parts))
    return sorted(runs, key=lambda run: (run.preset is None, run.nme()))


def _common(evaluation):
    """The row of the protocol's figure, or None."""
    wanted = ("300w", "common", "inter_pupil")
    for row in evaluation["rows"]:
        if (evaluation["dataset"], row["subset"], row["normalizer"]) == wanted:
            return row
    return None


def _run(folder, parts):
    for method in ("sdm", "ert"):
        if (folder / f"{method}.json").exists():
            command = read_json(folder / f"{method}.json")["command"]
            return Run(folder.name, _TITLES[method], f"`{command}`", parts)
    saved = read_json(folder / "recipe.json")
    recipe = saved_recipe(saved["recipe"])
    options = json.dumps(recipe.network_options)
    files, processor, preset = _benchmark(folder / "benchmark.json")
    return Run(
        folder.name,
        _title(recipe),
        _training(recipe, saved["backend"], folder),
        parts,
        files,
        processor,
        _parameters(recipe.network, recipe.input_size, recipe.margin, options),
        _photographs(recipe),
        preset,
    )


def _photographs(recipe):
    if recipe.dataset != "300w":
        return 0
    return PHOTOGRAPHS if "aflw68" in [more.name for more in recipe.extra] else FIRST_PHOTOGRAPHS


@cache
def _parameters(network, input_size, margin, options):
    return models.get(network)(68, input_size, margin, **json.loads(options)).count_params()


def _title(recipe):
    chosen = [f"`{name}={json.dumps(v)}`" for name, v in recipe.network_options.items()]
    title = _TITLES[recipe.network] + (f" with {', '.join(chosen)}" if chosen else "")
    options = ", ".join(f"{name} {value:g}" for name, value in recipe.loss_options.items())
    names = {"enme": "ENME", "le": "LE", "nme": "NME", "wing": "Wing", "l1": "L1", "l2": "L2"}
    title += f", {names.get(recipe.loss, recipe.loss)}" + (f" ({options})" if options else "")
    if recipe.optimizer != "adamw":
        title += f", {recipe.optimizer.title()}"
    if recipe.extra:
        title += f", {_added([more.name for more in recipe.extra])}"
    return title


def _added(names):
    """The extra sets of a run in words."""
    if "aflw68" in names:
        return "AFLW and ten-point faces added"
    if "london189" in names:
        return "trained on generated faces and on London portraits in many poses"
    words = [{"pts": "video"}.get(name, name.upper()) for name in names]
    return f"{' and '.join(words)} faces of its own labels added"


def _training(recipe, backend, folder):
    """The command that trains a recipe; a recipe without a name points at its JSON."""
    mine = _plain(recipe)
    name = next((name for name in recipes.names() if _plain(recipes.get(name)) == mine), None)
    if name is None:
        return f"`keras-fld train` with [this recipe](results/{folder.name}/recipe.json)"
    command = f"keras-fld train --recipe {name}"
    command += f" --root {recipe.dataset}"
    for more in recipe.extra:
        command += f" --extra {more.name}={more.name}_labels"
    command += f" --start {recipe.start}/model.keras" * bool(recipe.start)
    return f"`{'KERAS_BACKEND=torch ' * (backend == 'torch')}{command} --out run`"


def _plain(recipe):
    """A recipe as JSON has it, which knows no tuples."""
    return json.loads(json.dumps(asdict(recipe)))


def _benchmark(path):
    """Sizes and latencies of a run's files, the processor, and the preset that was among them."""
    if not path.exists():
        return {}, "", None
    measured = read_json(path)
    milliseconds = {
        row["model"]: row["p50_ms"] for row in measured["results"] if row["threads"] == 1
    }
    shipped = {
        hashlib.sha256(zoo.lite_file(name).read_bytes()).hexdigest(): name for name in zoo.names()
    }
    mine, preset = measured["files"], None
    for file in measured["files"]:
        if file["sha256"] in shipped:
            preset = shipped[file["sha256"]]
            # Other files may have taken turns with it.
            mine = [f for f in mine if Path(f["path"]).parent == Path(file["path"]).parent]
    files = {Path(f["path"]).name: (f["bytes"], milliseconds[f["path"]]) for f in mine}
    if len(files) < len(mine):
        names = [f["path"] for f in mine]
        raise ValueError(f"{path}: must have measured one file of a name. Got: {names}")
    words = re.findall(r"Xeon|EPYC|Core|Ryzen|Cortex-\w+", measured["cpu"])
    return files, words[0] if words else measured["cpu"], preset
