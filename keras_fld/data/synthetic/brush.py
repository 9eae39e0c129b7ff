"""Brushes: smooth curves, and soft sub-pixel painting on a canvas.

A canvas is (3, height, width) float32. With the channels first, NumPy multiplies by a mask more
than ten times faster than with the channels last.
"""

import cv2
import numpy as np

_SHIFT = 4  # number of fractional bits of fixed-point coordinates in OpenCV's drawing functions


def fixed(points):
    """Converts pixel coordinates (..., 2) to the fixed-point integers of OpenCV."""
    return np.round(np.asarray(points) * (1 << _SHIFT)).astype(np.int32)


def _catmull_rom(steps):
    t = np.arange(steps)[:, None] / steps
    powers = np.concatenate([t**0, t, t**2, t**3], axis=1)
    return powers @ [[0, 1, 0, 0], [-0.5, 0, 0.5, 0], [1, -2.5, 2, -0.5], [-0.5, 1.5, -1.5, 0.5]]


PIECE = _catmull_rom(6)


def spline(points, closed=False):
    """Computes a Catmull-Rom curve through (n, 2) points, with six points for each piece."""
    p = np.asarray(points, float)
    ends = (p[-1:], p[:2]) if closed else (2 * p[:1] - p[1:2], 2 * p[-1:] - p[-2:-1])
    p = np.concatenate([ends[0], p, ends[1]])
    pieces = np.stack([p[:-3], p[1:-2], p[2:-1], p[3:]], axis=1)
    curve = (PIECE @ pieces).reshape(-1, 2)
    return curve if closed else np.concatenate([curve, p[-2:-1]])


def oval(center, rx, ry=None, angle=0.0, n=24):
    """Computes the outline (n, 2) of an ellipse; a few points make a polygon."""
    t = np.linspace(0, 2 * np.pi, n, endpoint=False)
    x, y = rx * np.cos(t), (rx if ry is None else ry) * np.sin(t)
    c, s = np.cos(angle), np.sin(angle)
    return np.stack([c * x - s * y, s * x + c * y], axis=1) + center


def band(curve, half_width):
    """Computes the outline of a stroke along (n, 2) points with (n,) half-widths."""
    along = np.gradient(curve, axis=0)
    across = np.stack([-along[:, 1], along[:, 0]], axis=1)
    length = np.maximum(np.linalg.norm(across, axis=1), 1e-6)
    across *= (half_width / length)[:, None]
    return np.concatenate([curve + across, (curve - across)[::-1]])


def grain(rng, side, across, along):
    """Creates a texture (side, side) of normal noise, with a number of spots in each direction."""
    return cv2.resize(rng.standard_normal((along, across), np.float32), (side, side))


def resized(planes, side, interpolation=cv2.INTER_LINEAR):
    """Resizes planes (c, h, w) to (c, side, side)."""
    return np.stack([cv2.resize(plane, (side, side), interpolation=interpolation)
                     for plane in planes])  # fmt: skip


def paint(canvas, outline, color, opacity=1.0, soft=0.0, width=0.0, clip=None):
    """Paints a polygon, or with a width a line, onto a canvas in place.

    Args:
        canvas: (3, h, w) float32.
        outline: (n, 2) pixels.
        color: (3,), or a texture (3, h, w).
        opacity: 0..1.
        soft: standard deviation of the edge's blur, in pixels.
        width: width of the line in pixels; 0 fills the polygon.
        clip: another polygon that limits the painted area.
    """
    pad = int(2.5 * soft + width) + 2
    x0, y0 = np.maximum(np.floor(outline.min(0)).astype(int) - pad, 0)
    x1, y1 = np.minimum(np.ceil(outline.max(0)).astype(int) + pad, canvas.shape[:0:-1])
    if x1 <= x0 or y1 <= y0:
        return
    shape = (y1 - y0, x1 - x0)
    # A soft mask is drawn small and enlarged, which is fast for any blur. In a mask that is k times
    # smaller, the pixel center x is at (x + 0.5) / k - 0.5.
    k = max(1, int(soft / 1.5))
    mask = np.zeros((-(-shape[0] // k), -(-shape[1] // k)), np.uint8)
    points = [fixed((outline - (x0, y0) + 0.5) / k - 0.5)]
    if width:
        cv2.polylines(mask, points, False, 255, max(1, round(width / k)), cv2.LINE_AA, _SHIFT)
        opacity *= min(width / k, 1)
    else:
        cv2.fillPoly(mask, points, 255, cv2.LINE_AA, _SHIFT)
    if soft >= 0.5:
        mask = cv2.GaussianBlur(mask, (0, 0), soft / k)
    if k > 1:
        mask = cv2.resize(mask, (mask.shape[1] * k, mask.shape[0] * k))[: shape[0], : shape[1]]
    if clip is not None:
        inside = np.zeros_like(mask)
        cv2.fillPoly(inside, [fixed(clip - (x0, y0))], 255, cv2.LINE_AA, _SHIFT)
        mask = cv2.multiply(mask, inside, scale=1 / 255)
    color = np.asarray(color, np.float32)
    color = color[:, y0:y1, x0:x1] if color.ndim == 3 else color[:, None, None]
    patch = canvas[:, y0:y1, x0:x1]
    patch += (color - patch) * (mask * np.float32(opacity / 255))


def paint_tiles(tiles, values, side):
    """Fills convex tiles in order.

    Args:
        tiles: (n, corners, 2) pixels, the farthest first.
        values: (n, 3) numbers 0..255.
        side: height and width of the picture in pixels.

    Returns:
        (side, side, 4) uint8: the values, and 255 where there is a tile.
    """
    layer = np.zeros((side, side, 4), np.uint8)
    values = np.column_stack([values, np.full(len(values), 255)]).clip(0, 255).tolist()
    for tile, value in zip(fixed(tiles), values, strict=True):
        cv2.fillConvexPoly(layer, tile, value, cv2.LINE_8, _SHIFT)
    return layer
