"""Paired differences between the rows of a table, to check whether their order is reproduced.

The differences in the paper's Table 2 are a few hundredths of a percent. Another sample of faces or
another seed can change the NME by more than that, so each difference comes with an interval over
faces and with the values of the single seeds.
"""

import numpy as np

from keras_fld.reports.intervals import mean_interval


class Errors:
    """The error of each face in the runs of a table.

    Args:
        columns: the table's `tables.Column`s.

    Examples:
        >>> errors = Errors(TABLES["table2"].columns)
        >>> errors.add("CNN-6 + L2", "cofw", 0, evaluation)
        >>> errors.steps(["CNN-6 + L2", "CNN-6 + L1"])
    """

    def __init__(self, columns):
        self._columns = columns
        self._runs = {}  # (method, key of the column) to seed to face to error

    def add(self, method, dataset, seed, evaluation):
        """Adds the errors of a run, given the content of its evaluation.json."""
        for column in self._columns:
            faces = evaluation.get("faces", {}).get(column.subset, {})
            if column.dataset == dataset and column.normalizer in faces:
                pairs = zip(faces["name"], faces[column.normalizer], strict=True)
                by_face = {name: error for name, error in pairs if error is not None}
                self._runs.setdefault((method, column.key), {})[seed] = by_face

    def steps(self, methods, reference=None):
        """Computes the differences between measured rows on their common seeds.

        Each row is compared with the next one, and the reference with each row before it.

        Args:
            methods: names of the rows in order.
            reference: one of them, or None.

        Returns:
            A dictionary for each column and pair of rows. "difference" is that of the NME in
            percentage points. "interval" is its 95 % bootstrap interval over faces, with errors
            averaged over the seeds. "by_seed" contains the difference for each seed.
        """
        found = []
        for column in self._columns:
            rows = [method for method in methods if (method, column.key) in self._runs]
            pairs = list(zip(rows, rows[1:], strict=False))
            if reference in rows:
                pairs += [(row, reference) for row in rows[: rows.index(reference)]]
            for before, after in dict.fromkeys(pairs):
                found += self._step(column.key, before, after)
        return found

    def _step(self, key, before, after):
        first, second = self._runs[before, key], self._runs[after, key]
        seeds = sorted(set(first) & set(second))
        if not seeds:
            return []
        both = [*(first[seed] for seed in seeds), *(second[seed] for seed in seeds)]
        names = sorted(set.intersection(*map(set, both)))
        if not names:
            return []
        change = np.array([[second[s][n] - first[s][n] for n in names] for s in seeds])
        by_face = change.mean(axis=0)
        return [
            {
                "column": key,
                "before": before,
                "after": after,
                "difference": float(by_face.mean()),
                "interval": list(mean_interval(by_face)),
                "by_seed": {str(s): float(d) for s, d in zip(seeds, change.mean(1), strict=True)},
            }
        ]
