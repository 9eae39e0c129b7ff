"""Converts a model in a separate process.

`conversion.convert` starts it if Keras does not run on TensorFlow:

    python -m keras_fld.lite.worker FOLDER MODE NAME LICENSE
"""

import sys
from pathlib import Path

import numpy as np


def main(folder, mode, name, license):
    from keras_fld import models
    from keras_fld.lite import conversion

    folder = Path(folder)
    crops = folder / conversion.CROPS
    content = conversion.file_content(
        models.load_model(folder / conversion.MODEL),
        mode,
        np.load(crops) if crops.exists() else None,
        name or None,
        license or None,
    )
    (folder / conversion.FILE).write_bytes(content)


if __name__ == "__main__":
    main(*sys.argv[1:])
