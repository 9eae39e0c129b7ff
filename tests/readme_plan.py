"""The README's plan of training by many processes: its formula with the times measured here.

The times of drawing a face, and of a step on one core, are `tests/benchmarks/bench_processes.py`'s;
those of a graphics card are assumed, since none was at hand, and said to be.
"""

from keras_fld._internal.files import read_json

# Assumed: faces a second of one card, its batch, and the slowest link's bytes a second.
CARD, BATCH, LINK = 20_000, 512, 1.25e9
COUNTS, CORES = (8, 16, 32, 64), (2, 4)


def cell(count, batch, step, data, parameters):
    """Faces a second of so many processes, and how much of the time they compute.

    Args:
        count: processes.
        batch: faces of one of them in a step.
        step: seconds it computes in a step.
        data: seconds in which its cores draw its faces.
        parameters: of the network, whose gradients go round.
    """
    gradients = 2 * 4 * parameters / LINK
    seconds = max(step + gradients, data)
    return f"{count * batch / seconds:,.0f}, {100 * step / seconds:.0f} %"


def table(results, parameters):
    """Its lines.

    Args:
        results: the folder results/.
        parameters: of the network.
    """
    measured = read_json(results / "benchmarks/processes.json")
    draw, batch, step = (measured[key] for key in ("data_seconds", "batch", "step_seconds"))
    heads = ["processes", "a core each, as measured: faces/s, busy"]
    heads += [f"a card and {cores} cores each, assumed: faces/s, busy" for cores in CORES]
    lines = [f"| {' | '.join(heads)} |", "|---" * len(heads) + "|"]
    for count in COUNTS:
        cells = [cell(count, batch, step, batch * draw, parameters)]
        for cores in CORES:
            cells.append(cell(count, BATCH, BATCH / CARD, BATCH * draw / cores, parameters))
        lines.append(f"| {count} | {' | '.join(cells)} |")
    return lines
