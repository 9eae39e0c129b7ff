"""What a detector costs: the faces it misses, and the error its boxes add to landmarks."""

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from keras_fld._internal.files import message_in, write_json
from keras_fld._internal.progress import counting
from keras_fld.evaluation import protocol
from keras_fld.geometry.boxes import overlap
from keras_fld.predict.landmarker import FaceLandmarker
from keras_fld.reports.intervals import mean_interval
from keras_fld.reports.report import mean

# A face is found when a box overlaps the annotated one by this much (intersection over union).
FOUND = 0.5
# A box that overlaps it by less than this is about something else.
ELSEWHERE = 0.3

NOTE = (
    "a photograph shows what is around its annotated face: where that is a crop with one face, "
    "fewer are missed and fewer other boxes found than in whole photographs"
)


@dataclass(frozen=True)
class Detections:
    """What a detector found in one subset, and the landmarks' errors.

    Args:
        subset: its name.
        names: name of each face.
        overlaps: (faces,) overlap of the best box with the annotated one, 0 without any.
        others: boxes that are about something else than the annotated face.
        annotated: normalizer to each face's NME in per cent with the annotated box.
        detected: for each number of passes, from one on, the same with the detector's box; NaN for
            a missed face.
    """

    subset: str
    names: list[str]
    overlaps: np.ndarray
    others: int
    annotated: dict[str, np.ndarray]
    detected: list[dict[str, np.ndarray]]

    @property
    def rows(self):
        """Figures for each normalizer and number of passes, NME in per cent.

        "loss" is the mean over the found faces of what the detector's box adds, with its 95 %
        bootstrap interval; "annotated_missed" is the NME of the missed faces with their own box.
        """
        found = self.overlaps >= FOUND
        rows = []
        for name, annotated in self.annotated.items():
            for passes, errors in enumerate(self.detected, 1):
                loss = (errors[name] - annotated)[found]
                rows.append(
                    {
                        "subset": self.subset,
                        "normalizer": name,
                        "passes": passes,
                        "faces": len(found),
                        "found": int(found.sum()),
                        "missed": int((~found).sum()),
                        "other_boxes": self.others,
                        "annotated": mean(annotated[found]),
                        "detected": mean(errors[name][found]),
                        "loss": mean(loss),
                        "interval": list(mean_interval(loss)),
                        "annotated_missed": mean(annotated[~found]),
                    }
                )
        return rows


@dataclass(frozen=True)
class DetectionReport:
    """Result of `evaluate_detector`; printed, it is a table.

    Args:
        dataset: name of the dataset.
        model: name of the model.
        detector: name of the detector.
        subsets: a `Detections` each.
        notes: sentences on what was missing or skipped, and on what the figures are not.
    """

    dataset: str
    model: str
    detector: str
    subsets: list[Detections]
    notes: list[str]

    @property
    def rows(self):
        """Every subset's rows."""
        return [row for subset in self.subsets for row in subset.rows]

    def __str__(self):
        head = (
            f"{'subset':<12}{'normalizer':<14}{'faces':>6}{'missed':>8}{'others':>8}{'passes':>8}"
        )
        head += f"{'own box %':>11}{'detected %':>12}{'loss':>8}{'95 % range':>20}"
        lines = [head, "-" * len(head)]
        for row in self.rows:
            lines.append(
                f"{row['subset']:<12}{row['normalizer']:<14}{row['faces']:>6}{row['missed']:>8}"
                f"{row['other_boxes']:>8}{row['passes']:>8}{row['annotated']:>11.3f}"
                f"{row['detected']:>12.3f}{row['loss']:>+8.3f}"
                f"{'{:+.3f} to {:+.3f}'.format(*row['interval']):>20}"
            )
        return "\n".join(lines)

    def as_dict(self):
        """The figures with every face's overlap and errors, as detection.json has them."""
        return {
            "dataset": self.dataset,
            "model": self.model,
            "detector": self.detector,
            "rows": self.rows,
            "notes": self.notes,
            "faces": {s.subset: _faces(s) for s in self.subsets},
        }

    def save(self, folder):
        """Writes detection.json, with every face's overlap and errors."""
        write_json(Path(folder) / "detection.json", self.as_dict())


def evaluate_detector(
    model,
    dataset,
    root=None,
    detector="blazeface",
    passes=3,
    subsets=None,
    skip_bad=False,
    **options,
):
    """Compares landmarks in a detector's boxes with those in the annotated boxes.

    Args:
        model: a Keras model, or the path of a `.keras`, `.tflite` or baseline's `.npz` file.
        dataset: name of the dataset, such as "300w".
        root: its folder, with photographs.
        detector: as `FaceLandmarker` takes it.
        passes: most forward passes for a face; every number up to it is reported.
        subsets: names of the subsets; None takes every test subset that is there.
        skip_bad: leave bad files out instead of stopping at the first.
        **options: of the dataset's reader.

    Returns:
        A `DetectionReport`.

    Raises:
        ValueError: no subset is there, a file is bad, the faces are prepared ones without their
            photographs, or the model has another scheme.

    Examples:
        >>> print(evaluate_detector("face.tflite", "300w", root))
    """
    landmarker = FaceLandmarker(model, detector, passes, score=None)
    results = []
    read, notes = protocol.read_subsets(landmarker, dataset, root, subsets, skip_bad, **options)
    for subset, faces in read:
        faces, images, skipped = _readable(faces, skip_bad)
        notes += [f"{subset}: {sentence}" for sentence in skipped]
        results.append(_detections(landmarker, subset, faces, images))
    return DetectionReport(
        dataset,
        protocol.model_name(model),
        _detector_name(detector),
        results,
        [*notes, NOTE],
    )


def _detections(landmarker, subset, faces, images):
    """The `Detections` of a subset; `images` gives its photographs, each time anew."""
    boxes, overlaps, others = [], [], 0
    with counting("detecting faces", len(faces)) as done:
        for face, image in zip(faces.faces, images(), strict=True):
            found = landmarker.find_boxes(image)
            shares = overlap(found[:, :4], [face.box])[:, 0]
            overlaps.append(shares.max(initial=0))
            others += int((shares < ELSEWHERE).sum())
            boxes.append(found[[shares.argmax()]] if overlaps[-1] >= FOUND else found[:0])
            done(1)

    def errors(boxes, passes):
        """NME under each normalizer of landmarks predicted from at most one box a face."""
        predicted = np.full((len(faces), landmarker.num_landmarks, 2), np.nan)
        with counting("finding landmarks", len(faces)) as done:
            found = landmarker.detect_many(_counted(images(), done), boxes, passes=passes)
        for i, seen in enumerate(found):
            if seen:
                predicted[i] = seen[0].landmarks
        return protocol.normalized_errors(faces.faces, predicted, faces.scheme, faces.normalizers)

    return Detections(
        subset=subset,
        names=[face.name for face in faces.faces],
        overlaps=np.array(overlaps),
        others=others,
        annotated=errors([face.box[None] for face in faces.faces], 1),
        detected=[errors(boxes, passes) for passes in range(1, landmarker.passes + 1)],
    )


def _counted(images, done):
    for image in images:
        yield image
        done(1)


def _readable(faces, skip_bad):
    """The faces whose photographs can be read, what reads these one after the other, and a sentence
    for each face that was left out.
    """
    if any(face.prepared for face in faces.faces):
        raise ValueError(
            f"{faces.name}: a detector needs photographs. Got: a folder of prepared faces"
        )
    kept, skipped = [], []
    for face in faces.faces:
        try:
            if skip_bad:
                face.image()
            kept.append(face)
        except ValueError as error:
            skipped.append(message_in(faces.root, error))
    if not kept:
        raise ValueError(f"{faces.name}: no face could be read. First: {skipped[0]}")
    return replace(faces, faces=kept), lambda: (face.image() for face in kept), skipped


def _detector_name(detector):
    """What a report calls a detector: its file's or function's name alone."""
    if isinstance(detector, (str, Path)):
        return Path(detector).name
    return getattr(detector, "__name__", type(detector).__name__)


def _faces(found):
    """What is saved of every face."""
    detected = {
        f"{name}_passes_{passes}": errors[name].round(4)
        for passes, errors in enumerate(found.detected, 1)
        for name in errors
    }
    annotated = {f"{name}_annotated": errors.round(4) for name, errors in found.annotated.items()}
    return {"name": found.names, "overlap": found.overlaps.round(4), **annotated, **detected}
