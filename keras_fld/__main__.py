"""`python -m keras_fld` is the command line."""

from keras_fld.cli import main

if __name__ == "__main__":
    main()
