"""Child processes that a test interrupts, `Popen(..., preexec_fn=heed_interrupts)`."""

import signal


def heed_interrupts():
    """Gives SIGINT back its default action: a test run in the background ignores the signal, and
    its children inherit that."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)
