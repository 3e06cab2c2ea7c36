"""What a recording goes on from, where it is not a session's beginning: one record, no logic.

A resumed session exists; the child of a fork that is started anew is yet to be written. Who makes
one has looked into the store; who takes one need not.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from recorder.model import Invocation, Session, Size

# Metadata key of a session that came with its directory: nobody here has run its command line yet.
ADOPTED = "adopted"
# Metadata key of a session that was made of a file: the file's name. Anybody may have written its bytes.
IMPORTED = "imported"


@dataclass(frozen=True, slots=True)
class Origin:
    """What a recording goes on from: a session that exists (resume), or a child that is to be made (fork).

    ``session`` is the row to record into. ``turn`` is the number of its lineage's last turn: the first own
    one is the next. ``raw`` is the raw offset of the session's next byte. ``greeting`` is the line that is
    said first, empty for none. ``size`` is what the terminal's size was last, None for the session's own.
    ``invocation`` is the run that the store has already; without it the recording makes one.
    """

    session: Session
    turn: int
    raw: int
    greeting: str
    n_events: int = 0  # of the lineage
    size: Size | None = None
    invocation: Invocation | None = None
