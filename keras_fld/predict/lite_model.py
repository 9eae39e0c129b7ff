"""Runs `.tflite` files with the LiteRT interpreter, without loading Keras or TensorFlow."""

from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from keras_fld import schemes
from keras_fld._internal.extras import load
from keras_fld._internal.pixels import crops_of
from keras_fld._internal.pool import Pool
from keras_fld.geometry.frame import FaceCrop
from keras_fld.predict import metadata
from keras_fld.predict.reopening import ModelFile
from keras_fld.schemes.face_box import BoxInFace

# Kinds of files, by the field `kind` of their metadata.
_KINDS = {None: "a landmark model", metadata.FACE_SCORE: "a face-score file"}


class _File:
    """A converted model of the package of one kind, with a pool of interpreters.

    A pickle stores the file's path; the file must exist where the pickle is loaded.
    """

    kind: str | None = None

    def __init__(self, path: str | Path, num_threads: int = 1) -> None:
        path = Path(path)
        try:
            content = path.read_bytes()
        except OSError as error:
            raise ValueError(f"{path}: {error.strerror or error}") from error
        try:
            about = metadata.read(content)
        except ValueError as error:
            raise ValueError(f"{path}: {error}") from error
        if about is None:
            raise ValueError(
                f"{path}: the model has no keras_fld metadata; convert it with keras-fld convert"
            )
        kind = about.get("kind")
        if kind != self.kind:
            got = _KINDS.get(kind) if isinstance(kind, str | None) else None
            raise ValueError(f"{path}: must be {_KINDS[self.kind]}. Got: {got or repr(kind)}")
        try:
            self.frame = FaceCrop(int(about["input"]["size"]), float(about["input"]["margin"]))
            self.scheme = schemes.get(about["scheme"]) if about["scheme"] else None
            self.license = metadata.license_of(about)
            self.box_in_face = metadata.box_in_face(about) or BoxInFace.of_scheme(self.scheme)
            self._interpreters = Pool(partial(new_interpreter, content, num_threads))
            with self._interpreters.borrow() as interpreter:
                self._input = interpreter.get_input_details()[0]
                self._output = interpreter.get_output_details()[0]
        except (KeyError, TypeError, ValueError, RuntimeError) as error:
            raise ValueError(f"{path}: the TFLite model is damaged ({error})") from error
        self._path, self._content, self._num_threads = path.absolute(), content, num_threads

    def __reduce__(self) -> tuple[Any, ...]:
        file = ModelFile.of(self._path, self._content)
        return _reopened, (type(self), file, self._num_threads)

    def run(self) -> None:
        """Runs a forward pass on the crop in the input tensor; benchmarks time this method."""
        with self._interpreters.borrow() as interpreter:
            interpreter.invoke()

    def _outputs(self, images):
        """Computes the output of each crop as float32: (faces, ...)."""
        images = crops_of(images, self.frame.size)
        outputs = np.empty((len(images), *self._output["shape"][1:]), np.float32)
        with self._interpreters.borrow() as interpreter:
            for i, image in enumerate(images):
                interpreter.set_tensor(self._input["index"], self._bytes(image[None]))
                interpreter.invoke()
                outputs[i] = interpreter.get_tensor(self._output["index"])[0]
        return self._real(outputs)

    def _bytes(self, image):
        """Converts camera bytes to the input's type: int8 starts at -128."""
        if self._input["dtype"] == np.int8:
            return (image ^ 0x80).view(np.int8)
        return image

    def _real(self, outputs):
        """Converts quantized outputs to real numbers."""
        scale, zero_point = self._output["quantization"]
        if scale:  # 0 if the output is not quantized
            outputs = (outputs - np.float32(zero_point)) * np.float32(scale)
        return outputs


def new_interpreter(content: bytes, num_threads: int = 1) -> Any:
    """Creates an interpreter from the content of a `.tflite` file.

    Raises:
        ValueError, RuntimeError: LiteRT cannot run the file.
        ImportError: LiteRT is not installed.
    """
    litert = load("ai_edge_litert.interpreter", "Running a .tflite file")
    interpreter = litert.Interpreter(model_content=content, num_threads=num_threads)
    interpreter.allocate_tensors()
    return interpreter


def _reopened(kind, file, num_threads):
    """Loads a pickled `_File`."""
    return kind(file.check(), num_threads)


class LiteModel(_File):
    """A converted landmark model of the package.

    It is thread-safe: each thread uses its own interpreter during a prediction. A pickle stores the
    file's path, and loading it opens the same file again.

    Args:
        path: the `.tflite` file.
        num_threads: number of threads of an interpreter.

    Attributes:
        frame: the `FaceCrop` of its crops.
        scheme: the `Scheme` of its landmarks, or None.
        num_landmarks: number of landmarks.
        license: SPDX identifier of the license of the weights, or None if it is unknown.

    Raises:
        ValueError: the file is missing, damaged, not from this package, or a face-score file.

    Examples:
        >>> landmarks = LiteModel("face.tflite").predict(crops)
    """

    def __init__(self, path: str | Path, num_threads: int = 1) -> None:
        super().__init__(path, num_threads)
        self.num_landmarks = int(self._output["shape"][1])

    def predict(self, images: np.ndarray) -> np.ndarray:
        """Predicts the landmarks of crops, in one forward pass each.

        Args:
            images: (faces, size, size, 3) RGB, uint8 or other numbers from 0 to 255, which are
                rounded. It may be empty.

        Returns:
            (faces, landmarks, 2) float32 pixels of the crop.

        Raises:
            ValueError: the crops have a wrong shape, or values outside 0 to 255.
        """
        return self._outputs(images)


class ScoreModel(_File):
    """A face-score file: distinguishes faces that fill their crops from everything else.

    For threads and pickles, see `LiteModel`.

    Args:
        path: the `.tflite` file.
        num_threads: number of threads of an interpreter.

    Attributes:
        frame: the `FaceCrop` of its crops.

    Raises:
        ValueError: the file is missing, damaged, not from this package, or a landmark model.

    Examples:
        >>> scores = ScoreModel(keras_fld.zoo.score_file()).predict(crops)
    """

    kind = metadata.FACE_SCORE

    def predict(self, images: np.ndarray) -> np.ndarray:
        """Computes the scores of crops.

        Args:
            images: as in `LiteModel.predict`.

        Returns:
            (faces,) float32 scores from 0 to 1.

        Raises:
            ValueError: as in `LiteModel.predict`.
        """
        return self._outputs(images).reshape(-1)
