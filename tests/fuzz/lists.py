"""Good lists of WFLW and MTFL, and the images that they name.

Their numbers are short, for a change to meet more than digits.
"""

from keras_fld.data.readers import mtfl, wflw
from keras_fld.schemes import WFLW98


def wflw_seeds():
    lines = []
    for name, flags in (("a.jpg", "0 0 0 0 0 0"), ("b c.jpg", "1 1 0 1 0 1")):
        points = " ".join(str(i % 9) for i in range(2 * WFLW98.num_landmarks))
        lines.append(f"{points} 0 0 9 9 {flags} {name}")
    return ["\n".join(lines).encode(), lines[1].encode()]


def wflw_beside(folder):
    (folder / wflw.LISTS).mkdir(parents=True)
    _empty_images(folder / wflw.IMAGES, "a.jpg", "b c.jpg")


def mtfl_seeds():
    return [b" a.jpg 1 2 3 4.5 5 6 7 8 9 9 1 2 2 3\nb\\b.jpg 1 2 3 4 5 6 7 8 9 9 1 2 2 5\n\n"]


def mtfl_table_seeds():
    header = ["file", "pose", *mtfl._COLUMNS]
    return [
        f"{','.join(header)}\na.jpg,3,1,2,3,4.5,5,6,7,8,9,9\n".encode(),
        f'{",".join(header[::-1])}\r\n9,9,8,7,6,5,4,3,2,1,1,"b/b.jpg"\r\n'.encode(),
    ]


def mtfl_beside(folder):
    _empty_images(folder, "a.jpg")
    _empty_images(folder / "b", "b.jpg")


def _empty_images(folder, *names):
    folder.mkdir(exist_ok=True)
    for name in names:
        (folder / name).write_bytes(b"")
