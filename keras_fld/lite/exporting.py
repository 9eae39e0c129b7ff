"""A model in several modes at once, with what each costs."""

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
from keras_fld.lite.latency import fastest, interleaved
from keras_fld.predict import metadata

if TYPE_CHECKING:
    import keras


@dataclass(frozen=True)
class Export:
    """The files of an export.

    Args:
        rows: one dictionary a mode: mode, file, sha256, bytes, license, p50_ms, nme, subset to per
            cent of its first normalizer, and instructions, ARM CPU to those of one inference.
        reference: the Keras model's NME, as in the rows.
        notes: sentences on test faces that are missing.
        detector: one dictionary for each of the detector's files: file, sha256, bytes, license.
        instruction_set: of the processor that p50_ms was measured on, such as "AVX2".
    """

    rows: list[dict]
    reference: dict[str, float]
    notes: list[str] = field(default_factory=list)
    detector: list[dict] = field(default_factory=list)
    instruction_set: str = field(default_factory=instruction_set)

    @property
    def fastest(self) -> list[str]:
        """Modes of the fastest files on this processor; those within 5 % are as fast."""
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
        """The figures as export.json has them."""
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
) -> Export:
    """Writes a model in several modes, measures and evaluates them.

    Args:
        model: a Keras model of the package. None with a preset without a dataset whose modes are
            its own files, int8 and int8_qat: then neither Keras nor TensorFlow is needed.
        folder: where `model_MODE.tflite` and `export.json` go.
        names: names of the modes; None takes all, int8_qat where it can be had.
        calibration: crops, as of `convert`.
        dataset: name of the dataset whose test faces are evaluated; None evaluates nothing.
        root: its folder.
        skip_bad: leave bad test images out instead of stopping at the first.
        preset: name of the preset that the model is. Then no calibration is needed: the int8 file
            is the package's own, and int8_full is calibrated on generated faces. int8_qat is the
            package's own where it has one. Without a dataset the NME are the published ones, of
            Keras and of the files that are the published ones byte for byte, as another release of
            TensorFlow may not write them.
        arm: the JSON file that `tflite/arm/run.py --json` wrote; files it has counted, whole and
            unchanged, get their instructions. Without it a preset's have the published ones.
        batches: augmented training batches, by which `lite.qat` trains what int8_qat needs.
        detector: also copy the face detector's files, which an app runs before the model.

    Returns:
        An `Export`: printed, it is the table.

    Raises:
        ValueError: as `convert` and `qat`, int8_qat without batches, no model for a mode that needs
            one, or the JSON file is of another kind.
        ImportError: int8_qat is to be trained and the group `compress` is not installed.

    Examples:
        >>> print(export(model, "files", calibration=plain, dataset="300w", root="300w"))
    """
    if model is None and not (dataset is None and shipped.only(preset, names or ())):
        raise ValueError(
            "model must be given, except for modes of a preset that are its own files. "
            f"Got: {', '.join(names or ['all modes'])}"
        )
    counts = _instructions(arm, preset)
    files, notes = _write(model, Path(folder), names, calibration, preset, batches)
    if preset is not None and dataset is None:
        reference, nme, more = _published(preset, files)
    else:
        reference, nme, more = _evaluate(model, files, dataset, root, skip_bad)
    rows = _rows(files, nme, counts)
    if arm is not None:
        missing = [row["mode"] for row in rows if not row["instructions"]]
        more += [f"{arm} has not counted {name}, or another file of it" for name in missing]
    copied = shipped.copy_detector(folder) if detector else []
    result = Export(rows, reference, notes + more, copied)
    write_json(Path(folder) / "export.json", result.as_dict())
    return result


def _write(model, folder, names, calibration, preset, batches):
    """Writes the files: mode to path, and notes on where some come from."""
    own = {} if preset is None else shipped.contents(preset)
    if calibration is not None:
        own.pop("int8", None)
    trained = modes.QAT in own or batches is not None
    names, notes = list(names or (modes.NAMES if trained else modes.MODES)), []
    converted = [name for name in names if name not in own and name != modes.QAT]
    drawn = [name for name in converted if modes.get(name).calibrated]
    if preset is not None and calibration is None and drawn:
        from keras_fld import models
        from keras_fld.lite.calibration import drawn_crops

        calibration = drawn_crops(models.frame_of(model))
        notes += [f"{name} is calibrated on generated faces" for name in drawn]
    files = {name: folder / f"model_{name}.tflite" for name in names}
    if modes.QAT in names and modes.QAT not in own:
        if batches is None:
            raise ValueError(f"mode {modes.QAT} needs batches of training faces. Got: none")
        from keras_fld.lite.tfmot.qat import qat

        qat(model, files[modes.QAT], batches, name=preset, verbose=0)
    with counting("converting", len(files)) as done:
        for name, path in files.items():
            if name in own:
                with replacing(path) as temporary:
                    temporary.write_bytes(own[name])
                notes.append(f"{name} is the preset's own file")
            elif name in converted:
                from keras_fld.lite.conversion import convert

                convert(model, path, name, calibration, preset)
            done(1)
    return files, notes


def _rows(files, nme, counts):
    """The rows of an `Export`: `nme` by mode, `counts` of instructions by checksum."""
    speed = interleaved(files)
    rows = []
    for name, path in files.items():
        checksum = sha256(path)
        rows.append(
            {
                "mode": name,
                "file": path.name,
                "sha256": checksum,
                "bytes": path.stat().st_size,
                "license": metadata.license_of(metadata.read(path) or {}),
                "p50_ms": speed[name],
                "nme": nme[name],
                "instructions": counts.get(checksum, {}),
            }
        )
    return rows


def _published(preset, files):
    """What `_evaluate` gives, from a preset's published figures."""
    figures = zoo.figures(preset)
    known = {entry["sha256"]: entry["nme"] for entry in figures["files"].values()}
    nme = {name: known.get(sha256(path)) for name, path in files.items()}
    notes = [f"NME as published, measured on {figures['dataset']}'s test faces"]
    notes += [
        f"no figures are published of this {name} file"
        for name, found in nme.items()
        if found is None
    ]
    return figures["keras"], {name: found or {} for name, found in nme.items()}, notes


def _evaluate(model, files, dataset, root, skip_bad):
    """The NME of the Keras model and of each file, and notes on what is missing."""
    from keras_fld import evaluation

    nothing: dict[str, dict[str, float]] = {name: {} for name in files}
    if dataset is None:
        return {}, nothing, []
    try:
        before = evaluation.evaluate(model, dataset, root, skip_bad=skip_bad)
    except ValueError as error:  # no test faces: the files are good all the same
        return {}, nothing, [f"not evaluated: {message_in(root, error)}"]
    nme = {
        name: _nme(evaluation.evaluate(path, dataset, root, skip_bad=skip_bad))
        for name, path in files.items()
    }
    return _nme(before), nme, before.notes


def _instructions(path, preset):
    """sha256 of a file to ARM CPU to instructions, from the JSON of `tflite/arm/run.py`.

    Without it, those that are published of a preset.
    """
    if path is None:
        files = {} if preset is None else zoo.figures(preset)["files"]
        return {entry["sha256"]: entry["instructions"] for entry in files.values()}
    try:
        return {
            model["sha256"]: {x["cpu"]: int(x["instructions"]) for x in model["results"]}
            for model in read_json(path)["models"]
        }
    except (KeyError, TypeError) as error:
        raise ValueError(f"{path}: not what tflite/arm/run.py --json wrote ({error!r})") from error


def _nme(report):
    return {result.subset: report.nme(result.subset) for result in report.subsets}
