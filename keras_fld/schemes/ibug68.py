"""iBUG-68, the scheme of 300W: https://ibug.doc.ic.ac.uk/resources/facial-point-annotations/.

That page counts landmarks from 1, this package from 0.
"""

from keras_fld.schemes.scheme import Scheme, mirrored, numbered, run

IBUG68 = Scheme(
    name="ibug68",
    patches={
        "contour": run(0, 16),
        "brows": run(17, 26),
        "nose": run(27, 35),
        "eyes": run(36, 47),
        "mouth": run(48, 67),
    },
    mirror_pairs=(
        *mirrored(0, 7, 16),
        *mirrored(17, 21, 26),
        *mirrored(31, 32, 35),
        *mirrored(36, 39, 45),
        *mirrored(40, 41, 47),
        *mirrored(48, 50, 54),
        *mirrored(55, 56, 59),
        *mirrored(60, 61, 64),
        (65, 67),
    ),
    normalizers={
        "inter_ocular": ((36,), (45,)),
        "inter_pupil": (run(36, 41), run(42, 47)),
    },
    lines=(
        run(0, 16),
        run(17, 21),
        run(22, 26),
        run(27, 30),
        run(31, 35),
        (*run(36, 41), 36),
        (*run(42, 47), 42),
        (*run(48, 59), 48),
        (*run(60, 67), 60),
    ),
    landmark_names=numbered(
        contour=17,
        left_brow=5,
        right_brow=5,
        nose_bridge=4,
        nose_base=5,
        left_eye=6,
        right_eye=6,
        outer_lips=12,
        inner_lips=8,
    ),
)
