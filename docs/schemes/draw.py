"""Draws the pictures of this folder: `python docs/schemes/draw.py [FOLDER]`."""

import sys
from pathlib import Path

from keras_fld import schemes
from keras_fld._internal.images import save_image
from keras_fld.drawing.schemes import draw_conversion, draw_scheme
from keras_fld.schemes.conversion import conversions

SIZE = 900  # smaller, and the numbers of dense schemes run into each other


def main(folder):
    """Draws every scheme and conversion into a folder; returns the files."""
    folder.mkdir(parents=True, exist_ok=True)
    pictures = {name: draw_scheme(name, SIZE) for name in schemes.SCHEMES}
    for source, target in conversions():
        pictures[f"{source}_to_{target}"] = draw_conversion(source, target, SIZE)
    for name, picture in pictures.items():
        # Eight shades of each channel look the same and make the files half as large.
        save_image(folder / f"{name}.png", (picture // 32 * 36.5).astype("uint8"))
    return sorted(folder / f"{name}.png" for name in pictures)


if __name__ == "__main__":
    place = Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).parent
    print("\n".join(str(path) for path in main(place)))
