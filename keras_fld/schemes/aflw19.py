"""AFLW-19: the 21 points of AFLW without the two ears, in AFLW's order.

The order of the points is that of Koestinger et al., Annotated Facial Landmarks in the Wild, ICCV
workshops 2011, where left is the image's left. The ears are omitted as in Zhu et al., Unconstrained
Face Alignment via Cascaded Compositional Learning, CVPR 2016. Its AFLW-Full protocol divides errors
by the width of the annotated face box. The box belongs to the face ("face_box"), not to its
landmarks, so it is not a normalizer of this scheme.
"""

from keras_fld.schemes.scheme import Scheme, mirrored, run

AFLW19 = Scheme(
    name="aflw19",
    patches={
        "brows": run(0, 5),
        "eyes": run(6, 11),
        "nose": run(12, 14),
        "mouth": run(15, 17),
        "contour": (18,),
    },
    mirror_pairs=(*mirrored(0, 2, 5), *mirrored(6, 8, 11), (12, 14), (15, 17)),
    normalizers={
        "inter_ocular": ((6,), (11,)),
        "inter_pupil": ((7,), (10,)),
    },
    lines=(run(0, 2), run(3, 5), run(6, 8), run(9, 11), run(12, 14), run(15, 17)),
    landmark_names=(
        *("left brow outer end", "left brow middle", "left brow inner end"),
        *("right brow inner end", "right brow middle", "right brow outer end"),
        *("left eye outer corner", "left eye center", "left eye inner corner"),
        *("right eye inner corner", "right eye center", "right eye outer corner"),
        *("nose left", "nose tip", "nose right"),
        *("left mouth corner", "mouth center", "right mouth corner"),
        "chin",
    ),
)
