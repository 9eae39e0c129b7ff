"""Writes the documents' tables from the JSON of the runs in results/, and the figures that the
package has of its presets (`zoo.figures`).

    python -m tests.docs.tables        # or: make tables

A table stands between the lines `<!-- table: NAME -->` and `<!-- end of table -->` of one of
`PAGES`; the names are those of `BLOCKS`.
"""

import re
from functools import partial

from keras_fld import zoo
from keras_fld._internal.files import read_json, replacing, write_json
from keras_fld.data import catalog
from keras_fld.reproduce.tables import TABLE5
from tests.docs.cards import card
from tests.docs.costs import cost_rows, mode_rows, preset_figures
from tests.docs.markdown import head, line
from tests.docs.runs import PARTS, RESULTS, load_runs

ROOT = RESULTS.parent
PAGES = [
    *(ROOT / page for page in ("README.md", "docs/results.md", "docs/guides/arm.md")),
    *(zoo.keras_file(name).with_suffix(".md") for name in zoo.names()),
]
FIGURES = ROOT / "keras_fld" / "zoo" / "figures.json"

_REGIONS = ("contour", "brows", "nose", "eyes", "mouth")


def table_of(runs):
    """A row for each evaluation of each run."""
    heads = ["model", "NME %", "95 % range", "failures > 10 %", "size", "latency, one thread"]
    lines = [*head([*heads, "command"])]
    for run in runs:
        for part in run.parts:
            title, command = PARTS[part]
            row = run.row(part)
            low, high = row["interval"]
            size, latency = _size(run, part)
            lines.append(
                line(
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
    """The shipped models, and where their training and files are."""
    shipped = [run for run in runs if run.preset]
    lines = table_of(shipped)
    for run in shipped:
        card = f"[its card](../keras_fld/zoo/{run.preset}.md)"
        told = f"The commands that trained `{run.preset}` are in {card}"
        lines += ["", f"{told}, its results in {_folder(run)}."]
    return lines


def model_table(runs):
    """The other runs."""
    others = [run for run in runs if not run.preset]
    folders = ", ".join(_folder(run) for run in others)
    return [*table_of(others), "", f"Recipes, logs and every face's error: {folders}."]


def region_table(runs):
    """NME of facial regions, for each run's Keras model and what was refined of it."""
    lines = head(["NME %", *_REGIONS])
    for run in runs:
        for part, evaluation in run.parts.items():
            if part in ("model", "refined", "local") and run.parameters:
                found = evaluation["regions"]["common"]
                title = run.title if part == "model" else PARTS[part][0]
                lines.append(line(title, *(f"{found[region]:.3f}" for region in _REGIONS)))
    return lines


def published_table(runs):
    """The paper's Table 5 and the runs, by NME, with what each was trained on."""
    official = catalog.get("300w").official["train"]
    rows = [
        (row.paper["common"], f"{row.method}{', the paper' * bool(row.network)}", f"{official:,}")
        for row in TABLE5.rows
        if "common" in row.paper
    ]
    rows += [
        (
            run.nme(),
            f"**{run.title}**",
            f"{run.photographs:,} of {official:,}" if run.photographs else "none",
        )
        for run in runs
    ]
    lines = head(["method", "300W training images", "NME %"])
    for nme, method, images in sorted(rows, key=lambda row: row[0]):
        figure = f"**{nme:.3f}**" if method.startswith("**") else f"{nme:.2f}"
        lines.append(line(method, images, figure))
    return [
        *lines,
        "",
        f"Bold: measured here, float32, on the same {catalog.get('300w').official['common']} "
        "faces, with a part of the official training images. "
        "The rest: as in the paper's Table 5.",
    ]


def summary_table(runs):
    """What there is to choose between the presets, the most accurate first."""
    millions = {preset: counts["cortex-a76"] for preset, _, counts, _ in cost_rows(runs)}
    heads = ["preset", "NME %", "int8 file", "M instructions, Cortex-A76", "latency", "weights"]
    lines = head(heads)
    for run in (run for run in runs if run.preset in millions):
        size, milliseconds = run.files["int8.tflite"]
        free = not zoo.about(run.preset).license.startswith("LicenseRef")
        cells = [f"{run.nme('int8'):.2f}", f"{size / 1e6:.2f} MB", f"{millions[run.preset]:.1f}"]
        terms = zoo.about(run.preset).license if free else "research only"
        lines.append(line(f"`{run.preset}`", *cells, f"{milliseconds:.2f} ms", terms))
    return lines


def cost_table(runs):
    """Instructions of the shipped int8 files on ARM beside their NME."""
    rows = cost_rows(runs)
    cpus = list(rows[0][2])
    names = [cpu.replace("cortex-a", "Cortex-A") for cpu in cpus]
    lines = head(["int8 file", "NME %", "bytes", "M multiply-accumulates", *names])
    for preset, entry, millions, nme in rows:
        counts = [f"{millions[cpu]:.2f}" for cpu in cpus]
        figures = [f"{nme:.3f}", f"{entry['bytes']:,}", f"{entry['macs'] / 1e6:.1f}", *counts]
        lines.append(line(f"`{preset}`", *figures))
    return lines


def main_preset(runs):
    """The run that the main preset is from."""
    return next(run for run in runs if run.preset == "trnet20_300w")


def mode_table(runs):
    """What every mode of the main preset costs and gives."""
    rows = mode_rows(main_preset(runs))
    cpus = [row["cpu"] for row in rows[0][1]["results"]]
    lines = head(["mode", "NME %", "bytes", *(x.replace("cortex-a", "Cortex-A") for x in cpus)])
    for mode, entry, nme in rows:
        counts = [f"{row['instructions'] / 1e6:.2f}" for row in entry["results"]]
        lines.append(line(f"`{mode}`", f"{nme:.3f}", f"{entry['bytes']:,}", *counts))
    return lines


def loss_table(runs):
    """The losses on 300W common, from `reproduce table2`'s JSON; the best first."""
    found = read_json(RESULTS / "table2" / "table2.json")
    rows = [row for row in found["rows"] if "common" in row.get("measured", {})]
    seeds = found["seeds"]
    lines = head(["method", "NME %, mean of the seeds", *(f"seed {seed}" for seed in seeds)])
    for row in sorted(rows, key=lambda row: row["measured"]["common"]["nme"]):
        mean = row["measured"]["common"]
        by_seed = {run["seed"]: run["figures"]["common"]["nme"] for run in row["runs"]}
        cells = [f"{by_seed[seed]:.3f}" if seed in by_seed else "" for seed in seeds]
        spread = f" ± {mean['spread']:.3f}" if mean["seeds"] > 1 else ""
        lines.append(line(row["method"], f"{mean['nme']:.3f}{spread}", *cells))
    return lines


BLOCKS = {
    "summary": summary_table,
    "preset": preset_table,
    "cost": cost_table,
    "modes": mode_table,
    "models": model_table,
    "regions": region_table,
    "published": published_table,
    "losses": loss_table,
    **{name: partial(card, preset=name) for name in zoo.names()},
}


def rewritten(text, runs):
    """A document's text with its tables written anew.

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
    return f"`results/{run.name}`"


def main():
    runs = load_runs()
    for page in PAGES:
        text = page.read_text("utf-8")
        new = rewritten(text, runs)
        with replacing(page) as temporary:
            temporary.write_text(new, "utf-8")
        print(f"{page.relative_to(ROOT)}: {'as it was' if new == text else 'tables written'}")
    write_json(FIGURES, preset_figures(runs))


if __name__ == "__main__":
    main()
