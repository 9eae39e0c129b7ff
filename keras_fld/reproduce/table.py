"""Filling a table of the paper with measured figures."""

from pathlib import Path

import keras

from keras_fld.data import catalog
from keras_fld.reproduce import runs
from keras_fld.reproduce.search import kept as kept_search
from keras_fld.reproduce.search import search as search_rate
from keras_fld.reproduce.sheet import Sheet
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
    """Trains and evaluates the rows of a table. Completed runs are not repeated.

    After each run, the table is written to `settings.out` as NAME.md and NAME.json. It includes all
    runs in that folder that match the settings.

    Args:
        table: a `tables.Table`.
        roots: name of a dataset to its folder. A dataset that is not in the table adds a column;
            this is only possible if all rows can be trained here.
        settings: a `runs.Settings`.
        seeds: seeds of the runs of each row.
        methods: case-insensitive names of the rows to train. None trains all.
        search: whether to search the learning rates first, on held-out training faces.
        search_epochs: epochs of each candidate. None uses the epochs of the run.
        synthetic: whether the roots contain generated faces.
        progress: called with a sentence before each run and search.

    Returns:
        The content of NAME.json.

    Raises:
        ValueError: a method or dataset is unknown, there is no seed, or the data is bad.
    """
    columns, chosen = _columns(table, roots), _chosen(table, methods)
    if not seeds or len(set(seeds)) < len(seeds):
        raise ValueError(f"seeds must be different, and at least one. Got: {list(seeds)}")
    progress = progress or (lambda sentence: None)
    sheet = _empty_sheet(table, columns, roots, seeds, settings, synthetic)
    jobs = [(name, seed) for name in roots for seed in seeds]
    there = _add_finished(sheet, table, roots, jobs, settings)
    sheet.write()
    for row in chosen:
        rates = {name: row.rate for name in roots}
        for name, root in roots.items() if search else ():
            progress(f"{row.method}, {name}: searching the learning rate")
            choice = search_rate(row, name, root, settings, search_epochs)
            sheet.add_search(row, name, choice)
            rates[name] = choice["learning_rate"]
        for name, seed in jobs:
            if (row.method, name, seed, rates[name]) in there:
                continue
            progress(f"{row.method}, {name}, seed {seed}")
            found = runs.run(row, name, roots[name], seed, rates[name], settings)
            keras.backend.clear_session()
            sheet.add(row, name, seed, rates[name], found)
            sheet.write()
    sheet.write()  # includes new searches of rows that were already complete
    return sheet.result


def _empty_sheet(table, columns, roots, seeds, settings, synthetic):
    about = {
        "synthetic": synthetic,
        "seeds": list(seeds),
        "recipe": settings.recipe,
        "rounds": settings.rounds,
        "backend": keras.backend.backend(),
        "datasets": list(roots),
    }
    notes = _notes(table, columns, roots, settings.skip_bad, synthetic)
    return Sheet(table, columns, Path(settings.out), about, notes)


def _add_finished(sheet, table, roots, jobs, settings):
    """Adds the folder's searches and runs; returns (method, dataset, seed, rate) of the runs."""
    there = set()
    for row in table.rows:
        for name in roots if row.network else ():
            earlier = kept_search(row, name, settings)
            if earlier:
                sheet.add_search(row, name, earlier)
        for name, seed in jobs if row.network else ():
            found = runs.finished(row, name, seed, settings)
            if found:
                sheet.add(row, name, seed, *found)
                there.add((row.method, name, seed, found[0]))
    return there


def _notes(table, columns, roots, skip_bad, synthetic):
    """Notes on the data. All datasets are read here, so bad data fails before hours of training."""
    notes = [_needed(name) for name in table.datasets if name not in roots]
    if any(column.variant and column.dataset in roots for column in columns):
        notes.append(NORMALIZER_NOTE)
    for name, root in roots.items():
        official = catalog.get(name).official[catalog.get(name).train]
        faces = catalog.read(name, root, catalog.get(name).train, skip_bad)
        notes += [f"{name}: {sentence}" for sentence in faces.told]
        if len(faces) < official and not synthetic:
            notes.append(_fewer(name, len(faces), official))
    return notes


def _fewer(name, count, official):
    share = round(100 * count / official)
    return (
        f"{name}: trained on {count:,} of the official {official:,} faces ({share} %). The paper "
        "used all of them, so the figures are not fully comparable"
    )


def _columns(table, roots):
    """The columns of the table and of additional datasets."""
    extra = [name for name in roots if name not in table.datasets]
    for name in extra:
        if name not in COLUMNS or not all(row.network for row in table.rows):
            allowed = COLUMNS if all(row.network for row in table.rows) else table.datasets
            raise ValueError(
                f"a dataset of {table.name} must be one of {', '.join(allowed)}. Got: {name!r}"
            )
    return (*table.columns, *(column for name in extra for column in COLUMNS[name]))


def _chosen(table, methods):
    """The rows to train, in the table's order."""
    measured = {row.method.lower(): row for row in table.rows if row.network}
    for method in methods or ():
        if method.lower() not in measured:
            names = ", ".join(row.method for row in measured.values())
            raise ValueError(f"a row of {table.name} must be one of {names}. Got: {method!r}")
    named = {method.lower() for method in methods or measured}
    return [row for name, row in measured.items() if name in named]


def _needed(name):
    """Explains how to add a missing dataset."""
    found = catalog.get(name)
    numbers = ", ".join(f"{split} {count:,}" for split, count in found.official.items())
    return (
        f"{name}: not measured: it needs the released files ({numbers} faces); "
        f"datasets/{found.folder}/README.md says where to get them. Then add --root {name}=FOLDER"
    )
