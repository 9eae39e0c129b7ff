"""The command `keras-fld convert` as a script."""

import sys

from keras_fld.cli import main

if __name__ == "__main__":
    main(["convert", *sys.argv[1:]])
