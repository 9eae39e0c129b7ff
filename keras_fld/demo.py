"""The main job in a few minutes: train, evaluate, convert to int8, measure, draw."""

import platform
import time
from importlib.metadata import version

import numpy as np

from keras_fld import drawing, evaluation, models, training
from keras_fld.data import catalog, crops
from keras_fld.files import write_json
from keras_fld.landmarker import FaceLandmarker
from keras_fld.lite import conversion
from keras_fld.lite.latency import interleaved

EPOCHS = 15


def run(out, root=None, epochs=None, verbose=1):
    """Runs the demo and prints its results.

    Args:
        out: folder for the run, the models, the table, the CED curve and the overlay picture.
        root: a 300W tree; None takes generated faces.
        epochs: passes over the training faces; None takes 15.
        verbose: Keras' verbosity, 0 for silence.

    Raises:
        ValueError: bad data, or epochs below 1.
    """
    epochs = EPOCHS if epochs is None else epochs
    if epochs < 1:
        raise ValueError(f"epochs must be at least 1. Got: {epochs}")
    dataset = "300w" if root else "synthetic"
    found = catalog.find(dataset)
    recipe = training.Recipe(dataset=dataset, epochs=epochs)
    untrained = models.TRNet20(input_size=recipe.input_size, margin=recipe.margin)
    before = evaluation.evaluate(untrained, dataset, root)
    subset = before.subsets[0].subset
    print(f"before training: NME {before.nme(subset):.2f} % on {dataset} {subset}")

    started = time.monotonic()
    model = training.train(recipe, out / "run", root, verbose=verbose)
    seconds = time.monotonic() - started
    report = evaluation.evaluate(model, dataset, root)
    report.save(out)
    print(f"after {recipe.epochs} epochs in {seconds:.0f} s:\n{report}")

    faces = catalog.read(dataset, root, found.train).sample(conversion.CALIBRATION_CROPS)
    calibration = crops.model_crops(faces, recipe.frame).images
    files = {mode: out / f"model_{mode}.tflite" for mode in ("float32", "int8")}
    for mode, path in files.items():
        conversion.convert(model, path, mode, calibration)
    lite = {mode: evaluation.evaluate(path, dataset, root) for mode, path in files.items()}
    latency = interleaved(files)
    print(f"{'model':<10}{'bytes':>12}{'NME %':>9}{'p50 ms':>9}")
    for mode, path in files.items():
        nme = lite[mode].nme(subset)
        print(f"{mode:<10}{path.stat().st_size:>12,}{nme:>9.3f}{latency[mode]:>9.2f}")

    picture = out / "overlay.png"
    _draw(files["int8"], catalog.read(dataset, root, subset), picture)
    write_json(
        out / "demo.json",
        {
            "dataset": dataset,
            "subset": subset,
            "epochs": recipe.epochs,
            "training_seconds": round(seconds),
            "nme_before": before.nme(subset),
            "nme": report.nme(subset),
            "tflite": {
                mode: {
                    "bytes": path.stat().st_size,
                    "nme": lite[mode].nme(subset),
                    "p50_ms": latency[mode],
                }
                for mode, path in files.items()
            },
            "machine": platform.machine(),
            "versions": {name: version(name) for name in ("keras", "tensorflow", "ai-edge-litert")},
        },
    )
    print(f"wrote {picture}, {out / 'ced.png'} and {out / 'demo.json'}")


def _draw(model, faces, path):
    """A sheet of twelve test faces with the landmarks of the int8 model."""
    landmarker = FaceLandmarker(model, score=None)  # the boxes are given
    tiles = []
    for face in faces.sample(12).faces[:12]:
        image = face.image()
        (found,) = landmarker.detect(image, boxes=[face.box])
        picture = drawing.draw_landmarks(image, found.landmarks, found.scheme)
        tiles.append(drawing.square(picture, 240))
    rows = [np.hstack(tiles[i : i + 4]) for i in range(0, len(tiles) - 3, 4)]
    drawing.save_image(path, np.vstack(rows))
