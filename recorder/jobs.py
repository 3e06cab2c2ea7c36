"""Job control as the shell above us does it: may we stop, and who still exists.

Edge: asks the kernel about process groups and sessions; changes nothing.
"""

from __future__ import annotations

import os


def controlled() -> bool:
    """Say whether a shell of our session can continue us; otherwise a stop would be for ever."""
    parent = os.getppid()
    try:
        return os.getsid(parent) == os.getsid(0) and os.getpgid(parent) != os.getpgrp()
    except OSError:
        return False


def exists(pid: int) -> bool:
    """Say whether there is a process with this number."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
