"""Points by name: whose names, and of which scheme, in the exports of annotation tools."""

import json
from pathlib import Path

import numpy as np

from keras_fld import schemes
from keras_fld._internal.files import FileError, reason
from keras_fld._internal.text import read_text
from keras_fld.data.readers.own_table import scheme_of
from keras_fld.data.readers.sources import BadCall
from keras_fld.schemes import registry


def read_json_file(path: Path):
    """The content of a JSON file, in whatever encoding its text is.

    Raises:
        ValueError: it cannot be read, or is no JSON file.
    """
    try:
        return json.loads(read_text(path))
    except FileError:
        raise
    except (ValueError, RecursionError) as error:
        raise FileError(path, f"not a JSON file ({reason(error)})") from error


class Names:
    """The landmarks of a scheme by name.

    They are called as the scheme calls them, or by number from 0.

    Args:
        scheme: a `Scheme`, its name, its number of landmarks or its description; None takes the
            description in the file, and without one the package's scheme whose landmarks, by number
            or by name, `found` are.
        file: the scheme's description, such as `faces.scheme.json`; it need not be there.
        found: the names in the annotations.

    Attributes:
        scheme: the `Scheme`.
        unknown: names in the annotations that the scheme has not, sorted.

    Raises:
        ValueError: there is no scheme of these names, or none of them is in the scheme.

    Examples:
        >>> Names(5, None, ["0", "nose"])
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
                f"the scheme {self.scheme.name} has none of the annotated points. "
                f"Got: {_listed(self.unknown)}"
            )

    def index(self, name):
        """A name's landmark; None where the scheme has none such."""
        return self._index.get(name)

    def empty(self):
        """Points of a face without any, and whether each is occluded."""
        count = self.scheme.num_landmarks
        return np.full((count, 2), np.nan), np.zeros(count, bool)

    @property
    def notes(self):
        """A sentence on the points that the scheme has not."""
        if not self.unknown:
            return []
        rule = f"left out points that the scheme {self.scheme.name} has not"
        return [f"{rule}: {_listed(self.unknown)}"]


def _scheme_of_names(found, file):
    """The package's scheme whose landmarks the names are."""
    numbers = {str(index) for index in range(len(found))}
    for known in registry.SCHEMES.values():
        if set(found) in (set(known.landmark_names), numbers) and known.num_landmarks == len(found):
            return known
    example = {"name": "mine", "landmarks": found[:3], "mirror_pairs": [], "eyes": []}
    raise ValueError(
        f"a scheme of the {len(found)} points {_listed(found)} must lie beside it as {file.name}: "
        f"{json.dumps(example, ensure_ascii=False)[:200]}"
    )


def _listed(names):
    more = f", ... ({len(names)})" if len(names) > 5 else ""
    return ", ".join(repr(name) for name in names[:5]) + more
