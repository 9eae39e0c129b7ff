"""Fits the box maps of the detectors on the training photographs of 300W and writes them.

    python -m keras_fld.cli.fit_detector --root 300w --detector haar --every 4
    python -m keras_fld.cli.fit_detector --root 300w --detector yunet --every 4 --yunet FILE.onnx
    python -m keras_fld.cli.fit_detector --root 300w --detector blazeface --every 2

Maps of other detectors in the file are kept.
"""

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path

import click
import cv2
import numpy as np

from keras_fld._internal.files import read_json, write_json
from keras_fld._internal.progress import counting
from keras_fld.cli.bars import bars
from keras_fld.data import catalog
from keras_fld.geometry.boxes import overlap
from keras_fld.geometry.frame import landmark_box
from keras_fld.predict.detectors import blazeface, box_map
from keras_fld.predict.detectors.haar import HaarDetector, mirrored
from keras_fld.predict.detectors.yunet import YuNetDetector

# Minimum overlap of a detected square with the box of an annotated face.
SAME = 0.3
# Largest mean distance of a face's five detected points from the annotated ones, in box sides.
CLOSE = 0.2
DETECTORS = "haar", "yunet", "blazeface"


def fit_maps(faces, detectors=DETECTORS, yunet=None):
    """Fits the box maps of detectors to annotated faces.

    Args:
        faces: a `FaceSet` in the scheme ibug68.
        detectors: names from `DETECTORS`.
        yunet: a `YuNetDetector`, or None to fit its map to the annotated points.

    Returns:
        Name to the stored form of the map: coefficients, number of faces, and mean absolute error
        in units of the detection.

    Raises:
        ValueError: the scheme is not ibug68, or a detector finds no face.
    """
    if faces.scheme.name != "ibug68":
        raise ValueError(f"box maps are fitted on ibug68 faces. Got: {faces.scheme.name}")
    fitting: dict[str, Callable[..., dict]] = {
        "haar": _haar,
        "yunet": partial(_yunet, detector=yunet),
        "blazeface": _blazeface,
    }
    maps: dict[str, dict] = {}
    for name in detectors:
        maps |= fitting[name](faces)
    return maps


def _haar(faces):
    """The stored form of the maps of the Haar cascades."""
    detector = HaarDetector()
    pairs: dict[str, list] = {"haar_frontal": [], "haar_profile": []}
    with counting("detecting faces", len(faces)) as done:
        for face in faces.faces:
            gray = cv2.cvtColor(face.image(), cv2.COLOR_RGB2GRAY)
            mirror = mirrored(face.box[None], gray)[0]
            pairs["haar_frontal"] += _pairs(detector.frontal(gray), face.box)
            pairs["haar_profile"] += _pairs(detector.profile(gray), face.box)
            pairs["haar_profile"] += _pairs(detector.profile(gray[:, ::-1]), mirror)
            done(1)
    maps = {}
    for name, found in pairs.items():
        if not found:
            raise ValueError(f"{faces.name}: the cascade of {name} finds no face")
        squares, boxes = np.stack(found).swapaxes(0, 1)
        maps[name] = _entry(box_map.square_features(squares), boxes)
    return maps


def _yunet(faces, detector):
    """The stored form of the map of YuNet's points."""
    points = five_points(np.stack([face.landmarks for face in faces.faces]))
    boxes = np.stack([face.box for face in faces.faces])
    if detector:
        points, found = _detected_points(faces, detector, points)
        boxes = boxes[found]
    # Mirrored faces are added to treat left and right alike.
    mirror = points[:, [1, 0, 2, 4, 3]] * [-1, 1]
    mirrored_boxes = boxes.copy()
    mirrored_boxes[:, 0] = -boxes[:, 0] - boxes[:, 2]
    seen = box_map.point_features(np.concatenate([points, mirror]))
    return {"five_points": _entry(seen, np.concatenate([boxes, mirrored_boxes]))}


def _detected_points(faces, detector, annotated):
    """The points (n, 5, 2) that YuNet finds of annotated faces, and the indices of these."""
    points, found = [], []
    with counting("detecting faces with YuNet", len(faces)) as done:
        for i, (face, expected) in enumerate(zip(faces.faces, annotated, strict=True)):
            seen = detector.points(face.image())
            off = np.linalg.norm(seen - expected, axis=-1).mean(axis=-1)
            if len(seen) and off.min() < CLOSE * face.box[2:].max():
                points.append(seen[off.argmin()])
                found.append(i)
            done(1)
    if not found:
        raise ValueError(f"{faces.name}: YuNet finds no face")
    return np.stack(points), found


def _blazeface(faces):
    """The stored form of the map of BlazeFace, fitted to faces and their mirror images."""
    detector, found, boxes = blazeface.BlazeFace(), [], []
    with counting("detecting faces with BlazeFace", len(faces)) as done:
        for face in faces.faces:
            image = face.image()
            mirror = (image.shape[1] - 1, 0) + face.landmarks * [-1, 1]
            for picture, points in ((image, face.landmarks), (image[:, ::-1], mirror)):
                # As with small faces, every face is detected again at a fixed scale.
                seen = detector.find(picture, sure=2.0)
                for i in _nearest(seen.squares, landmark_box(points)):
                    found.append(seen[[i]])
                    boxes.append(landmark_box(blazeface.upright(found[-1], points[None])[0]))
            done(1)
    if not found:
        raise ValueError(f"{faces.name}: BlazeFace finds no face")
    features = blazeface.features(blazeface.Faces.joined(found))
    return {"blazeface": _entry(features, np.stack(boxes))}


def five_points(landmarks):
    """Eye centers, nose tip and mouth corners of iBUG-68 landmarks: (n, 5, 2)."""
    eyes = [landmarks[:, 36:42].mean(axis=1), landmarks[:, 42:48].mean(axis=1)]
    return np.stack([*eyes, landmarks[:, 30], landmarks[:, 48], landmarks[:, 54]], axis=1)


def _pairs(squares, box):
    """The square that overlaps the box most, with the box; empty if none is near."""
    return [(squares[i], box) for i in _nearest(squares, box)]


def _nearest(squares, box):
    """The index of the square that overlaps the box most; empty if none is near."""
    shares = overlap(squares, [box])[:, 0]
    return [int(shares.argmax())] if shares.max(initial=0) >= SAME else []


def _entry(seen, boxes):
    """Fits the map from `seen`, as `BoxMap.boxes` takes it, to `boxes`; returns its stored form."""
    centers, sizes, features = seen
    found = box_map.fit(centers, sizes, features, boxes)
    error = np.abs(found.boxes(*seen) - boxes) / seen[1][:, None]
    return {
        "coefficients": found.coefficients.round(4),
        "faces": len(boxes),
        "mean_absolute_error": error.mean(axis=0).round(4),
    }


@click.command()
@click.option("--root", required=True, type=click.Path(), help="Folder of the 300W dataset.")
@click.option(
    "--out", default=str(box_map.FILE), help="JSON file to write.  [default: that of the package]"
)
@click.option(
    "--every", default=1, show_default=True, type=click.IntRange(1), help="Use every n-th face."
)
@click.option(
    "--detector",
    "detectors",
    multiple=True,
    type=click.Choice(DETECTORS),
    help="Detector to fit; repeatable.  [default: all]",
)
@click.option(
    "--yunet", type=click.Path(), help="YuNet .onnx file.  [default: fit to the annotated points]"
)
def main(root, out, every, detectors, yunet):
    """Fits the maps on the split train and writes them to a JSON file."""
    try:
        _fit_and_write(root, out, every, detectors or DETECTORS, yunet and YuNetDetector(yunet))
    except ValueError as error:
        raise click.UsageError(str(error)) from error


def _fit_and_write(root, out, every, detectors, yunet):
    stored = read_json(out) if Path(out).exists() else {}
    faces = catalog.read("300w", root, "train")
    faces = replace(faces, faces=faces.faces[::every])
    with bars():
        maps = fit_maps(faces, detectors, yunet)
    about = f"{faces.name}, {len(faces)} faces"
    fitted = {name: {"fitted_on": about, **entry} for name, entry in maps.items()}
    write_json(out, stored | fitted)
    for name, entry in fitted.items():
        click.echo(f"{name}: {entry['faces']} faces, error {entry['mean_absolute_error']}")
    click.echo(f"wrote {out}")


if __name__ == "__main__":
    main()
