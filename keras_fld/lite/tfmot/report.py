"""Data for fine-tuning and compression, and a comparison of the resulting files."""

import gzip
from dataclasses import dataclass, field
from pathlib import Path

from keras_fld._internal.files import message_in, write_json
from keras_fld.lite.calibration import CALIBRATION_CROPS
from keras_fld.lite.latency import interleaved


class Material:
    """Batches for fine-tuning, crops for calibration, and faces for evaluation.

    Args:
        model: the Keras model.
        dataset: name of the dataset.
        root: its folder.
        batch_size: faces per step.
        seed: seed of order and augmentation.
        validation: fraction of the training faces held out. They replace the test subsets, to
            choose settings. 0 for none.
        skip_bad: skip bad files instead of stopping at the first.
        reader_options: options of the dataset's reader, or None.

    Attributes:
        batches: augmented training batches.
        calibration: (faces, size, size, 3) training crops without augmentation.
        notes: sentences on missing parts and skipped files.

    Raises:
        ValueError: as in `catalog.read`, or the landmarks of data and model differ.
    """

    def __init__(
        self,
        model,
        dataset,
        root,
        batch_size=16,
        seed=0,
        validation=0.0,
        skip_bad=False,
        reader_options=None,
    ):
        from keras_fld import models
        from keras_fld.data import catalog, crops, feed
        from keras_fld.evaluation.protocol import check_landmarks
        from keras_fld.predict.predictor import open_model

        options = reader_options or {}
        faces = catalog.read(dataset, root, catalog.get(dataset).train, skip_bad, **options)
        check_landmarks(open_model(model), faces.scheme)
        self._dataset, self._root = dataset, root
        self._options = {"skip_bad": skip_bad, **options}
        self._frame, self._held = models.frame_of(model), None
        self.notes = faces.told
        if validation:
            faces, self._held = faces.split(validation)
        data = crops.training_crops(faces, self._frame, skip_bad)
        self.notes += data.skipped
        self.batches = feed.training_batches(data, batch_size, seed=seed)
        sample = faces.sample(CALIBRATION_CROPS)
        self.calibration = crops.model_crops(sample, self._frame, skip_bad).images

    def nme(self, model):
        """Subset to NME in percent with its first normalizer; empty without test faces.

        Args:
            model: a Keras model, or the path of a file.
        """
        from keras_fld.data import crops
        from keras_fld.evaluation import protocol
        from keras_fld.predict.predictor import open_model

        if self._held:
            data = crops.model_crops(self._held, self._frame, self._options["skip_bad"])
            result, _ = protocol.subset_result(open_model(model), "held out", data, self._held)
            return {"held out": float(result.row(next(iter(result.errors)))["nme"])}
        try:
            report = protocol.evaluate(model, self._dataset, self._root, **self._options)
        except ValueError as error:  # no test faces; the files are still valid
            self._note(f"not evaluated: {message_in(self._root, error)}")
            return {}
        for note in report.notes:
            self._note(note)
        return {result.subset: float(report.nme(result.subset)) for result in report.subsets}

    def _note(self, sentence):
        if sentence not in self.notes:
            self.notes.append(sentence)


@dataclass(frozen=True)
class Comparison:
    """A comparison of models.

    Args:
        settings: the settings, for the JSON file.
        rows: one dictionary for each model: name, bytes, gzip_bytes, p50_ms (None for a Keras
            model), and nme, which maps subsets to percent.
        notes: sentences on missing parts and skipped files.
    """

    settings: dict
    rows: list[dict]
    notes: list[str] = field(default_factory=list)

    def __str__(self):
        subsets = list(self.rows[0]["nme"])
        heads = "".join(f"{subset + ' NME %':>18}" for subset in subsets)
        lines = [f"{'model':<16}{'bytes':>12}{'gzip bytes':>12}{'p50 ms':>9}{heads}"]
        for row in self.rows:
            time = "-" if row["p50_ms"] is None else f"{row['p50_ms']:.3f}"
            lines.append(
                f"{row['name']:<16}{row['bytes']:>12,}{row['gzip_bytes']:>12,}{time:>9}"
                + "".join(f"{row['nme'][subset]:>18.3f}" for subset in subsets)
            )
        return "\n".join(lines)

    def as_dict(self):
        """Settings and figures for JSON."""
        return {"settings": self.settings, "models": self.rows, "notes": self.notes}

    def save(self, path):
        """Writes a JSON file."""
        write_json(path, self.as_dict())


def compare_files(files, material, settings):
    """Compares files of the same network.

    Args:
        files: name to path, `.keras` or `.tflite`.
        material: a `Material`.
        settings: the settings, for the JSON file.

    Returns:
        A `Comparison`, which prints as a table.

    Examples:
        >>> print(compare_files({"int8": "a.tflite", "int8_qat": "b.tflite"}, material, {}))
    """
    files = {name: Path(path) for name, path in files.items()}
    lite = {name: path for name, path in files.items() if path.suffix == ".tflite"}
    speed = interleaved(lite)
    rows = [
        {
            "name": name,
            "bytes": path.stat().st_size,
            "gzip_bytes": len(gzip.compress(path.read_bytes(), 9, mtime=0)),
            "p50_ms": speed.get(name),
            "nme": material.nme(path),
        }
        for name, path in files.items()
    ]
    return Comparison(settings, rows, material.notes)
