"""A model in several modes at once, with what each costs."""

from dataclasses import dataclass, field
from pathlib import Path

from keras_fld.files import write_json
from keras_fld.lite import modes
from keras_fld.lite.conversion import convert
from keras_fld.lite.latency import interleaved


@dataclass(frozen=True)
class Export:
    """The files of an export.

    Args:
        rows: one dictionary a mode: mode, file, bytes, p50_ms, and nme, subset to per cent of its
            first normaliser.
        reference: the Keras model's NME, as in the rows.
        notes: sentences on test faces that are missing.
    """

    rows: list[dict]
    reference: dict[str, float]
    notes: list[str] = field(default_factory=list)

    def __str__(self):
        subsets = list(self.reference)
        heads = "".join(f"{subset + ' NME %':>20}" for subset in subsets)
        lines = [f"{'mode':<12}{'bytes':>12}{'p50 ms':>9}{heads}"]
        lines.append(f"{'Keras':<12}{'-':>12}{'-':>9}" + _figures(self.reference, subsets))
        for row in self.rows:
            start = f"{row['mode']:<12}{row['bytes']:>12,}{row['p50_ms']:>9.3f}"
            lines.append(start + _figures(row["nme"], subsets))
        return "\n".join(lines)


def _figures(nme, subsets):
    return "".join(f"{nme[subset]:>20.3f}" for subset in subsets)


def export(model, folder, names=None, calibration=None, dataset=None, root=None, skip_bad=False):
    """Writes a model in several modes, measures and evaluates them.

    Args:
        model: a Keras model of the package.
        folder: where `model_MODE.tflite` and `export.json` go.
        names: names of the modes; None takes all.
        calibration: crops, as of `convert`.
        dataset: name of the dataset whose test faces are evaluated; None evaluates nothing.
        root: its folder.
        skip_bad: leave bad test images out instead of stopping at the first.

    Returns:
        An `Export`: printed, it is the table.

    Raises:
        ValueError: as `convert`.

    Example:
        >>> print(export(model, "files", calibration=plain, dataset="300w", root="300w"))
    """
    from keras_fld import evaluation

    names, folder = list(names or modes.MODES), Path(folder)
    for name in names:
        modes.get(name)
    files = {name: folder / f"model_{name}.tflite" for name in names}
    for name, path in files.items():
        convert(model, path, name, calibration)
    speed, reference, nme, notes = interleaved(files), {}, {name: {} for name in names}, []
    if dataset is not None:
        try:
            before = evaluation.evaluate(model, dataset, root, skip_bad=skip_bad)
        except ValueError as error:  # no test faces: the files are good all the same
            notes.append(f"not evaluated: {error}")
        else:
            reference, notes = _nme(before), before.notes
            for name, path in files.items():
                after = evaluation.evaluate(path, dataset, root, skip_bad=skip_bad)
                nme[name] = _nme(after)
    rows = [
        {
            "mode": name,
            "file": path.name,
            "bytes": path.stat().st_size,
            "p50_ms": speed[name],
            "nme": nme[name],
        }
        for name, path in files.items()
    ]
    write_json(folder / "export.json", {"keras": {"nme": reference}, "files": rows, "notes": notes})
    return Export(rows, reference, notes)


def _nme(report):
    return {result.subset: report.nme(result.subset) for result in report.subsets}
