"""The README's plan of training on many cards: its formula with the times measured here.

The times of data are `tests/benchmarks/bench_processes.py`'s; those of a card are assumed, since
none was at hand, and said to be.
"""

from keras_fld.files import read_json

# Assumed: faces a second of one card, its batch, and the slowest link's bytes a second.
CARD, BATCH, LINK = 20_000, 512, 1.25e9
CARDS, CORES = (8, 16, 32, 64), (2, 4)
PARAMETERS = 840_880


def seconds(measured, cores):
    """Of a step on one card: computing with the sum of gradients, and drawing its faces."""
    gradients = 2 * 4 * PARAMETERS / LINK
    return BATCH / CARD + gradients, BATCH * measured["data_seconds"] / cores


def table(results):
    """Its lines.

    Args:
        results: the folder results/.
    """
    measured = read_json(results / "benchmarks/processes.json")
    heads = [f"{cores} cores a card: faces/s, cards busy" for cores in CORES]
    lines = [f"| cards | {' | '.join(heads)} |", "|---|---|---|"]
    for cards in CARDS:
        cells = []
        for cores in CORES:
            compute, data = seconds(measured, cores)
            step = max(compute, data)
            busy = 100 * BATCH / CARD / step
            cells.append(f"{cards * BATCH / step:,.0f}, {busy:.0f} %")
        lines.append(f"| {cards} | {' | '.join(cells)} |")
    return lines
