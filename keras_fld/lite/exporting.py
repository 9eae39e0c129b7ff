"""Export of a model in several modes, with the accuracy and the cost of each."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from keras_fld import zoo
from keras_fld._internal.files import message_in, read_json, replacing, sha256, write_json
from keras_fld._internal.processor import instruction_set
from keras_fld._internal.progress import counting
from keras_fld.lite import modes, shipped
from keras_fld.lite.flatbuffer import graph_sha256
from keras_fld.lite.latency import fastest, interleaved
from keras_fld.predict import metadata

if TYPE_CHECKING:
    import keras


@dataclass(frozen=True)
class Export:
    """The files of an export.

    Args:
        rows: one dictionary per mode: mode, file, sha256, graph_sha256 (of what the file computes,
            see `flatbuffer.graph_sha256`), bytes, license, p50_ms, nme (subset to percent of its
            first normalizer) and instructions (ARM CPU to the number of one inference).
        reference: NME of the Keras model, as in the rows.
        notes: sentences on what is missing, such as test faces.
        detector: one dictionary per file of the detector: file, sha256, bytes, license.
        instruction_set: instruction set that p50_ms was measured with, such as "AVX2".
    """

    rows: list[dict]
    reference: dict[str, float]
    notes: list[str] = field(default_factory=list)
    detector: list[dict] = field(default_factory=list)
    instruction_set: str = field(default_factory=instruction_set)

    @property
    def fastest(self) -> list[str]:
        """Modes of the fastest files on this processor. Files within 5 % count as equally fast."""
        return fastest({row["mode"]: row["p50_ms"] for row in self.rows})

    def __str__(self) -> str:
        subsets = list(self.reference)
        cpus = list(dict.fromkeys(cpu for row in self.rows for cpu in row["instructions"]))
        heads = "".join(f"{subset + ' NME %':>20}" for subset in subsets)
        heads += "".join(f"{cpu + ' instr.':>20}" for cpu in cpus)
        lines = [f"{'mode':<12}{'bytes':>12}{'p50 ms':>9}{heads}"]
        nme = "".join(f"{self.reference[subset]:>20.3f}" for subset in subsets)
        lines.append(f"{'Keras':<12}{'-':>12}{'-':>9}{nme}" + f"{'-':>20}" * len(cpus))
        for row in self.rows:
            nmes = (row["nme"].get(subset) for subset in subsets)
            figures = "".join(f"{'-' if x is None else f'{x:.3f}':>20}" for x in nmes)
            counts = (row["instructions"].get(cpu) for cpu in cpus)
            figures += "".join(f"{'-' if n is None else f'{n:,}':>20}" for n in counts)
            lines.append(f"{row['mode']:<12}{row['bytes']:>12,}{row['p50_ms']:>9.3f}{figures}")
        if len(self.rows) > 1:
            lines.append(f"fastest here ({self.instruction_set}): {', '.join(self.fastest)}")
        lines += [f"{x['file']}  {x['bytes']:,} bytes  {x['license']}" for x in self.detector]
        return "\n".join(lines)

    def as_dict(self) -> dict[str, Any]:
        """The content of export.json."""
        about = {"keras": {"nme": self.reference}, "files": self.rows, "notes": self.notes}
        about |= {"instruction_set": self.instruction_set, "fastest": self.fastest}
        return about | ({"detector": self.detector} if self.detector else {})


def export(
    model: "keras.Model | None",
    folder: str | Path,
    names: Sequence[str] | None = None,
    calibration: np.ndarray | Iterable[Any] | None = None,
    dataset: str | None = None,
    root: str | Path | None = None,
    skip_bad: bool = False,
    preset: str | None = None,
    arm: str | Path | None = None,
    batches: Iterable[Any] | None = None,
    detector: bool = False,
    **options: Any,
) -> Export:
    """Writes a model in several modes, measures and evaluates them.

    Args:
        model: a Keras model of the package. It may be None if only the int8 file of a preset is
            written and not evaluated. This needs neither Keras nor TensorFlow.
        folder: folder for `model_MODE.tflite` and `export.json`.
        names: names of the modes. None takes all; int8_qat only if `batches` is given.
        calibration: crops for calibration, as in `convert`.
        dataset, root: name and folder of the dataset to evaluate on. None skips the evaluation.
        skip_bad: leave out bad test images instead of stopping at the first.
        preset: name of the preset, if the model is one. Then int8 is copied from the package,
            int8_full is calibrated on generated faces, and, without a dataset, files that compute
            the same as a published one get its NME.
        arm: JSON file from `tflite/arm/run.py --json`, which has the instructions of files that
            compute the same. None uses the published ones of the preset.
        batches: augmented training batches for int8_qat, as in `lite.qat`.
        detector: also copy the files of the face detector, which an app runs before the model.
        **options: options of the dataset's reader.

    Returns:
        An `Export`. Printing it shows the table.

    Raises:
        ValueError: as `convert` and `qat`; no model or batches; or `arm` is another JSON file.
        ImportError: int8_qat has to be trained and the extra `compress` is not installed.

    Examples:
        >>> print(export(model, "files", calibration=plain, dataset="300w", root="300w"))
    """
    if model is None and not (dataset is None and shipped.only(preset, names or ())):
        raise ValueError(
            "model must be given, except for the int8 file of a preset. "
            f"Got: {', '.join(names or ['all modes'])}"
        )
    counts = _instructions(arm, preset)
    files, notes = _write(model, Path(folder), names, calibration, preset, batches)
    if preset is not None and dataset is None:
        reference, nme, more = _published(preset, files)
    else:
        reference, nme, more = _evaluate(model, files, dataset, root, skip_bad, options)
    rows = _rows(files, nme, counts)
    if arm is not None:
        missing = [row["mode"] for row in rows if not row["instructions"]]
        more += [f"{arm} has no instructions of this {name} file" for name in missing]
    detectors = shipped.copy_detector(folder) if detector else []
    result = Export(rows, reference, notes + more, detectors)
    write_json(Path(folder) / "export.json", result.as_dict())
    return result


def _write(model, folder, names, calibration, preset, batches):
    """Writes the files. Returns the path of each mode, and notes on where files come from."""
    names = list(names or (modes.MODES if batches is None else modes.NAMES))
    copied = {shipped.MODE} if preset is not None and calibration is None else set()
    notes = [f"{name} is the preset's own file" for name in names if name in copied]
    converted = [name for name in names if name not in copied | {modes.QAT}]
    drawn = [name for name in converted if modes.get(name).calibrated]
    if preset is not None and calibration is None and drawn:
        from keras_fld import models
        from keras_fld.lite.calibration import drawn_crops

        calibration = drawn_crops(models.frame_of(model))
        notes += [f"{name} is calibrated on generated faces" for name in drawn]
    files = {name: folder / f"model_{name}.tflite" for name in names}
    if modes.QAT in names:
        if batches is None:
            raise ValueError(f"mode {modes.QAT} needs batches of training faces. Got: none")
        from keras_fld.lite.tfmot.qat import qat

        qat(model, files[modes.QAT], batches, name=preset, verbose=0)
    with counting("converting", len(files)) as done:
        for name, path in files.items():
            if name in copied:
                with replacing(path) as temporary:
                    temporary.write_bytes(zoo.lite_file(preset).read_bytes())
            elif name in converted:
                from keras_fld.lite.conversion import convert

                convert(model, path, name, calibration, preset)
            done(1)
    return files, notes


def _rows(files, nme, counts):
    """The rows of an `Export`, from the NME of each mode and the instructions of each graph."""
    speed = interleaved(files)
    rows = []
    for name, path in files.items():
        graph = graph_sha256(path.read_bytes())
        rows.append(
            {
                "mode": name,
                "file": path.name,
                "sha256": sha256(path),
                "graph_sha256": graph,
                "bytes": path.stat().st_size,
                "license": metadata.license_of(metadata.read(path) or {}),
                "p50_ms": speed[name],
                "nme": nme[name],
                "instructions": counts.get(graph, {}),
            }
        )
    return rows


def _published(preset, files):
    """The published figures of a preset, in the form of `_evaluate`."""
    figures = zoo.figures(preset)
    known = {entry["graph_sha256"]: entry["nme"] for entry in figures["files"].values()}
    nme = {name: known.get(graph_sha256(path.read_bytes())) for name, path in files.items()}
    notes = [f"NME as published, measured on the test faces of {figures['dataset']}"]
    notes += [
        f"no figures are published for this {name} file"
        for name, found in nme.items()
        if found is None
    ]
    return figures["keras"], {name: found or {} for name, found in nme.items()}, notes


def _evaluate(model, files, dataset, root, skip_bad, options):
    """NME of the Keras model and of each file, and notes on missing test faces."""
    from keras_fld import evaluation

    nothing: dict[str, dict[str, float]] = {name: {} for name in files}
    if dataset is None:
        return {}, nothing, []
    try:
        before = evaluation.evaluate(model, dataset, root, skip_bad=skip_bad, **options)
    except ValueError as error:  # no test faces, but the files are good
        return {}, nothing, [f"not evaluated: {message_in(root, error)}"]
    nme = {
        name: _nme(evaluation.evaluate(path, dataset, root, skip_bad=skip_bad, **options))
        for name, path in files.items()
    }
    return _nme(before), nme, before.notes


def _instructions(path, preset):
    """Instructions by graph and ARM CPU, from the JSON of `tflite/arm/run.py`.

    Without a JSON file, the published ones of the preset.
    """
    if path is None:
        files = {} if preset is None else zoo.figures(preset)["files"]
        return {entry["graph_sha256"]: entry["instructions"] for entry in files.values()}
    try:
        return {
            model["graph_sha256"]: {x["cpu"]: int(x["instructions"]) for x in model["results"]}
            for model in read_json(path)["models"]
        }
    except (KeyError, TypeError) as error:
        raise ValueError(f"{path}: not what tflite/arm/run.py --json wrote ({error!r})") from error


def _nme(report):
    return {result.subset: report.nme(result.subset) for result in report.subsets}
