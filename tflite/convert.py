"""`keras-fld convert`, from the folder of what runs on a device."""

import sys

from keras_fld.cli import main

if __name__ == "__main__":
    main(["convert", *sys.argv[1:]])
