"""The command `keras-fld demo`: from training to a .tflite file in a few minutes."""

import platform
import time
from importlib.metadata import version
from pathlib import Path

import click

from keras_fld._internal.files import check_writable, write_json
from keras_fld.cli import native
from keras_fld.cli.options import QUIET_PASSED, resumable
from keras_fld.cli.out import out_option

# A quarter of TRNet-20's multiplications: training takes minutes on a laptop.
_NETWORK = {
    "head": "windows",
    "stem": (16, 16, 16),
    "filters": (24, 32, 56, 80),
    "pool_after": 1,
}


@click.command(short_help="Trains, evaluates, converts and measures a small model.")
@click.option(
    "--faces",
    "root",
    type=click.Path(),
    help="Folder of the 300W dataset.  [default: generated faces]",
)
@out_option("Folder for the results.", required=False, default="demo", show_default=True)
@click.option(
    "--epochs", default=10, show_default=True, type=int, help="Passes over the training faces."
)
@QUIET_PASSED
def demo(root, out, epochs, quiet):
    """Trains, evaluates, converts and measures a model in a few minutes, and draws its landmarks.

    \b
    keras-fld demo --out demo
    """
    if epochs < 1:
        raise ValueError(f"epochs must be at least 1. Got: {epochs}")
    check_writable(out, folder=True)
    native.start(keras=True)
    from keras_fld.data import catalog
    from keras_fld.training import Recipe

    out, dataset = Path(out), "300w" if root else "synthetic"
    recipe = Recipe(dataset=dataset, network_options=_NETWORK, epochs=epochs, learning_rate=4e-3)
    subset = catalog.get(dataset).tests[0]
    with resumable(out / "run"):
        model, trained = _train(recipe, out, root, subset, 0 if quiet else 1)
    files, converted = _convert(model, recipe, out, root, subset)
    picture = out / "overlay.png"
    _draw(files["int8"], catalog.read(dataset, root, subset), picture)
    about = {"dataset": dataset, "subset": subset, "epochs": epochs, **trained, "tflite": converted}
    about["machine"] = platform.machine()
    about["versions"] = {name: version(name) for name in ("keras", "tensorflow", "ai-edge-litert")}
    write_json(out / "demo.json", about)
    print(f"wrote {picture}, {out / 'ced.png'} and {out / 'demo.json'}")


def _train(recipe, out, root, subset, verbose):
    """Trains; returns the model, and the time and NME."""
    from keras_fld.evaluation import evaluate
    from keras_fld.models import TRNet20
    from keras_fld.training import train

    options = recipe.network_options
    untrained = TRNet20(68, recipe.input_size, recipe.margin, **options)
    before = evaluate(untrained, recipe.dataset, root).nme(subset)
    print(f"before training: NME {before:.2f} % on {recipe.dataset} {subset}")
    started = time.monotonic()
    model = train(recipe, out / "run", root, verbose=verbose)
    seconds = time.monotonic() - started
    report = evaluate(model, recipe.dataset, root)
    report.save(out)
    print(f"after {recipe.epochs} epochs in {seconds:.0f} s:\n{report}")
    nme = report.nme(subset)
    return model, {"training_seconds": round(seconds), "nme_before": before, "nme": nme}


def _convert(model, recipe, out, root, subset):
    """Converts; returns the file of each mode, and its size, NME and latency."""
    from keras_fld.data import catalog, crops
    from keras_fld.evaluation import evaluate
    from keras_fld.lite.calibration import CALIBRATION_CROPS
    from keras_fld.lite.conversion import convert
    from keras_fld.lite.latency import interleaved

    dataset = catalog.get(recipe.dataset)
    faces = catalog.read(recipe.dataset, root, dataset.train).sample(CALIBRATION_CROPS)
    calibration = crops.model_crops(faces, recipe.frame).images
    files = {mode: out / f"model_{mode}.tflite" for mode in ("float32", "int8")}
    for mode, path in files.items():
        convert(model, path, mode, calibration)
    latency = interleaved(files)
    figures = {
        mode: {
            "bytes": path.stat().st_size,
            "nme": evaluate(path, recipe.dataset, root).nme(subset),
            "p50_ms": latency[mode],
        }
        for mode, path in files.items()
    }
    print(f"{'model':<10}{'bytes':>12}{'NME %':>9}{'p50 ms':>9}")
    for mode, of in figures.items():
        print(f"{mode:<10}{of['bytes']:>12,}{of['nme']:>9.3f}{of['p50_ms']:>9.2f}")
    return files, figures


def _draw(model, faces, path):
    """Draws twelve test faces with the landmarks of the int8 model."""
    import numpy as np

    from keras_fld._internal.images import save_image
    from keras_fld.drawing import draw_landmarks, square
    from keras_fld.predict.landmarker import FaceLandmarker

    landmarker = FaceLandmarker(model, score=None)  # needs no score for given boxes
    tiles = []
    for face in faces.sample(12).faces[:12]:
        image = face.image()
        (found,) = landmarker.detect(image, boxes=[face.box])
        picture = draw_landmarks(image, found.landmarks, found.scheme)
        tiles.append(square(picture, 240))
    rows = [np.hstack(tiles[i : i + 4]) for i in range(0, len(tiles) - 3, 4)]
    save_image(path, np.vstack(rows))
