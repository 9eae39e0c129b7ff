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
    columns, chosen = _columns(table, roots), _chosen(table, methods)
    if not seeds or len(set(seeds)) < len(seeds):
        raise ValueError(f"seeds must be different, and one at least. Got: {list(seeds)}")
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
    sheet.write()  # the searches of rows that were there
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
    """Adds the searches and runs that the folder holds; returns (method, dataset, seed, rate) of
    the runs."""
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
    """What a reader must know of the data; reading them all fails before hours of training."""
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
    """The rows to train, in the table's order."""
    measured = {row.method.lower(): row for row in table.rows if row.network}
    for method in methods or ():
        if method.lower() not in measured:
            names = ", ".join(row.method for row in measured.values())
            raise ValueError(f"a row of {table.name} must be one of {names}. Got: {method!r}")
    named = {method.lower() for method in methods or measured}
    return [row for name, row in measured.items() if name in named]


def _needed(name):
    """What a dataset that is not there would take."""
    found = catalog.get(name)
    numbers = ", ".join(f"{split} {count:,}" for split, count in found.official.items())
    return (
        f"{name}: not measured: it needs the released files ({numbers} faces); "
        f"its card, datasets/{found.folder}/README.md, says where they come from; then add "
        f"--root {name}=FOLDER"
    )
