"""MTFL's five points: the eyes' centers, the tip of the nose and the corners of the mouth.

Order of the points: Zhang et al., Facial Landmark Detection by Deep Multi-task Learning, ECCV 2014
(where left is the image's left). It is no key of the schemes by number: many sets have five points.
"""

from keras_fld.schemes.scheme import Scheme

MTFL5 = Scheme(
    name="mtfl5",
    patches={"eyes": (0, 1), "nose": (2,), "mouth": (3, 4)},
    mirror_pairs=((0, 1), (3, 4)),
    normalizers={"inter_pupil": ((0,), (1,))},
    lines=((3, 4),),
    landmark_names=(
        "left eye",
        "right eye",
        "nose tip",
        "left mouth corner",
        "right mouth corner",
    ),
)
