"""Lines, points and text with a dark outline, which are legible on any background.

All functions draw into the image. Coordinates are pixels; pixel centers are at whole numbers.
"""

import cv2
import numpy as np

OUTLINE = (15, 15, 15)
_BITS = 4  # fractional bits of the coordinates, so that landmarks are not rounded to whole pixels
_FONT = cv2.FONT_HERSHEY_SIMPLEX


def fixed(points):
    """Returns the points as fixed-point integers for OpenCV."""
    return np.round(np.asarray(points, float) * 2**_BITS).astype(int).tolist()


def segments(image, pairs, width):
    """Draws straight lines: (start, end, color) each, `width` pixels wide.

    All outlines are drawn before the first line, so that none crosses a line.
    """
    for outlined in (True, False):
        for start, end, color in pairs:
            ink, wide = (OUTLINE, outline(width)) if outlined else (color, max(1, round(width)))
            a, b = fixed([start, end])
            cv2.line(image, a, b, ink, wide, cv2.LINE_AA, _BITS)


def dots(image, points, colors, radius):
    """Draws filled circles, all outlines first."""
    for outlined in (True, False):
        for point, color in zip(fixed(points), colors, strict=True):
            ink, reach = (OUTLINE, radius + 0.45 * radius) if outlined else (color, radius)
            cv2.circle(image, point, round(reach * 2**_BITS), ink, -1, cv2.LINE_AA, _BITS)


def polygon(image, corners, color, width):
    """Draws a closed outline."""
    ends = np.roll(np.asarray(corners, float), -1, axis=0)
    segments(image, [(a, b, color) for a, b in zip(corners, ends, strict=True)], width)


def text(image, words, corner, color, height):
    """Writes text inside the image.

    Args:
        image: (height, width, 3) uint8 RGB. It is modified.
        words: ASCII text.
        corner: lower left corner of the text. It is moved until the text fits the image.
        color: RGB color.
        height: height of a capital letter in pixels.
    """
    scale = height / 21  # the font's capitals are 21 pixels high
    thick = max(1, round(height / 9))
    (wide, high), below = cv2.getTextSize(words, _FONT, scale, thick)
    wide_ink = thick + 2 * max(1, round(height / 12))
    rim = wide_ink // 2 + 2
    x = max(rim, min(round(corner[0]), image.shape[1] - wide - rim))
    y = max(high + rim, min(round(corner[1]), image.shape[0] - below - rim))
    for ink, width in ((OUTLINE, wide_ink), (color, thick)):
        cv2.putText(image, words, (x, y), _FONT, scale, ink, width, cv2.LINE_AA)


def outline(width):
    """The width of a line's outline in whole pixels, the line included."""
    return max(1, round(width)) + 2 * max(1, round(0.4 * width))
