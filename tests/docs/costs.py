"""What the shipped files cost a phone, from results/arm/arm.json, beside their NME."""

import hashlib

from keras_fld import zoo
from keras_fld._internal.files import read_json
from keras_fld.lite import modes
from tests.docs.runs import RESULTS


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
                    "graph_sha256": entry["graph_sha256"],
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
    judged = {row["graph_sha256"]: row["nme"]["common"] for row in exported}
    rows = []
    for mode in modes.NAMES:
        entry = entries.get(f"{run.preset}_{mode}.tflite")
        if entry is None:
            continue
        nme = entry.get("nme", {"x86": {}})["x86"].get("common", judged.get(entry["graph_sha256"]))
        nme = run.nme("int8") if mode == "int8" else nme
        if nme is not None:
            rows.append((mode, entry, nme))
    return rows
