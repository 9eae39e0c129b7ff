"""MTFL's five points: the centers of the eyes, the tip of the nose and the corners of the mouth.

The order of the points is that of Zhang et al., Facial Landmark Detection by Deep Multi-task
Learning, ECCV 2014, where left is the image's left. The scheme cannot be found by its number of
landmarks, because many other datasets have five points, too.
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
