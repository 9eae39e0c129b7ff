"""Model files that a process opens again, for what is pickled: the file's name and its checksum.

Interpreters cannot be pickled. A copy, or a worker process, opens the same file itself.
"""

import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from keras_fld import zoo
from keras_fld._internal.files import FileError, reason


@dataclass(frozen=True)
class ModelFile:
    """A model file as a pickle names it.

    Args:
        path: the file; of one in the package only its name, as the package may be installed
            elsewhere on another machine.
        sha256: of its content.

    Examples:
        >>> ModelFile.of("face.tflite", content).check().name
        'face.tflite'
    """

    path: str
    sha256: str

    @classmethod
    def of(cls, path: str | Path, content: bytes) -> Self:
        """The file at a path, which held this content when it was opened."""
        path = Path(path).absolute()
        name = path.name if path == zoo.packaged(path.name) else str(path)
        return cls(name, hashlib.sha256(content).hexdigest())

    def check(self) -> Path:
        """The path at which to open the file.

        Raises:
            ValueError: the file is missing, or holds something else than it did.
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
                "the file must be the one that the pickled model was opened from. "
                f"Got: SHA-256 {found[:12]}..., not {self.sha256[:12]}...",
            )
        return path
