"""What SIGHUP means here: our terminal was closed, or an operator wants a reload."""

import os
import signal
from collections.abc import Callable

__all__ = ["closed_terminal_ends", "ending_quietly"]

_CONTAINER = 1
"""The session of a container's first process: its terminal (`docker run -t`) lives as long as the
container does, so a SIGHUP there was sent by somebody."""


def closed_terminal_ends() -> bool:
    """Whether a SIGHUP is to end the program: it has a controlling terminal (a shell's, tmux').

    systemd and other supervisors give none. Under `nohup`, which ignores the signal, whoever
    started us wants us to live on.
    """
    if signal.getsignal(signal.SIGHUP) is signal.SIG_IGN or os.getsid(0) == _CONTAINER:
        return False
    try:
        os.close(os.open("/dev/tty", os.O_RDWR | os.O_NOCTTY))
    except OSError:
        return False
    return True


def ending_quietly(end: Callable[[], None]) -> Callable[[], None]:
    """`end`, after which nothing is written to a terminal that is gone: that would be an error."""
    terminals = [descriptor for descriptor in (1, 2) if os.isatty(descriptor)]

    def hang_up() -> None:
        nowhere = os.open(os.devnull, os.O_WRONLY)
        for descriptor in terminals:
            os.dup2(nowhere, descriptor)
        os.close(nowhere)
        end()

    return hang_up
