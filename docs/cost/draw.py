"""Draws docs/cost/cost.png: accuracy of the presets against what they cost an ARM processor.

python docs/cost/draw.py
"""

import sys
from pathlib import Path

import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt  # noqa: E402

sys.path.insert(0, str(Path(__file__).parents[2]))
from keras_fld._internal.files import read_json
from tests.docs.costs import cost_rows  # noqa: E402
from tests.docs.runs import RESULTS, load_runs  # noqa: E402

CPU = "cortex-a76"


def main():
    # Its error comes from other training faces, not from the cost of its network.
    rows = [row for row in cost_rows(load_runs()) if row[0] != "trnet20_free"]
    figure, axes = plt.subplots(figsize=(7, 4), layout="constrained")
    axes.plot([row[2][CPU] for row in rows], [row[3] for row in rows], "o-", color="tab:blue")
    for i, (preset, entry, millions, nme) in enumerate(rows):
        label = f"{preset}\n{entry['bytes'] / 1e6:.2f} MB, {nme:.2f} %"
        # Neighbors are near each other: every second label hangs to the left.
        place, side = ((-8, -24), "right") if i % 2 else ((8, 6), "left")
        axes.annotate(
            label, (millions[CPU], nme), place, textcoords="offset points", fontsize=8, ha=side
        )
    # In the aarch64 ONNX Runtime, on the same faces.
    found = read_json(RESULTS / "pfld.json")
    pfld = found["million_instructions"][CPU], found["nme"]
    axes.plot(*pfld, "s", color="tab:gray")
    axes.annotate(
        "PFLD, public ONNX (float)",
        pfld,
        (-8, 6),
        textcoords="offset points",
        fontsize=8,
        ha="right",
    )
    axes.set_xscale("log")
    ticks = [5, 10, 20, 40, 80]
    axes.set_xticks(ticks, [str(tick) for tick in ticks])
    axes.minorticks_off()
    axes.set_xlim(5, 100)
    axes.margins(y=0.2)
    axes.set_xlabel("million instructions of one inference on a Cortex-A76")
    axes.set_ylabel("NME % on 300W common, inter-pupil")
    axes.grid(alpha=0.3)
    figure.savefig(Path(__file__).with_name("cost.png"), dpi=120)


if __name__ == "__main__":
    main()
