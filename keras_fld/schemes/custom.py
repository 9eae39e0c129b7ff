"""Custom schemes, described by a dictionary or a JSON file.

    {
      "name": "five",
      "landmarks": ["left eye", "right eye", "nose", "left mouth", "right mouth"],
      "mirror_pairs": [["left eye", "right eye"], ["left mouth", "right mouth"]],
      "eyes": [["left eye"], ["right eye"]]
    }

Landmarks are referred to by name or by index, counted from 0. Instead of a list of names,
`landmarks` can be the number of landmarks. `eyes` are two lists of landmarks, one for each eye;
their centers are used as the pupils for the normalizer "inter_pupil". Landmarks whose names differ
only in left and right must be in `mirror_pairs`. `eyes`, `normalizers`, `patches` and `lines` are
optional and have the same meaning as in `Scheme`. Without `patches`, all landmarks form
one patch.
"""

from typing import Any

from keras_fld.schemes.pairs import pairs_by_name
from keras_fld.schemes.scheme import Scheme

_KEYS = ("name", "landmarks", "mirror_pairs", "eyes", "normalizers", "patches", "lines")


def from_dict(description: dict[str, Any]) -> Scheme:
    """Creates a scheme from its description.

    Args:
        description: dictionary as shown at the top of this module.

    Returns:
        A `Scheme`.

    Raises:
        ValueError: an entry is missing, has the wrong type, or refers to an unknown landmark.

    Examples:
        >>> from_dict({"name": "two", "landmarks": 2, "mirror_pairs": [[0, 1]]}).num_landmarks
        2
    """
    if not isinstance(description, dict):
        raise ValueError(f"a scheme must be a dictionary. Got: {type(description).__name__}")
    for key in description:
        if key not in _KEYS:
            raise ValueError(f"a scheme's keys must be among {', '.join(_KEYS)}. Got: {key!r}")
    name = description.get("name")
    if not isinstance(name, str) or not name.strip() or not name.isprintable():
        raise ValueError(f"a scheme's name must be printable text. Got: {name!r}")
    names = names_of(description)
    index = _index(names)

    def indices(value, what):
        if not isinstance(value, (list, tuple)) or not value:
            raise ValueError(f"{what} of a scheme must be a list of landmarks. Got: {value!r}")
        return tuple(index(item) for item in value)

    def pair(value, what):
        if not isinstance(value, (list, tuple)) or len(value) != 2:
            raise ValueError(f"{what} of a scheme must be two lists of landmarks. Got: {value!r}")
        return tuple(indices(group, what) for group in value)

    pairs = tuple(indices(p, "mirror_pairs") for p in _list(description, "mirror_pairs"))
    paired = [i for p in pairs for i in p]
    if any(len(p) != 2 for p in pairs) or len(set(paired)) != len(paired):
        raise ValueError("mirror_pairs of a scheme must be pairs that share no landmark")
    for left, right in pairs_by_name(names):
        if index(left) not in paired and index(right) not in paired:
            raise ValueError(
                "mirror_pairs of a scheme must list the landmarks that change places in a mirrored "
                f"face. Missing: {[left, right]}"
            )
    normalizers = {}
    if description.get("eyes") not in (None, []):
        normalizers["inter_pupil"] = pair(description["eyes"], "eyes")
    for key, value in _dict(description, "normalizers").items():
        normalizers[key] = pair(value, "normalizers")
    count = len(names)
    patches = {k: indices(v, "patches") for k, v in _dict(description, "patches").items()}
    patches = patches or {"face": tuple(range(count))}
    if sorted(i for patch in patches.values() for i in patch) != list(range(count)):
        raise ValueError("patches of a scheme must cover every landmark once")
    lines = tuple(indices(line, "lines") for line in _list(description, "lines"))
    called = () if isinstance(description["landmarks"], int) else tuple(names)
    return Scheme(name.strip(), patches, pairs, normalizers, lines, called)


def to_dict(scheme: Scheme) -> dict[str, Any]:
    """Describes a scheme as a dictionary for JSON. `from_dict` is the inverse."""
    return {
        "name": scheme.name,
        "landmarks": list(scheme.landmark_names),
        "mirror_pairs": [list(pair) for pair in scheme.mirror_pairs],
        "normalizers": {k: [list(g) for g in v] for k, v in scheme.normalizers.items()},
        "patches": {k: list(v) for k, v in scheme.patches.items()},
        "lines": [list(line) for line in scheme.lines],
    }


def names_of(description: dict[str, Any]) -> list[str]:
    """Returns the landmark names of a described scheme in order, or indices if it has no names."""
    names = description.get("landmarks")
    if isinstance(names, int) and not isinstance(names, bool) and 1 <= names <= 10_000:
        return [str(index) for index in range(names)]
    good = isinstance(names, (list, tuple)) and all(isinstance(n, str) and n for n in names)
    if not good or not names or len(set(names)) != len(names):
        raise ValueError(
            f"landmarks of a scheme must be different names, or their number. Got: {names!r}"
        )
    return list(names)


def _index(names):
    numbers = {name: number for number, name in enumerate(names)}

    def index(item):
        if isinstance(item, int) and not isinstance(item, bool) and 0 <= item < len(names):
            return item
        if isinstance(item, str) and item in numbers:
            return numbers[item]
        raise ValueError(f"a scheme has no such landmark name or index. Got: {item!r}")

    return index


def _list(description, key):
    value = description.get(key) or []
    if not isinstance(value, (list, tuple)):
        raise ValueError(f"{key} of a scheme must be a list. Got: {type(value).__name__}")
    return value


def _dict(description, key):
    value = description.get(key) or {}
    if not isinstance(value, dict):
        raise ValueError(f"{key} of a scheme must be a dictionary. Got: {type(value).__name__}")
    return value
