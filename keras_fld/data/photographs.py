"""Training crops cut out of their photographs each time they are drawn: nothing is kept.

For sets that do not fit in memory and are not to be prepared. A JPEG is decoded no larger than its
crop needs, so pixels differ a little from those of `training_crops`; the geometry does not.
"""

import numpy as np

from keras_fld._internal.images import read_reduced
from keras_fld.data.crops import assemble, cut_face, wide_frame
from keras_fld.geometry.frame import compose, warp


def training_photographs(faces, frame):
    """As `crops.training_crops`, its images decoded on demand.

    Args:
        faces: a `FaceSet`.
        frame: the model's `FaceCrop`.

    Returns:
        A `Crops`. A photograph that cannot be read raises ValueError when it is drawn.

    Examples:
        >>> data = training_photographs(read("300w", root), FaceCrop())
        >>> model.fit(feed.training_batches(data, 64))
    """
    wide = wide_frame(frame)
    return assemble(Photographs(faces.faces, wide), faces.faces, wide, frame, faces.scheme, [])


class Photographs:
    """Faces' crops, read when one is asked for.

    Args:
        faces: a sequence of `Face`.
        cut_frame: the `FaceCrop` of the crops.
    """

    def __init__(self, faces, cut_frame):
        self._faces, self._frame = faces, cut_frame
        self.shape = (len(faces), cut_frame.size, cut_frame.size, 3)

    def __len__(self):
        return self.shape[0]

    def __getitem__(self, index):
        face = self._faces[index]
        if callable(face.source):
            return cut_face(face, face.image(), self._frame)
        matrix = self._frame.matrix(face.box)
        image, to_photo = read_reduced(face.source, scale=matrix[0, 0])
        crop = warp(image, compose(matrix, to_photo), self._frame.size)
        return np.ascontiguousarray(crop[..., ::-1])
