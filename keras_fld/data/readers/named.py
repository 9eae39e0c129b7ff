"""Points with names, as annotation tools export them, and the scheme they belong to."""

import json
from pathlib import Path

import numpy as np

from keras_fld import schemes
from keras_fld._internal.files import FileError, reason
from keras_fld._internal.text import read_text
from keras_fld.data.readers.own_table import scheme_of
from keras_fld.data.readers.sources import BadCall
from keras_fld.schemes import registry
from keras_fld.schemes.pairs import proposal


def read_json_file(path: Path):
    """Reads a JSON file in any text encoding.

    Raises:
        ValueError: the file cannot be read, or is not JSON.
    """
    try:
        return json.loads(read_text(path))
    except FileError:
        raise
    except (ValueError, RecursionError) as error:
        raise FileError(path, f"not a JSON file ({reason(error)})") from error


class Names:
    """The landmarks of a scheme by name.

    The names are those of the scheme, or numbers from 0.

    Args:
        scheme: a `Scheme`, its name, its number of landmarks or its description. None uses the
            description in `file`, or without one the package's scheme whose landmark names or
            numbers are `found`.
        file: path of the scheme's description, such as `faces.scheme.json`; it need not exist.
        found: the names in the annotations.

    Attributes:
        scheme: the `Scheme`.
        unknown: names in the annotations that the scheme does not contain, sorted.

    Raises:
        ValueError: no scheme has these names, or the scheme contains none of them.

    Examples:
        >>> Names(68, Path("faces.scheme.json"), ["0", "1"]).index("0")
        0
    """

    def __init__(self, scheme, file: Path, found):
        found, names = list(dict.fromkeys(found)), None
        if scheme is not None:
            try:
                self.scheme = schemes.get(scheme)
            except ValueError as error:
                raise BadCall(str(error)) from error
        elif file.is_file():
            try:
                self.scheme, names = scheme_of(read_json_file(file))
            except FileError:
                raise
            except ValueError as error:
                raise FileError(file, str(error)) from error
        else:
            self.scheme = _scheme_of_names(found, file)
        numbers = {str(index): index for index in range(self.scheme.num_landmarks)}
        called = {name: index for index, name in enumerate(names or self.scheme.landmark_names)}
        self._index = numbers | called
        self.unknown = sorted(name for name in found if name not in self._index)
        if found and len(self.unknown) == len(found):
            raise ValueError(
                f"the scheme {self.scheme.name} contains none of the annotated points. "
                f"Got: {_listed(self.unknown)}"
            )

    def index(self, name):
        """Returns the index of a landmark; None if the scheme does not contain the name."""
        return self._index.get(name)

    def empty(self):
        """Returns points without annotation, and their occlusion flags."""
        count = self.scheme.num_landmarks
        return np.full((count, 2), np.nan), np.zeros(count, bool)

    @property
    def notes(self):
        """Returns a sentence on the points that the scheme does not contain, if any."""
        if not self.unknown:
            return []
        rule = f"ignored points that the scheme {self.scheme.name} does not contain"
        return [f"{rule}: {_listed(self.unknown)}"]


def _scheme_of_names(found, file):
    """Returns the package's scheme with these landmark names."""
    numbers = {str(index) for index in range(len(found))}
    for known in registry.SCHEMES.values():
        if set(found) in (set(known.landmark_names), numbers) and known.num_landmarks == len(found):
            return known
    raise ValueError(
        f"a scheme of the {len(found)} points {_listed(found)} must be in {file.name}, next to it. "
        f"{proposal(found)}"
    )


def _listed(names):
    more = f", ... ({len(names)})" if len(names) > 5 else ""
    return ", ".join(repr(name) for name in names[:5]) + more
