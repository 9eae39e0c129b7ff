"""COFW-29: Burgos-Artizzu et al., Robust Face Landmark Estimation under Occlusion, ICCV 2013.

Left and right points alternate. Each brow has its outer and inner end, then the middle of its upper
and lower edge. LFPW uses the same scheme.
"""

from keras_fld.schemes.scheme import Scheme, run

COFW29 = Scheme(
    name="cofw29",
    patches={
        "brows": run(0, 7),
        "eyes": run(8, 17),
        "nose": run(18, 21),
        "mouth": run(22, 27),
        "contour": (28,),
    },
    mirror_pairs=(
        (0, 1),
        (2, 3),
        (4, 6),
        (5, 7),
        (8, 9),
        (10, 11),
        (12, 14),
        (13, 15),
        (16, 17),
        (18, 19),
        (22, 23),
    ),
    normalizers={
        "inter_ocular": ((8,), (9,)),
        "inter_pupil": ((16,), (17,)),
    },
    lines=(
        (0, 4, 2, 5, 0),
        (1, 6, 3, 7, 1),
        (8, 12, 10, 13, 8),
        (9, 14, 11, 15, 9),
        (18, 21, 19),
        (20, 21),
        (22, 24, 23, 27, 22),
        (22, 25, 23, 26, 22),
    ),
    landmark_names=(
        *("left brow outer end", "right brow outer end"),
        *("left brow inner end", "right brow inner end"),
        *("left brow upper edge", "left brow lower edge"),
        *("right brow upper edge", "right brow lower edge"),
        *("left eye outer corner", "right eye outer corner"),
        *("left eye inner corner", "right eye inner corner"),
        *("left eye upper lid", "left eye lower lid"),
        *("right eye upper lid", "right eye lower lid"),
        *("left pupil", "right pupil"),
        *("nose left", "nose right", "nose tip", "nose base"),
        *("left mouth corner", "right mouth corner"),
        *("upper lip upper edge", "upper lip lower edge"),
        *("lower lip upper edge", "lower lip lower edge"),
        "chin",
    ),
)
