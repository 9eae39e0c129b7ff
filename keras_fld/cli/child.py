"""One of several processes that train together: `python -m keras_fld.cli.child COMMAND`.

`training.processes.launch` starts it, with environment variables for `training.distributed`.
"""

import os
import signal
import threading

from keras_fld.cli import main


def _end_with_the_parent():
    os.read(0, 1)  # returns when the parent ends; the parent never writes
    os._exit(1)


if __name__ == "__main__":
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent handles Ctrl-C
    threading.Thread(target=_end_with_the_parent, daemon=True).start()
    main()
