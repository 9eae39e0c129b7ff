"""Writes benchmark_faces.npz, the drawn faces that benchmark.py measures accuracy on.

    python make_benchmark_faces.py benchmark_faces.npz

They are the first test faces of `keras_fld.data.synthetic`, cropped for a model with 64-pixel crops
and the default margin. Pixels are stored as differences to the previous pixel in the row, which
makes the compressed file a third smaller.
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
        count: number of faces.

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
