"""Infer turns of a tool that edits its own line (readline, libedit, linenoise, a raw loop).

Pure: output, typed Enters and settled prompts in, findings out. The source of a command is what
the tool *displayed*, never the keys: history recall, cursor edits and completion come out right,
and a password cannot be in it.

Two regimes. A tool that brackets its edits with bracketed-paste switches (``?2004h`` … ``?2004l``:
every current readline, pyrepl, prompt-toolkit, zsh, fish) says exactly where an edit begins and
that a line was taken. Otherwise the edit begins at the prompt at which the output settles while
the tool reads, and a line was taken when, after Enter, the output leaves a line that starts with
that prompt. Lines that were typed ahead are found in the output by the same prompt.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

from recorder.lines import LineTracker
from recorder.watch import SpotKind

if TYPE_CHECKING:
    from collections.abc import Sequence

    from recorder.keys import Scan
    from recorder.model import Size
    from recorder.watch import Spot

MAX_PARTIAL = 16 << 10  # bytes; a longer unfinished line is no prompt
MAX_KNOWN = 32  # prompts remembered for lines typed ahead
PASSWORD = re.compile(r"(?i)(pass(word|phrase|code)|\bPIN\b|secret|token|verification code)[^\n]*:\s*\Z")
# What a prompt looks like when none was seen to settle: a word or two and a mark before the text.
_LOOKS = re.compile(r"\A[^\s]{0,60}(?: ?[^\s]{1,20})?[>#$%:)»❯] ")
_CONTINUATION = re.compile(r"\A[\s.:>|…0-9*-]*\Z")


class Output(NamedTuple):
    """Bytes that the tool printed, from raw offset ``raw`` on."""

    raw: int
    data: bytes


class PromptShown(NamedTuple):
    """The tool waits for a line; its output ended at raw offset ``raw``."""

    raw: int
    text: str


class Accepted(NamedTuple):
    """The tool took a line; its output begins at raw offset ``raw``."""

    raw: int
    command: str
    prompt_text: str


class Hidden(NamedTuple):
    """A line was entered at a password prompt that a tool reads in raw mode."""

    prompt_text: str


Finding = Output | PromptShown | Accepted | Hidden


class Inference:
    """The state of one passthrough tool between its prompts."""

    def __init__(self, size: Size) -> None:
        """Begin with output: no prompt has been shown yet."""
        self._tracker = LineTracker(size)
        self._known: dict[str, None] = {}  # prompts, oldest first
        self._bracketed = False  # inside ?2004h … ?2004l
        self._editing = False  # output is being drawn into an edit, it is no text of a turn
        self._typed = False  # … and keys have gone into it
        self._pending = 0  # Enters whose line was not seen yet
        self._prompt: str | None = None
        self._ours = False  # the line is edited by us
        self._lead = ""  # text on the prompt's line before the edit began
        self._password: str | None = None
        self._partial = bytearray()  # output since the last line feed
        self._partial_raw = 0
        self._edit_raw = 0

    @property
    def waiting(self) -> bool:
        """Say whether a prompt is shown and no line was taken since."""
        return self._editing and self._prompt is not None

    def resize(self, size: Size) -> None:
        """Take a new screen size."""
        self._tracker.resize(size)

    def restart(self) -> None:
        """Forget an edit that is going on: the line was taken in another way."""
        self._editing = self._bracketed = self._typed = False
        self._pending = 0
        self._prompt = self._password = None
        self._partial.clear()

    # --- input ---------------------------------------------------------------------------------

    def typed(self, scan: Scan) -> list[Finding]:
        """Take note of keys that were forwarded to the tool."""
        findings: list[Finding] = []
        if not scan.forward:
            return findings
        if self._bracketed and self._prompt is None and not self._typed:
            findings += self._know_prompt()
        self._typed = True
        self._pending = scan.enters + (0 if scan.interrupted else self._pending)
        if self._password is not None and scan.enters:
            findings.append(Hidden(self._password))
            self._password = None
            self._pending = 0
        return findings

    def settled(self, *, reading: bool, line: bool) -> list[Finding]:
        """Take note that output is quiet while the tool waits.

        ``reading``: it is certain that it reads; ``line``: we edit the line, so that output which
        comes while the prompt stands was printed above it and the prompt stays.
        """
        self._ours = line
        if self._bracketed:
            return [] if self._typed or self._prompt is not None else self._know_prompt()
        if self._editing and self._typed:
            return []
        if self._password is not None:
            return []
        self._begin_edit(bytes(self._partial), self._partial_raw)
        self._lead = ""
        prompt = self._tracker.before_cursor()
        if PASSWORD.search(prompt):
            self._editing = False
            self._password = prompt
            return []
        if not reading and self._known and prompt not in self._known:
            self._editing = False
            return []
        self._pending = 0
        return self._know_prompt()

    # --- output --------------------------------------------------------------------------------

    def feed(self, raw: int, data: bytes, spots: Sequence[Spot]) -> list[Finding]:
        """Take output from raw offset ``raw`` with the finds of ``watch`` in it."""
        findings: list[Finding] = []
        pos = raw
        end = raw + len(data)
        for spot in spots:
            if spot.kind not in (SpotKind.SET, SpotKind.UNSET) or spot.body != b"2004":
                continue
            if (spot.kind is SpotKind.SET) == self._bracketed:
                continue
            before = data[pos - raw : max(pos, spot.start) - raw]
            if spot.kind is SpotKind.SET:
                findings += self._plain(pos, before)
                self._open_bracket(spot)
            else:
                self._tracker.feed(before)
                findings += self._close_bracket(spot)
            pos = max(pos, spot.end)
        if pos < end:
            findings += self._plain(pos, data[pos - raw :])
        return findings

    def _plain(self, raw: int, data: bytes) -> list[Finding]:
        if not data:
            return []
        if self._bracketed:
            self._tracker.feed(data)
            return []
        if self._editing:
            return self._in_open_edit(raw, data)
        return self._in_output(raw, data)

    def _in_output(self, raw: int, data: bytes) -> list[Finding]:
        """Pass output on; look in it for the echo of lines that were typed ahead."""
        findings: list[Finding] = []
        key = self._prompt_key() if self._pending else b""
        if key:
            line = bytes(self._partial) + data
            base = raw - len(self._partial)
            at = line.find(key)
            while at >= 0:
                start = line.rfind(b"\n", 0, at) + 1
                stop = line.find(b"\n", at)
                if stop < 0:
                    break
                found = self._typed_ahead(line[start:stop], base + start, base + stop + 1)
                if found:
                    done = max(0, base + start - raw)
                    if data[:done]:
                        findings.append(Output(raw, data[:done]))
                    after = base + stop + 1
                    self._partial.clear()
                    return [*findings, *found, *self._plain(after, data[after - raw :])]
                at = line.find(key, stop)
        self._keep_partial(raw, data)
        findings.append(Output(raw, data))
        return findings

    def _typed_ahead(self, line: bytes, start: int, end: int) -> list[Finding]:
        """Say whether a whole line of output is a prompt with a line that was typed before it."""
        self._tracker.clear()
        self._tracker.feed(line)
        text = "\n".join(self._tracker.edited())
        for prompt in reversed(self._known):
            if prompt.strip() and text.startswith(prompt):
                self._pending -= 1
                self._prompt = prompt
                return [PromptShown(start, prompt), Accepted(end, text[len(prompt) :], prompt)]
        return []

    def _in_open_edit(self, raw: int, data: bytes) -> list[Finding]:
        """Follow an edit that nothing brackets, up to the line feed that ends it."""
        cut = data.find(b"\n")
        if cut < 0:
            self._tracker.feed(data)
            self._keep_partial(raw, data)
            if not self._typed:
                self._prompt = self._tracker.before_cursor()  # a prompt drawn in pieces
            return []
        self._tracker.feed(data[:cut])
        if not self._typed:
            # Nobody typed: the tool goes on printing. Under our own editor that is printed above
            # the prompt; otherwise it was no prompt.
            self._editing = False
            if self._ours:
                self._partial.clear()
                return self._in_output(raw, data)
            held = bytes(self._partial)
            self._partial.clear()
            found: list[Finding] = [Output(self._partial_raw, held)] if held else []
            return found + self._in_output(raw, data)
        command = self._command(self._tracker.edited()) if self._pending else None
        if command is None:
            self._tracker.feed(b"\n")
            return self._plain(raw + cut + 1, data[cut + 1 :])
        prompt = self._prompt or ""
        self._leave_edit()
        accepted = Accepted(raw + cut + 1, command, prompt)
        return [accepted, *self._plain(raw + cut + 1, data[cut + 1 :])]

    # --- edits ---------------------------------------------------------------------------------

    def _begin_edit(self, partial: bytes, raw: int) -> None:
        self._editing = True
        self._typed = False
        self._prompt = None
        self._edit_raw = raw
        self._tracker.clear()
        self._tracker.feed(partial)

    def _open_bracket(self, spot: Spot) -> None:
        """Begin an edit at ``?2004h``; whether its line's beginning is output is known later."""
        typed = self._typed and self._pending > 0
        self._begin_edit(bytes(self._partial), self._partial_raw if self._partial else spot.start)
        self._lead = self._tracker.before_cursor() if self._partial else ""
        self._bracketed = True
        self._bracket_raw = spot.start
        self._typed = typed

    def _know_prompt(self) -> list[Finding]:
        """Fix the prompt's text before the first key: what stands before the cursor."""
        text = self._tracker.before_cursor()
        raw = self._edit_raw
        if self._bracketed and self._lead and len(text) > len(self._lead):
            # Output without a final newline stands before the prompt (`x>>> `). If nothing was
            # drawn since, the tool draws its prompt before the switch (zsh).
            text = text[len(self._lead) :]
            raw = self._bracket_raw
        else:
            self._lead = ""
        self._prompt = text
        self._learn(text)
        return [PromptShown(raw, text)]

    def _learn(self, prompt: str) -> None:
        self._known.pop(prompt, None)
        self._known[prompt] = None
        if len(self._known) > MAX_KNOWN:
            del self._known[next(iter(self._known))]

    def _close_bracket(self, spot: Spot) -> list[Finding]:
        """End an edit at ``?2004l``: a line was taken if Enter is pending, else it was abandoned."""
        findings: list[Finding] = []
        if self._pending:
            lines = self._tracker.edited()
            if self._prompt is None:
                findings += self._guess_prompt(lines)
            command = self._command(lines)
            if command is not None:
                findings.append(Accepted(spot.end, command, self._prompt or ""))
                self._leave_edit()
                return findings
        elif self._prompt is None:
            findings += self._know_prompt()
        self._leave_edit(taken=False)
        return findings

    def _leave_edit(self, *, taken: bool = True) -> None:
        self._pending = max(0, self._pending - 1) if taken else 0
        self._editing = self._bracketed = self._typed = False
        self._partial.clear()

    def _guess_prompt(self, lines: list[str]) -> list[Finding]:
        """Find the prompt of a line that was typed ahead, so that its prompt never stood alone."""
        first = lines[0] if lines else ""
        lead = self._lead if first.startswith(self._lead) else ""
        rest = first[len(lead) :]
        fits = [prompt for prompt in self._known if rest.startswith(prompt)]
        looks = _LOOKS.match(rest)
        prompt = max(fits, key=len) if fits else looks[0] if looks else ""
        self._lead = lead
        self._prompt = prompt
        return [PromptShown(self._bracket_raw if lead else self._edit_raw, prompt)]

    def _command(self, lines: list[str]) -> str | None:
        """Return what was entered behind the prompt, or None when no line starts with the prompt."""
        prompt = (self._prompt or "").rpartition("\n")[2]
        shown = list(lines)
        if shown and self._lead and shown[0].startswith(self._lead):
            shown[0] = shown[0][len(self._lead) :]
        if not prompt.strip():
            return shown[-1][len(prompt) :] if shown else ""
        starts = [n for n, line in enumerate(shown) if line.ljust(len(prompt)).startswith(prompt)]
        if not starts:
            return None
        # The last one: a list of completions repeats the prompt below itself.
        first, *more = shown[starts[-1] :]
        rest = [line[len(prompt) :] if _CONTINUATION.match(line[: len(prompt)]) else line for line in more]
        return "\n".join([first[len(prompt) :], *rest])

    def _prompt_key(self) -> bytes:
        """Return bytes that a line with the current prompt must hold: its last word."""
        prompt = self._prompt or (next(reversed(self._known)) if self._known else "")
        words = prompt.split()
        return words[-1].encode() if words else b""

    def _keep_partial(self, raw: int, data: bytes) -> None:
        cut = data.rfind(b"\n") + 1
        if cut:
            self._partial.clear()
        if not self._partial:
            self._partial_raw = raw + cut
        self._partial += data[cut:]
        if len(self._partial) > MAX_PARTIAL:
            self._partial_raw += len(self._partial) - MAX_PARTIAL
            del self._partial[:-MAX_PARTIAL]
