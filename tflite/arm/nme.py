"""A model's NME on real faces, as an emulated ARM CPU predicts their landmarks."""

import tempfile
from pathlib import Path

import emulate
import numpy as np

from keras_fld import evaluation
from keras_fld.predict.lite_model import LiteModel

# Points of the NME by which a CPU may differ from x86.
TOLERANCE = 0.005


class ArmModel(LiteModel):
    """A `.tflite` model whose landmarks an emulated CPU predicts.

    Args:
        path: the file.
        cpu, root, plugin: as of `emulate.on_cpu`.
    """

    def __init__(self, path, cpu, root, plugin):
        super().__init__(path)
        self._path, self._place = Path(path).resolve(), (cpu, root, plugin)

    def predict(self, images):
        with tempfile.TemporaryDirectory(prefix="arm_") as folder:
            inputs = Path(folder) / "inputs.npy"
            np.save(inputs, self._bytes(np.asarray(images, np.uint8)))
            (outcome,) = emulate.on_cpu([emulate.job(self._path, inputs)], *self._place)
        landmarks = outcome.outputs[self._output["index"]]
        return self._real(landmarks.reshape(len(images), -1, 2).astype(np.float32))


def compare(path, dataset, folder, cpus, root, plugin):
    """The NME of a model on each CPU and on this machine.

    Args:
        path: the `.tflite` file.
        dataset: name of the dataset, whose test faces are taken.
        folder: where it lies.
        cpus: keys of `root.CPUS`.
        root, plugin: as of `emulate.on_cpu`.

    Returns:
        {"dataset": name, "x86": subset to NME in per cent, "cortex-a53": the same, ...}.

    Raises:
        ValueError: there are no test faces, or the model is not one of the package.
    """
    found = {"dataset": dataset}
    for place in ("x86", *cpus):
        model = path if place == "x86" else ArmModel(path, place, root, plugin)
        report = evaluation.evaluate(model, dataset, folder)
        found[place] = {result.subset: report.nme(result.subset) for result in report.subsets}
    return found


def agrees(found):
    """Whether each CPU's NME is this machine's within `TOLERANCE`; `found` is of `compare`."""
    here = found["x86"]
    return all(
        abs(nme - here[subset]) <= TOLERANCE
        for place, figures in found.items()
        if place not in ("dataset", "x86")
        for subset, nme in figures.items()
    )
