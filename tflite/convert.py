"""Converts a Keras model of the package to TFLite: `python tflite/convert.py --help`.

The same command as `keras-fld convert`.
"""

import sys

from keras_fld.cli import main

if __name__ == "__main__":
    sys.argv.insert(1, "convert")
    main()
