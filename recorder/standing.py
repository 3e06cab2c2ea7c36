"""How a recording stands: what others may ask of it at any time.

Pure. Properties only, over the parts that ``capture`` drives; nothing here changes anything.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from recorder.hintturns import HintTurns
    from recorder.inference import Inference
    from recorder.model import Activity
    from recorder.modes import Ledger
    from recorder.shellturns import ShellTurns
    from recorder.tape import Tape
    from recorder.turnbook import TurnBook


class Standing:
    """The state of one recording, read only."""

    ledger: Ledger
    paused: bool
    nested: int | None  # pid of a recorder that runs inside the tool
    _book: TurnBook
    _tape: Tape
    _inference: Inference
    _shells: ShellTurns
    _marks: HintTurns
    _guessless: bool  # a fault has ended the guessing

    @property
    def turn(self) -> int | None:
        """Return the number of the open turn."""
        return self._book.turn

    @property
    def last(self) -> int:
        """Return the number of the newest turn."""
        return self._book.last

    @property
    def silent(self) -> bool:
        """Say whether a turn is open that has printed nothing yet, the echo of its line aside."""
        return self._book.silent

    @property
    def undecided(self) -> bool:
        """Say whether what a tool has printed may end in a prompt that nobody has seen yet."""
        return not (self._blind or self.silent or self._inference.editing)

    @property
    def holding(self) -> bool:
        """Say whether bytes are held back for a redaction; ``flush`` releases them."""
        return self._tape.holding

    @property
    def raw(self) -> int:
        """Return how many bytes of output the session has."""
        return self._tape.raw

    @property
    def alternate(self) -> bool:
        """Say whether the tool is on the alternate screen."""
        return self.ledger.alternate is not None

    @property
    def _blind(self) -> bool:
        """Say whether nothing may be inferred now."""
        running = self._shells.running or self.nested is not None
        return self._guessless or self.paused or self.alternate or running

    @property
    def shell(self) -> int | None:
        """Return the pid of the innermost shell with our hooks; ``shell_gone`` takes note of its end."""
        return self._shells.innermost

    @property
    def running(self) -> int | None:
        """Return the number of the turn that is running; None where a shell is at its prompt."""
        return None if self._shells.waiting or self._marks.prompting else self.turn

    def activity(self) -> Activity:
        """Return what the session is doing."""
        return self._book.activity()

    def due_ms(self) -> int | None:
        """Return the offset (ms) at which ``tick`` has something to do, or None."""
        return self._book.due_ms()
