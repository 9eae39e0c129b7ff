"""How golden.json writes arrays and images."""

import base64

import numpy as np


def numbers(values, digits=9):
    """An array as lists of rounded numbers; + 0.0 removes the sign of zeros."""
    return (np.asarray(values, float).round(digits) + 0.0).tolist()


def bytes64(values):
    """Bytes in base64."""
    return base64.b64encode(np.ascontiguousarray(values, np.uint8).tobytes()).decode("ascii")


def encoded(image):
    """An RGB image as the file has it."""
    return {"width": image.shape[1], "height": image.shape[0], "rgb": bytes64(image)}
