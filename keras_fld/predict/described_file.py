"""Runs a `.tflite` file that another tool made, by its description in a JSON file."""

from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from keras_fld._internal.files import FileError, reason
from keras_fld._internal.pixels import crops_of
from keras_fld._internal.pool import Pool
from keras_fld.predict import description, metadata
from keras_fld.predict.lite_model import LiteModel, new_interpreter
from keras_fld.predict.protocol import LandmarkModel
from keras_fld.predict.reopening import ModelFile


def open_file(path: str | Path) -> LandmarkModel:
    """Opens a landmark model's `.tflite` file by its metadata, or by the description next to it.

    Args:
        path: the file.

    Returns:
        A `LandmarkModel`.

    Raises:
        ValueError: the file is missing, damaged, no landmark model, or has no description.

    Examples:
        >>> open_file("face.tflite").predict(crops).shape
        (10, 68, 2)
    """
    if metadata.read(Path(path)) is not None:
        return LiteModel(path)
    if not description.beside(path).exists():
        raise ValueError(
            f"{path}: the model has no keras_fld metadata. Convert it with keras-fld convert, or "
            f"describe it in a file {description.beside(path).name} next to it (see "
            "docs/guides/own_network.md)"
        )
    return DescribedFile(path)


class DescribedFile:
    """A landmark model that another tool made, in a `.tflite` file with a description.

    It is thread-safe. A pickle stores the paths of both files, which must exist, unchanged, where
    it is loaded.

    Args:
        path: the `.tflite` file; the description is the `.json` file of the same name.
        num_threads: number of threads of the interpreter.

    Attributes:
        frame: the `FaceCrop` of its crops.
        scheme: the `Scheme` of its landmarks, or None.
        num_landmarks: number of landmarks.

    Raises:
        ValueError: a file is missing or damaged, or they do not match.

    Examples:
        >>> landmarks = DescribedFile("foreign.tflite").predict(crops)
    """

    def __init__(self, path: str | Path, num_threads: int = 1) -> None:
        path, beside = Path(path), description.beside(path)
        self._about = description.read(beside)
        content = _content(path)
        self._arguments = ModelFile.of(path, content), _pickled(beside), num_threads
        self._interpreters = Pool(partial(_interpreter, path, content, num_threads))
        self.frame, self.scheme = self._about.frame, self._about.scheme
        with self._interpreters.borrow() as interpreter:
            self._input, self._output = self._ends(path, interpreter)
        shape = tuple(int(side) for side in self._output["shape"])
        size = int(np.prod(shape[1:]))
        if len(shape) < 2 or shape[0] != 1 or size % 2 or (len(shape) > 2 and shape[-1] != 2):
            raise ValueError(
                f"{path}: the output must have shape (1, landmarks, 2) or (1, 2 * landmarks). "
                f"Got: {shape}"
            )
        self.num_landmarks = size // 2
        if self.scheme is not None and self.scheme.num_landmarks != self.num_landmarks:
            raise ValueError(
                f"{path}: must predict the {self.scheme.num_landmarks} landmarks of "
                f"{self.scheme.name}, the scheme in the description. Got: {self.num_landmarks}"
            )

    def __reduce__(self) -> tuple[Any, ...]:
        return _reopened, self._arguments

    def _ends(self, path, interpreter):
        """Returns the details of the input and of the output that contains the landmarks."""
        inputs, outputs = interpreter.get_input_details(), interpreter.get_output_details()
        if len(inputs) != 1:
            raise ValueError(f"{path}: must have one input. Got: {len(inputs)}")
        shape, size = tuple(int(side) for side in inputs[0]["shape"]), self.frame.size
        if shape != (1, size, size, 3):
            raise ValueError(
                f"{path}: the input must have shape {(1, size, size, 3)}, from the size in the "
                f"description. Got: {shape}"
            )
        index = self._about.index
        if index is None and len(outputs) != 1:
            shapes = ", ".join(str(tuple(map(int, one["shape"]))) for one in outputs)
            raise ValueError(
                f"{path}: the description must have output.index, because the file has "
                f"{len(outputs)} outputs, of shapes {shapes}"
            )
        if index is not None and index >= len(outputs):
            raise ValueError(
                f"{path}: output.index must be below {len(outputs)}, the number of outputs. "
                f"Got: {index}"
            )
        return inputs[0], outputs[index or 0]

    def predict(self, images: np.ndarray) -> np.ndarray:
        """Predicts landmarks. Arguments, results and errors are those of `LiteModel.predict`."""
        images = crops_of(images, self.frame.size)
        found = np.empty((len(images), self.num_landmarks, 2), np.float32)
        scale, zero_point = self._output["quantization"]
        with self._interpreters.borrow() as interpreter:
            for i, image in enumerate(images):
                numbers = self._numbers(image[..., ::-1] if self._about.bgr else image)
                interpreter.set_tensor(self._input["index"], numbers[None])
                interpreter.invoke()
                result = interpreter.get_tensor(self._output["index"])[0]
                real = (result.astype(np.float32) - zero_point) * scale if scale else result
                found[i] = real.reshape(self.num_landmarks, 2)
        return found * np.float32(self._about.pixels)

    def _numbers(self, image):
        """Converts a crop to the model's input."""
        real = image.astype(np.float32) * self._about.scale + self._about.offset
        dtype = self._input["dtype"]
        if np.issubdtype(dtype, np.floating):
            return real.astype(dtype)
        scale, zero_point = self._input["quantization"]
        if scale:
            real = real / scale + zero_point
        limits = np.iinfo(dtype)
        return np.clip(np.round(real), limits.min, limits.max).astype(dtype)


def open_interpreter(path: str | Path, num_threads: int = 1):
    """Opens an interpreter of any `.tflite` file.

    Raises:
        ValueError: the file is missing, not a TFLite model, or uses unsupported operations.
    """
    return _interpreter(path, _content(path), num_threads)


def _content(path):
    """Reads the bytes of a `.tflite` file."""
    try:
        content = Path(path).read_bytes()
    except OSError as error:
        raise FileError(path, reason(error)) from error
    if content[4:8] != b"TFL3":
        raise FileError(path, "not a TFLite model (identifier TFL3 missing)")
    return content


def _interpreter(path, content, num_threads):
    try:
        return new_interpreter(content, num_threads)
    except (ValueError, RuntimeError) as error:
        why = str(error).strip().splitlines()[0]
        raise FileError(path, f"LiteRT cannot run the TFLite model ({why})") from error


def _pickled(path):
    return ModelFile.of(path, path.read_bytes())


def _reopened(file, beside, num_threads):
    """Loads a pickled `DescribedFile`."""
    beside.check()
    return DescribedFile(file.check(), num_threads)
