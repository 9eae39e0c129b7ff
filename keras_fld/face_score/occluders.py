"""Faces half of which is covered, with what they are covered by."""

import numpy as np

SIDES = ("left", "right", "upper", "lower")
COVERS = ("color", "noise", "picture")


def cover_half(crop, side, cover, rng, picture=None, share=0.5):
    """Covers one half of a crop.

    Args:
        crop: (size, size, 3) uint8.
        side: which half, one of `SIDES` as one sees it.
        cover: what covers it, one of `COVERS`.
        rng: a `numpy.random.Generator`.
        picture: (size, size, 3) uint8 that "picture" takes its half from; None takes the crop
            upside down.
        share: of the crop that is covered.

    Returns:
        The covered crop, (size, size, 3) uint8.

    Raises:
        ValueError: an unknown side or cover.

    Examples:
        >>> covered = cover_half(crop, "left", "noise", np.random.default_rng(0))
    """
    for name, value, known in (("side", side, SIDES), ("cover", cover, COVERS)):
        if value not in known:
            raise ValueError(f"{name} must be one of {', '.join(known)}. Got: {value!r}")
    size, crop = len(crop), crop.copy()
    edge = round(share * size)
    half = slice(0, edge) if side in ("left", "upper") else slice(size - edge, size)
    rows, columns = (slice(None), half) if side in ("left", "right") else (half, slice(None))
    if cover == "color":
        crop[rows, columns] = rng.integers(0, 256, 3)
    elif cover == "noise":
        crop[rows, columns] = rng.integers(0, 256, crop[rows, columns].shape, dtype=np.uint8)
    else:
        picture = crop[::-1] if picture is None else picture
        crop[rows, columns] = picture[rows, columns].copy()
    return crop
