"""Job control as the shell above us does it: may we stop.

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
