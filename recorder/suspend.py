"""Stop and go on with the tool, as the shell above us does it with its jobs.

Engine. A stopped recorder must leave the terminal as the shell expects it, and find it again.
"""

from __future__ import annotations

import os
import signal
from typing import TYPE_CHECKING

from recorder import jobs

if TYPE_CHECKING:
    from collections.abc import Callable

    from recorder.child import Child
    from recorder.modes import Ledger
    from recorder.terminal import Terminal


def suspend(terminal: Terminal, child: Child, ledger: Ledger, screen: Callable[[bytes], None]) -> bool:
    """Stop this process until SIGCONT, if a shell is there to send it; then let the tool go on.

    Returns whether there was a stop; the tool goes on in any case.
    """
    stoppable = jobs.controlled()
    if stoppable:
        screen(ledger.neutral())
        terminal.restore()
        os.kill(os.getpid(), signal.SIGSTOP)
        terminal.raw()
        screen(ledger.reassert())
    child.signal(signal.SIGCONT)
    return stoppable
