"""Pickling of model files by name and checksum.

Interpreters cannot be pickled, so a copy or a worker process opens the same file again.
"""

import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from keras_fld import zoo
from keras_fld._internal.files import FileError, reason


@dataclass(frozen=True)
class ModelFile:
    """Reference to a model file in a pickle.

    Args:
        path: path of the file. For a file inside the package it is only the name, because the
            package may be installed elsewhere on another machine.
        sha256: SHA-256 of its content.

    Examples:
        >>> content = Path("face.tflite").read_bytes()
        >>> ModelFile.of("face.tflite", content).check().name
        'face.tflite'
    """

    path: str
    sha256: str

    @classmethod
    def of(cls, path: str | Path, content: bytes) -> Self:
        """Creates the reference from a path and the content read from it."""
        path = Path(path).absolute()
        name = path.name if path == zoo.packaged(path.name) else str(path)
        return cls(name, hashlib.sha256(content).hexdigest())

    def check(self) -> Path:
        """Finds the file and verifies its content.

        Returns:
            The path of the file.

        Raises:
            ValueError: the file is missing, or its content has changed.
        """
        path = Path(self.path)
        if not path.is_absolute():
            path = zoo.packaged(self.path)
        try:
            found = hashlib.sha256(path.read_bytes()).hexdigest()
        except OSError as error:
            raise FileError(path, reason(error)) from error
        if found != self.sha256:
            raise FileError(
                path,
                "the file must be the one from which the pickled model was opened. "
                f"Got: SHA-256 {found[:12]}..., not {self.sha256[:12]}...",
            )
        return path
