"""Read desktop notifications out of what a tool asks the terminal to do.

Pure. OSC 9 (iTerm2), 777 (urxvt) and 99 (kitty). ConEmu and those who follow it use OSC 9 with a
small number for other things (progress, the directory), which are no notifications.
"""

from __future__ import annotations

import re

_NOTIFY = re.compile(
    r"9;(?!\d{1,2}(?:;|\Z))(?P<nine>.+)|777;notify;(?P<seven>.+)|99;[^;]*;(?P<kitty>.+)", re.DOTALL
)


def notification(body: bytes) -> str | None:
    """Return the text of the notification in the body of an OSC, or None when it is none."""
    match = _NOTIFY.fullmatch(body.decode(errors="replace"))
    if match is None:
        return None
    return match["nine"] or match["kitty"] or match["seven"].replace(";", ": ", 1)
