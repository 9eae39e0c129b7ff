"""WFLW-98: Wu et al., Look at Boundary, CVPR 2018, https://wywu.github.io/projects/LAB/WFLW.html.

It refines iBUG-68. The contour is twice as dense, the brows have an upper and a lower edge, and the
middles of the eyelids and the pupils are added.
"""

from keras_fld.schemes.scheme import Scheme, mirrored, numbered, run

WFLW98 = Scheme(
    name="wflw98",
    patches={
        "contour": run(0, 32),
        "brows": run(33, 50),
        "nose": run(51, 59),
        "eyes": (*run(60, 75), 96, 97),
        "mouth": run(76, 95),
    },
    mirror_pairs=(
        *mirrored(0, 15, 32),
        *mirrored(33, 37, 46),
        *mirrored(38, 41, 50),
        *mirrored(55, 56, 59),
        *mirrored(60, 64, 72),
        *mirrored(65, 67, 75),
        *mirrored(76, 78, 82),
        *mirrored(83, 84, 87),
        *mirrored(88, 89, 92),
        (93, 95),
        (96, 97),
    ),
    normalizers={
        "inter_ocular": ((60,), (72,)),
        "inter_pupil": ((96,), (97,)),
    },
    lines=(
        run(0, 32),
        (*run(33, 41), 33),
        (*run(42, 50), 42),
        run(51, 54),
        run(55, 59),
        (*run(60, 67), 60),
        (*run(68, 75), 68),
        (*run(76, 87), 76),
        (*run(88, 95), 88),
    ),
    landmark_names=(
        *numbered(
            contour=33,
            left_brow=9,
            right_brow=9,
            nose_bridge=4,
            nose_base=5,
            left_eye=8,
            right_eye=8,
            outer_lips=12,
            inner_lips=8,
        ),
        "left pupil",
        "right pupil",
    ),
)
