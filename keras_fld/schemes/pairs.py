"""Mirror pairs and eyes of a custom scheme, found by the names of its landmarks."""

import json
import re
from typing import Any

_SIDES = {"left": "right", "right": "left", "l": "r", "r": "l"}
# A single letter counts only where it stands alone, as in "l_eye" and "eye_L".
_WORDS = re.compile("left|right|(?<![a-z])[lr](?![a-z])", re.IGNORECASE)


def mirrored_name(name: str) -> str:
    """Returns a landmark's name with left and right exchanged.

    Examples:
        >>> mirrored_name("Left eye, outer corner"), mirrored_name("mouth_r"), mirrored_name("chin")
        ('Right eye, outer corner', 'mouth_l', 'chin')
    """
    return _WORDS.sub(lambda found: _as(found[0], _SIDES[found[0].lower()]), name)


def pairs_by_name(names: list[str]) -> list[tuple[str, str]]:
    """Returns the pairs of names that differ only in left and right.

    Examples:
        >>> pairs_by_name(["left eye", "nose", "right eye"])
        [('left eye', 'right eye')]
    """
    places = {name: place for place, name in enumerate(names)}
    partners = ((name, mirrored_name(name)) for name in names)
    return [(a, b) for a, b in partners if places[a] < places.get(b, -1)]


def proposed(names: list[str]) -> dict[str, Any]:
    """Proposes the description of a scheme with these landmarks, for the user to correct.

    The eyes are the landmarks with "pupil" in their name, or without any, with "eye".

    Examples:
        >>> proposed(["l_eye", "r_eye", "nose"])["eyes"]
        [['l_eye'], ['r_eye']]
    """
    pairs = pairs_by_name(names)
    description = {"name": "mine", "landmarks": list(names), "mirror_pairs": list(map(list, pairs))}
    for word in ("pupil", "eye(?!.?brow)"):
        eyes = [pair for pair in pairs if re.search(word, pair[0], re.IGNORECASE)]
        if eyes:
            side = _side(eyes[0][0])
            first = [a if _side(a) == side else b for a, b in eyes]
            return description | {"eyes": [first, [mirrored_name(name) for name in first]]}
    return description


def proposal(names: list[str]) -> str:
    """Returns a sentence with the description of `proposed`, for errors about a missing scheme."""
    description = json.dumps(proposed(names), ensure_ascii=False)
    return f"From the names it would be (check mirror_pairs and eyes): {description}"


def _side(name):
    return _WORDS.findall(name)[0].lower()


def _as(word, other):
    """Writes a word in the capitals of another."""
    if word.isupper():
        return other.upper()
    return other.capitalize() if word[0].isupper() else other
