"""A table of the paper that is being filled with measured figures."""

import statistics

from keras_fld.reproduce import render, steps


class Sheet:
    """Collects the figures of a table and writes NAME.md and NAME.json.

    Args:
        table: a `tables.Table`.
        columns: its `tables.Column`s, including those of additional datasets.
        out: folder of NAME.md and NAME.json.
        about: entries about the runs, such as their seeds.
        notes: sentences below the table. The runs add theirs.
    """

    def __init__(self, table, columns, out, about, notes):
        self._table, self._columns, self._out = table, columns, out
        self._errors = steps.Errors(columns)
        self._rows = {row.method: _paper_row(row, columns) for row in table.rows}
        self.result = {
            "table": table.name,
            "title": table.title,
            **about,
            "columns": [_described(column) for column in columns],
            "rows": list(self._rows.values()),
            "steps": [],
            "notes": list(notes),
        }

    def add_search(self, row, dataset, choice):
        """Adds the result of `search.search` for a row."""
        self._rows[row.method]["searches"][dataset] = choice

    def add(self, row, dataset, seed, rate, evaluation):
        """Adds the figures of a run and updates the means of its row.

        Args:
            row: the `tables.Row`.
            dataset: name of the dataset.
            seed: seed of the run.
            rate: its peak learning rate.
            evaluation: the content of its evaluation.json.
        """
        shown, figures = self._rows[row.method], self._figures(dataset, evaluation)
        shown["runs"].append(
            {"dataset": dataset, "seed": seed, "learning_rate": rate, "figures": figures}
        )
        for key in figures:
            same = [run["figures"][key] for run in shown["runs"] if key in run["figures"]]
            shown["measured"][key] = _mean(same)
        self._errors.add(row.method, dataset, seed, evaluation)
        notes = self.result["notes"]
        new = (f"{dataset}: {note}" for note in evaluation["notes"])
        notes.extend(note for note in new if note not in notes)

    def write(self):
        """Writes NAME.md and NAME.json with the figures added so far."""
        self.result["steps"] = self._errors.steps(list(self._rows), self._table.reference)
        render.write(self.result, self._out)

    def _figures(self, dataset, evaluation):
        """Key of a column to the run's figure, for the columns that have one."""
        by_place = {(row["subset"], row["normalizer"]): row for row in evaluation["rows"]}
        figures = {}
        for column in self._columns:
            row = by_place.get((column.subset, column.normalizer))
            if column.dataset == dataset and row and row["nme"] is not None:
                figures[column.key] = {key: row[key] for key in ("nme", "interval", "faces")}
        return figures


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


def _mean(figures):
    """The mean and spread of a figure over the seeds."""
    values = [figure["nme"] for figure in figures]
    return {
        "nme": statistics.fmean(values),
        "seeds": len(values),
        # Spread over the seeds. A single seed has an interval over its faces instead.
        "spread": statistics.stdev(values) if len(values) > 1 else None,
        "interval": figures[0]["interval"] if len(values) == 1 else None,
    }
