"""The figures in the presets' cards, from results/."""

from keras_fld._internal.files import read_json
from tests.docs.costs import cost_rows
from tests.docs.markdown import head, line
from tests.docs.runs import RESULTS

_PARTS = {"model": "{}.keras", "model/flip": "{}.keras", "int8": "{}_int8.tflite"}
_FLIPPED = ", averaged with the mirror image (two passes)"


def card(runs, preset):
    """A preset's figures on 300W common, by region, by size of the face, and its cost on ARM."""
    run = next(run for run in runs if run.preset == preset)
    lines = head(["file", "NME %", "95 % range", "inter-ocular", "failures > 10 %", "AUC@10"])
    for part, file in _PARTS.items():
        rows = {x["normalizer"]: x for x in run.parts[part]["rows"] if x["subset"] == "common"}
        row = rows["inter_pupil"]
        low, high = row["interval"]
        lines.append(
            line(
                f"`{file.format(preset)}`{_FLIPPED * part.endswith('flip')}",
                f"{row['nme']:.3f}",
                f"{low:.3f}–{high:.3f}",
                f"{rows['inter_ocular']['nme']:.3f}",
                f"{row['failure_rate']:.2f} %",
                f"{row['auc']:.2f}",
            )
        )
    regions = run.parts["model"]["regions"]["common"]
    lines += ["", *head(["region", *regions])]
    lines.append(line("NME %", *(f"{nme:.3f}" for nme in regions.values())))
    return [*lines, "", *_sizes(preset), "", *_cost(runs, run)]


def _sizes(preset):
    found = read_json(RESULTS / "small_faces.json")["presets"]
    (sizes,) = (entry["nme_by_box_side"] for entry in found if entry["preset"] == preset)
    shown = [side for side in sizes if side != "0"]
    row = line("int8 NME %", *(f"{sizes[side]:.2f}" for side in shown))
    return [*head(["longer side of the face box, pixels", *shown]), row]


def _cost(runs, run):
    size, milliseconds = run.files["int8.tflite"]
    (found,) = (row for row in cost_rows(runs) if row[0] == run.preset)
    _, entry, millions, _ = found
    names = [cpu.replace("cortex-a", "Cortex-A") for cpu in millions]
    heads = ["parameters", "int8 file", f"{run.processor}, one thread", "multiply-accumulates"]
    figures = [f"{run.parameters:,}", f"{size:,} bytes", f"{milliseconds:.2f} ms"]
    figures += [f"{entry['macs'] / 1e6:.1f} M", *(f"{count:.2f} M" for count in millions.values())]
    return [*head([*heads, *(f"instructions, {name}" for name in names)]), line(*figures)]
