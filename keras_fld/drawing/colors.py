"""The color of each facial region, dark for diagrams on white and bright for photographs."""

from keras_fld.schemes import Scheme

Color = tuple[int, int, int]

_DARK: dict[str, Color] = {
    "contour": (70, 70, 70),
    "brows": (150, 80, 20),
    "nose": (0, 120, 60),
    "eyes": (20, 80, 190),
    "mouth": (185, 20, 60),
}
# The same hues, bright enough for skin of any tone inside a dark outline.
_BRIGHT: dict[str, Color] = {
    "contour": (240, 240, 240),
    "brows": (255, 190, 60),
    "nose": (80, 240, 120),
    "eyes": (90, 200, 255),
    "mouth": (255, 110, 170),
}
# Regions of other names, as in a custom scheme, take these in turn.
_DARK_OTHERS: list[Color] = [(110, 60, 140), (0, 110, 120), (130, 100, 0)]
_BRIGHT_OTHERS: list[Color] = [(200, 150, 255), (70, 235, 225), (245, 235, 80)]
# Landmarks without a scheme.
PLAIN: Color = (255, 255, 255)


def landmark_colors(scheme: Scheme, bright: bool = False) -> list[Color]:
    """Returns the RGB color of each landmark, one color for each facial region.

    Args:
        scheme: the scheme of the landmarks.
        bright: whether the colors are for photographs instead of white paper.

    Returns:
        A list of (red, green, blue) from 0 to 255, one for each landmark.

    Examples:
        >>> from keras_fld import schemes
        >>> landmark_colors(schemes.get("ibug68"), bright=True)[36]
        (90, 200, 255)
    """
    known, others = (_BRIGHT, _BRIGHT_OTHERS) if bright else (_DARK, _DARK_OTHERS)
    unknown = [name for name in scheme.patches if name not in known]
    colors = dict(known)
    colors |= {name: others[place % len(others)] for place, name in enumerate(unknown)}
    of = {index: colors[name] for name, indices in scheme.patches.items() for index in indices}
    return [of[index] for index in range(scheme.num_landmarks)]
