"""The README's table of losses on 300W common, from `reproduce table2`'s JSON, by `make tables`."""

from pathlib import Path

from keras_fld._internal.files import read_json

TABLE = Path(__file__).parents[1] / "results" / "table2" / "table2.json"


def table():
    """The lines of the table: the best loss first."""
    found = read_json(TABLE)
    measured = [row for row in found["rows"] if "common" in row.get("measured", {})]
    measured.sort(key=lambda row: row["measured"]["common"]["nme"])
    seeds = found["seeds"]
    lines = [
        "| method | NME %, mean of the seeds | "
        + " | ".join(f"seed {seed}" for seed in seeds)
        + " |",
        "|---|---|" + "---|" * len(seeds),
    ]
    for row in measured:
        mean = row["measured"]["common"]
        by_seed = {run["seed"]: run["figures"]["common"]["nme"] for run in row["runs"]}
        cells = [f"{by_seed[seed]:.3f}" if seed in by_seed else "" for seed in seeds]
        spread = f" ± {mean['spread']:.3f}" if mean["seeds"] > 1 else ""
        lines.append(f"| {row['method']} | {mean['nme']:.3f}{spread} | {' | '.join(cells)} |")
    return lines
