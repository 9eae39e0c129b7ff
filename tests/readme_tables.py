"""Writes the README's tables of results from the JSON of the runs in results/, and the figures that
the package has of its presets (`zoo.figures`).

    python -m tests.readme_tables        # or: make tables

A table stands between the README's lines `<!-- table: NAME -->` and `<!-- end of table -->`; the
names are those of `BLOCKS`. A run is a folder of results/ with its recipe and evaluations:

    recipe.json                    of a network, as `train` writes it
    sdm.json, ert.json             of a baseline, as `baseline` writes it
    model/evaluation.json          `evaluate --out`, and so model/flip, int8, refined, whole, local
    benchmark.json                 of its float32.tflite and int8.tflite, by tflite/benchmark.py

The preset's run is the one whose benchmark measured the file that is shipped.
"""

import hashlib
import json
import re
from dataclasses import asdict, dataclass, field
from functools import cache
from pathlib import Path

from keras_fld import models, zoo
from keras_fld._internal.files import read_json, replacing, write_json
from keras_fld.data import catalog
from keras_fld.lite import modes
from keras_fld.reproduce.tables import TABLE5
from keras_fld.training import recipes
from keras_fld.training.recipe import saved_recipe
from tests import readme_api, readme_losses, readme_plan

ROOT = Path(__file__).parents[1]
README, RESULTS = ROOT / "README.md", ROOT / "results"
FIGURES = ROOT / "keras_fld" / "zoo" / "figures.json"
# Of 300W, in the runs of results/ on photographs: all of afw, 870 of helen and 805 of lfpw.
TRAINED_ON = 2012

_TITLES = {"trnet20": "TRNet-20", "cnn6": "CNN-6", "cnn7": "CNN-7", "sdm": "SDM", "ert": "ERT"}
# A run's evaluations in their order: what a row is called, and the command after `keras-fld`.
_PARTS = {
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
_REGIONS = ("contour", "brows", "nose", "eyes", "mouth")


@dataclass(frozen=True)
class Run:
    """A folder of results: what was trained, its figures on 300W common, and its files.

    Args:
        name: the folder's name.
        title: the method in words.
        command: what trains it.
        parts: name of an evaluation to its JSON, in the order of `_PARTS`.
        files: "float32.tflite" and "int8.tflite" to their size in bytes and median milliseconds.
        processor: that they were timed on: the times of one run's files alone can be compared.
        parameters: of the network; None for a baseline.
        preset: name of the preset that is this run's result, or None.
    """

    name: str
    title: str
    command: str
    parts: dict
    files: dict = field(default_factory=dict)
    processor: str = ""
    parameters: int | None = None
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
        unknown = {path.as_posix() for path in found} - set(_PARTS)
        if unknown:
            raise ValueError(
                f"{folder}: an evaluation must be in {', '.join(_PARTS)}. Got: {sorted(unknown)}"
            )
        parts = {
            part: read_json(folder / part / "evaluation.json")
            for part in _PARTS
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
        preset,
    )


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
        names = " and ".join({"pts": "video"}.get(name, name.upper()) for name in recipe.extra)
        title += f", {names} faces of its own labels added"
    return title + (", trained on generated faces alone" * (recipe.dataset == "synthetic"))


def _training(recipe, backend, folder):
    """The command that trains a recipe; a recipe without a name points at its JSON."""
    mine = _plain(recipe)
    name = next((name for name in recipes.names() if _plain(recipes.get(name)) == mine), None)
    if name is None:
        return f"`keras-fld train` with [this recipe](results/{folder.name}/recipe.json)"
    command = f"keras-fld train --recipe {name}"
    if recipe.dataset != "synthetic":
        command += f" --root {recipe.dataset}"
    command += "".join(f" --extra {extra}={extra}_labels" for extra in recipe.extra)
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


def table_of(runs):
    """A row for each evaluation of each run."""
    heads = ["model", "NME %", "95 % range", "failures > 10 %", "size", "latency, one thread"]
    lines = [*_head([*heads, "command"])]
    for run in runs:
        for part in run.parts:
            title, command = _PARTS[part]
            row = run.row(part)
            low, high = row["interval"]
            size, latency = _size(run, part)
            lines.append(
                _line(
                    title.format(title=run.title) if run.parameters else run.title,
                    f"{row['nme']:.3f}",
                    f"{low:.3f}–{high:.3f}",
                    f"{row['failure_rate']:.2f} %",
                    size,
                    latency,
                    _command(run, part, command),
                )
            )
    return lines


def _size(run, part):
    """Size and latency in words; those of the Keras model as its float32 `.tflite`."""
    name = {"model": "float32.tflite", "int8": "int8.tflite"}.get(part)
    words = [f"{run.parameters:,} parameters"] if part == "model" and run.parameters else []
    if name not in run.files:
        return ", ".join(words), ""
    size, milliseconds = run.files[name]
    kind = " as `.tflite`" if part == "model" else ""
    latency = f"{milliseconds:.2f} ms{kind}, {run.processor}"
    return ", ".join([*words, f"{size:,} bytes{kind}"]), latency


def _command(run, part, command):
    if run.preset and part in ("model", "model/flip", "int8"):
        flip = " --flip" * (part == "model/flip")
        return f"`keras-fld evaluate --preset {run.preset} --root 300w{flip}`"
    trained = f"{run.command}, then " if part == "model" else ""
    model = run.parts["model"]["model"] if run.parameters is None else "run/model.keras"
    return f"{trained}`keras-fld {command.format(model=model)}`"


def preset_table(runs):
    """The shipped model, its training, and where its files are."""
    shipped = [run for run in runs if run.preset]
    lines = table_of(shipped)
    for run in shipped:
        lines += ["", f"`{run.preset}` was trained by {run.command}: {_folder(run)}."]
    return lines


def model_table(runs):
    """The other runs."""
    others = [run for run in runs if not run.preset]
    folders = ", ".join(_folder(run) for run in others)
    return [*table_of(others), "", f"Recipes, logs and every face's error: {folders}."]


def region_table(runs):
    """NME of facial regions, for each run's Keras model and what was refined of it."""
    lines = _head(["NME %", *_REGIONS])
    for run in runs:
        for part, evaluation in run.parts.items():
            if part in ("model", "refined", "local") and run.parameters:
                found = evaluation["regions"]["common"]
                title = run.title if part == "model" else _PARTS[part][0]
                lines.append(_line(title, *(f"{found[region]:.3f}" for region in _REGIONS)))
    return lines


def published_table(runs):
    """The paper's Table 5 and the runs, by NME, with what each was trained on."""
    official = catalog.get("300w").official["train"]
    part = f"{TRAINED_ON:,} of {official:,}"
    rows = [
        (row.paper["common"], f"{row.method}{', the paper' * bool(row.network)}", f"{official:,}")
        for row in TABLE5.rows
        if "common" in row.paper
    ]
    rows += [
        (run.nme(), f"**{run.title}**", "none" if "generated" in run.title else part)
        for run in runs
    ]
    lines = _head(["method", "300W training images", "NME %"])
    for nme, method, images in sorted(rows, key=lambda row: row[0]):
        figure = f"**{nme:.3f}**" if method.startswith("**") else f"{nme:.2f}"
        lines.append(_line(method, images, figure))
    share = round(100 * TRAINED_ON / official)
    return [
        *lines,
        "",
        f"In bold: measured here, float32, on the same {catalog.get('300w').official['common']} "
        f"faces, but with {share} % of the official training images; the others as the paper's "
        "Table 5 gives them. Comparable with that caveat alone.",
    ]


def cost_rows(runs):
    """What each shipped int8 file costs and gives.

    Returns:
        A list of (preset, entry of results/arm/arm.json, million instructions by CPU, int8 NME in
        per cent), the cheapest first.
    """
    counted = {entry["sha256"]: entry for entry in read_json(RESULTS / "arm/arm.json")["models"]}
    rows = []
    for run in runs:
        if run.preset and "int8" in run.parts:
            content = zoo.lite_file(run.preset).read_bytes()
            entry = counted[hashlib.sha256(content).hexdigest()]
            millions = {row["cpu"]: row["instructions"] / 1e6 for row in entry["results"]}
            rows.append((run.preset, entry, millions, run.nme("int8")))
    return sorted(rows, key=lambda row: (row[1]["macs"], row[3]))


def cost_table(runs):
    """Instructions of the shipped int8 files on ARM beside their NME."""
    rows = cost_rows(runs)
    cpus = list(rows[0][2])
    names = [cpu.replace("cortex-a", "Cortex-A") for cpu in cpus]
    lines = _head(["int8 file", "NME %", "bytes", "M multiply-accumulates", *names])
    for preset, entry, millions, nme in rows:
        counts = [f"{millions[cpu]:.2f}" for cpu in cpus]
        figures = [f"{nme:.3f}", f"{entry['bytes']:,}", f"{entry['macs'] / 1e6:.1f}", *counts]
        lines.append(_line(f"`{preset}`", *figures))
    return lines


def preset_figures(runs):
    """What `zoo.figures` has of each preset whose int8 file was measured and counted on ARM."""
    found = {}
    for preset, _, _, _ in cost_rows(runs):
        run = next(run for run in runs if run.preset == preset)
        found[preset] = {
            "dataset": "300w",
            "keras": {"common": run.nme()},
            "files": {
                mode: {
                    "sha256": entry["sha256"],
                    "nme": {"common": nme},
                    "instructions": {x["cpu"]: int(x["instructions"]) for x in entry["results"]},
                }
                for mode, entry, nme in mode_rows(run)
            },
        }
    return dict(sorted(found.items()))


def mode_rows(run):
    """A preset's files in their modes, as far as they were counted on ARM and judged.

    The NME is that of the run's int8 file, of the ARM comparison's x86 side, or of what
    `keras-fld export --root` wrote, which is kept as results/export/PRESET.json.

    Returns:
        A list of (mode, entry of results/arm/arm.json, NME in per cent).
    """
    entries = {entry["model"]: entry for entry in read_json(RESULTS / "arm/arm.json")["models"]}
    path = RESULTS / "export" / f"{run.preset}.json"
    exported = read_json(path)["files"] if path.exists() else []
    judged = {row["sha256"]: row["nme"]["common"] for row in exported}
    rows = []
    for mode in modes.NAMES:
        entry = entries.get(f"{run.preset}_{mode}.tflite")
        if entry is None:
            continue
        nme = entry.get("nme", {"x86": {}})["x86"].get("common", judged.get(entry["sha256"]))
        nme = run.nme("int8") if mode == "int8" else nme
        if nme is not None:
            rows.append((mode, entry, nme))
    return rows


def main_preset(runs):
    """The run that the main preset is from."""
    return next(run for run in runs if run.preset == "trnet20_300w")


def mode_table(runs):
    """What every mode of the main preset costs and gives."""
    rows = mode_rows(main_preset(runs))
    cpus = [row["cpu"] for row in rows[0][1]["results"]]
    lines = _head(["mode", "NME %", "bytes", *(x.replace("cortex-a", "Cortex-A") for x in cpus)])
    for mode, entry, nme in rows:
        counts = [f"{row['instructions'] / 1e6:.2f}" for row in entry["results"]]
        lines.append(_line(f"`{mode}`", f"{nme:.3f}", f"{entry['bytes']:,}", *counts))
    return lines


BLOCKS = {
    "preset": preset_table,
    "cost": cost_table,
    "modes": mode_table,
    "models": model_table,
    "regions": region_table,
    "published": published_table,
    "losses": lambda runs: readme_losses.table(),
    "plan": lambda runs: readme_plan.table(RESULTS, main_preset(runs).parameters),
    "api": lambda runs: readme_api.table(),
}


def rewritten(text, runs):
    """The README's text with its tables written anew.

    Raises:
        ValueError: a table of an unknown name, or one without its end.
    """

    def block(match):
        name = match["name"]
        if name not in BLOCKS:
            raise ValueError(f"a table must be one of {', '.join(BLOCKS)}. Got: {name!r}")
        return "\n".join([match["begin"], *BLOCKS[name](runs), match["end"]])

    begin, end = r"<!-- table: (?P<name>[^>]*?) -->", "<!-- end of table -->"
    pattern = rf"(?P<begin>{begin})\n(?:(?!<!--).*\n)*(?P<end>{end})"
    result, count = re.subn(pattern, block, text)
    if count != text.count("<!-- table:"):
        raise ValueError(f"each table must have an end, {end}. Got: {count} that have")
    return result


def _folder(run):
    return f"[results/{run.name}](results/{run.name})"


def _head(cells):
    return [_line(*cells), _line(*["---"] * len(cells)).replace(" ", "")]


def _line(*cells):
    return "|" + "|".join(f" {cell} " if cell else " " for cell in cells) + "|"


def main():
    text = README.read_text("utf-8")
    runs = load_runs()
    new = rewritten(text, runs)
    with replacing(README) as temporary:
        temporary.write_text(new, "utf-8")
    write_json(FIGURES, preset_figures(runs))
    print(f"{README.name}: {'as it was' if new == text else 'tables written'}")


if __name__ == "__main__":
    main()
