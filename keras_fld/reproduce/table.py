"""Filling a table of the paper with measured figures."""

import statistics
from pathlib import Path

import keras

from keras_fld.data import catalog
from keras_fld.reproduce import render, runs, steps
from keras_fld.reproduce.search import kept as kept_search
from keras_fld.reproduce.search import search as search_rate
from keras_fld.reproduce.tables import COLUMNS, NORMALIZER_NOTE


def reproduce(
    table,
    roots,
    settings,
    seeds=(0,),
    methods=None,
    search=False,
    search_epochs=None,
    synthetic=False,
    progress=None,
):
    """Trains and evaluates the rows of a table, as far as that is not done.

    The table is written anew after each run, as `settings.out`/NAME.md and NAME.json, with all that
    the folder has of the table under these settings.

    Args:
        table: a `tables.Table`.
        roots: name of a dataset to its folder. One that the table lacks adds a column where the
            paper's other rows are not other people's methods.
        settings: a `runs.Settings`.
        seeds: a run each.
        methods: rows to train, by name in any case; None takes all.
        search: compare learning rates first, on held-out training faces.
        search_epochs: of each candidate; None takes the run's own.
        synthetic: whether the roots hold generated faces.
        progress: called with a sentence before each run and search.

    Returns:
        The table as a dictionary, as in NAME.json.

    Raises:
        ValueError: an unknown method or dataset, no seed, or bad data.
    """
    columns = _columns(table, roots)
    chosen = _chosen(table, methods)
    if not seeds or len(set(seeds)) < len(seeds):
        raise ValueError(f"seeds must be different, and one at least. Got: {list(seeds)}")
    progress = progress or (lambda sentence: None)
    notes = [_needed(name) for name in table.datasets if name not in roots]
    if any(column.variant and column.dataset in roots for column in columns):
        notes.append(NORMALIZER_NOTE)
    for name, root in roots.items():  # before hours of training
        official = catalog.get(name).official[catalog.get(name).train]
        faces = catalog.read(name, root, catalog.get(name).train, settings.skip_bad)
        notes += [f"{name}: {sentence}" for sentence in faces.missing + faces.skipped]
        if len(faces) < official and not synthetic:
            notes.append(_fewer(name, len(faces), official))
    result = {
        "table": table.name,
        "title": table.title,
        "synthetic": synthetic,
        "seeds": list(seeds),
        "recipe": settings.recipe,
        "rounds": settings.rounds,
        "backend": keras.backend.backend(),
        "datasets": list(roots),
        "columns": [_described(column) for column in columns],
        "rows": [_paper_row(row, columns) for row in table.rows],
        "steps": [],
        "notes": notes,
    }
    errors = steps.Errors(columns)
    jobs = [(name, seed) for name in roots for seed in seeds]

    def show(row, shown, name, seed, rate, found):
        _add(shown, columns, name, seed, rate, found)
        errors.add(row.method, name, seed, found)
        new = (f"{name}: {note}" for note in found["notes"])
        notes.extend(note for note in new if note not in notes)

    there = set()
    for row, shown in zip(table.rows, result["rows"], strict=True):
        for name in roots if row.network else ():
            earlier = kept_search(row, name, settings)
            shown["searches"].update({name: earlier} if earlier else {})
        for name, seed in jobs if row.network else ():
            found = runs.finished(row, name, seed, settings)
            if found:
                show(row, shown, name, seed, *found)
                there.add((row.method, name, seed, found[0]))
    _write(result, errors, settings.out, table.reference)
    for row, shown in zip(table.rows, result["rows"], strict=True):
        if row not in chosen:
            continue
        rates = {name: row.rate for name in roots}
        for name, root in roots.items() if search else ():
            progress(f"{row.method}, {name}: searching the learning rate")
            shown["searches"][name] = search_rate(row, name, root, settings, search_epochs)
            rates[name] = shown["searches"][name]["learning_rate"]
        for name, seed in jobs:
            if (row.method, name, seed, rates[name]) in there:
                continue
            progress(f"{row.method}, {name}, seed {seed}")
            found = runs.run(row, name, roots[name], seed, rates[name], settings)
            keras.backend.clear_session()
            show(row, shown, name, seed, rates[name], found)
            _write(result, errors, settings.out, table.reference)
    _write(result, errors, settings.out, table.reference)  # the searches of rows that were there
    return result


def _fewer(name, count, official):
    share = round(100 * count / official)
    return (
        f"{name}: trained on {count:,} of the official {official:,} faces ({share} %), the paper "
        "on all: with that caveat alone are the figures comparable"
    )


def _columns(table, roots):
    """The table's columns, and those of further datasets."""
    extra = [name for name in roots if name not in table.datasets]
    for name in extra:
        if name not in COLUMNS or not all(row.network for row in table.rows):
            allowed = COLUMNS if all(row.network for row in table.rows) else table.datasets
            raise ValueError(
                f"a dataset of {table.name} must be one of {', '.join(allowed)}. Got: {name!r}"
            )
    return (*table.columns, *(column for name in extra for column in COLUMNS[name]))


def _chosen(table, methods):
    measured = {row.method.lower(): row for row in table.rows if row.network}
    for method in methods or ():
        if method.lower() not in measured:
            names = ", ".join(row.method for row in measured.values())
            raise ValueError(f"a row of {table.name} must be one of {names}. Got: {method!r}")
    return [measured[m.lower()] for m in methods] if methods else list(measured.values())


def _needed(name):
    """What a dataset that is not there would take."""
    found = catalog.get(name)
    numbers = ", ".join(f"{split} {count:,}" for split, count in found.official.items())
    return (
        f"{name}: not measured: it needs the released files ({numbers} faces); "
        f"its card, datasets/{found.folder}/README.md, says where they come from; then add "
        f"--root {name}=FOLDER"
    )


def _described(column):
    return {
        "key": column.key,
        "title": column.title,
        "dataset": column.dataset,
        "subset": column.subset,
        "normalizer": column.normalizer,
    }


def _paper_row(row, columns):
    paper = {column.key: row.paper.get(column.key) for column in columns}
    return {
        "method": row.method,
        "measured_here": row.network is not None,
        "loss_options": row.loss_options,
        "paper": {key: value for key, value in paper.items() if value is not None},
        "measured": {},
        "runs": [],
        "searches": {},
    }


def _add(shown, columns, dataset, seed, rate, found):
    """Adds a run's figures to its row, and the row's means and spreads anew."""
    by_place = {(row["subset"], row["normalizer"]): row for row in found["rows"]}
    figures = {}
    for column in columns:
        row = by_place.get((column.subset, column.normalizer))
        if column.dataset == dataset and row and row["nme"] is not None:
            figures[column.key] = {key: row[key] for key in ("nme", "interval", "faces")}
    shown["runs"].append(
        {"dataset": dataset, "seed": seed, "learning_rate": rate, "figures": figures}
    )
    for key in figures:
        same = [run["figures"][key] for run in shown["runs"] if key in run["figures"]]
        values = [figure["nme"] for figure in same]
        shown["measured"][key] = {
            "nme": statistics.fmean(values),
            "seeds": len(values),
            # Of the seeds' figures; that of a single one is over its faces, below.
            "spread": statistics.stdev(values) if len(values) > 1 else None,
            "interval": same[0]["interval"] if len(values) == 1 else None,
        }


def _write(result, errors, out, reference):
    methods = [row["method"] for row in result["rows"]]
    result["steps"] = errors.steps(methods, reference)
    render.write(result, Path(out))
