"""Writes benchmark_faces.npz, the drawn faces that benchmark.py measures accuracy on.

    python make_benchmark_faces.py benchmark_faces.npz

They are the first faces of the test split of `keras_fld.data.synthetic`, cut out as a model with a
64-pixel crop and the default margin sees them. Rows of pixels are stored as differences to the
pixel before, which compresses to two thirds.
"""

import sys

import numpy as np

from keras_fld.data.crops import model_crops
from keras_fld.data.synthetic import reader
from keras_fld.geometry.frame import FaceCrop

FACES = 32


def contents(count=FACES):
    """The arrays of the file.

    Args:
        count: how many faces.

    Returns:
        A dictionary: differences (faces, 64, 64, 3) uint8, landmarks (faces, 68, 2) float32 pixels
        of the crop, size and margin of the crop.
    """
    frame = FaceCrop(64)
    crops = model_crops(reader.read(split="test", count=count), frame)
    return {
        "differences": np.diff(crops.images, axis=2, prepend=np.uint8(0)),
        "landmarks": crops.landmarks.astype(np.float32),
        "size": frame.size,
        "margin": frame.margin,
    }


if __name__ == "__main__":
    np.savez_compressed(sys.argv[1], **contents())
