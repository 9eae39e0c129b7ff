"""Photographs as phones store them: rotated or mirrored, with an EXIF tag that says so."""

import struct

import cv2
import numpy as np

# What is stored where the tag of a number makes a picture upright, by the names of EXIF's table:
# where the first row and the first column of the stored pixels are to be seen.
STORED = {
    1: lambda image: image,  # top, left
    2: lambda image: image[:, ::-1],  # top, right
    3: lambda image: np.rot90(image, 2),  # bottom, right
    4: lambda image: image[::-1],  # bottom, left
    5: lambda image: image.swapaxes(0, 1),  # left, top
    6: lambda image: np.rot90(image, 1),  # right, top: turn it clockwise to see it
    7: lambda image: np.rot90(image, 2).swapaxes(0, 1),  # right, bottom
    8: lambda image: np.rot90(image, -1),  # left, bottom
}


def exif(tag):
    """EXIF data of an orientation."""
    return b"MM\0*\0\0\0\x08" + struct.pack(">HHHLHHL", 1, 0x112, 3, 1, tag, 0, 0)


def jpeg(image, tag):
    """A JPEG of an upright RGB image, stored as the tag says."""
    stored = np.ascontiguousarray(STORED[tag](image)[..., ::-1])
    quality = [cv2.IMWRITE_JPEG_QUALITY, 100, cv2.IMWRITE_JPEG_SAMPLING_FACTOR, 0x111111]
    content = cv2.imencode(".jpg", stored, quality)[1].tobytes()
    segment = b"Exif\0\0" + exif(tag)
    return content[:2] + b"\xff\xe1" + struct.pack(">H", 2 + len(segment)) + segment + content[2:]
