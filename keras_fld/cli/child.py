"""One of several processes that train together: `python -m keras_fld.cli.child COMMAND...`.

`training.processes.launch` starts it, with what `training.distributed` is to read in its
environment.
"""

import os
import signal
import threading

from keras_fld.cli import main


def _end_with_the_parent():
    os.read(0, 1)  # nothing is ever written
    os._exit(1)


if __name__ == "__main__":
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the parent's to act on
    threading.Thread(target=_end_with_the_parent, daemon=True).start()
    main()
