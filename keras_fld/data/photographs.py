"""Training crops that are cut from their photographs on demand, without keeping them in memory.

Use them for sets that do not fit in memory and are not prepared. A JPEG is decoded at a reduced
size, so pixels differ slightly from those of `training_crops`. The geometry is the same.
"""

import numpy as np

from keras_fld._internal.images import read_reduced
from keras_fld.data.crops import assemble, cut_face, wide_frame
from keras_fld.geometry.frame import compose, warp


def training_photographs(faces, frame):
    """Creates training crops like `crops.training_crops`, but decodes the images on demand.

    Args:
        faces: a `FaceSet`.
        frame: the model's `FaceCrop`.

    Returns:
        A `Crops`. Drawing a face raises ValueError if its photograph cannot be read.

    Examples:
        >>> data = training_photographs(read("300w", "300w"), FaceCrop())
        >>> model.fit(feed.training_batches(data, 64))
    """
    wide = wide_frame(frame)
    return assemble(Photographs(faces.faces, wide), faces.faces, wide, frame, faces.scheme, [])


class Photographs:
    """Crops of faces, each read when it is accessed.

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
