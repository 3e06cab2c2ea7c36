"""What prompts look like: telling them from output before them and from what was typed behind them.

Pure text and bytes. ``Prompts`` remembers those of one tool; the functions read a command out of
the lines that an edit leaves on the screen.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from recorder.findings import Hidden

if TYPE_CHECKING:
    from recorder.findings import Finding, Output

MAX_KNOWN = 32  # prompts remembered of one tool
_LONGEST = 256  # bytes of a line that may be all a prompt, its colours included
CERTAIN = 3  # characters; `> ` may stand anywhere, `>>> ` and `ftp> ` hardly
_WORDS = (  # of what asks for a password, as sudo, ssh, PAM and their translations say it
    r"pass(?:wor[dt]|phrase|code)|\bPIN\b|secret|token|verification code|kennwort|mot de passe|contraseña"
    r"|senha|palavra-passe|пароль|wachtwoord|lösenord|adgangskode|salasana|hasło|heslo|jelszó|şifre|パスワード"
    r"|密[码碼]|口令|암호|비밀번호"
)
PASSWORD = re.compile(rf"(?i)(?:{_WORDS})[^\n]*[:：]\s*\Z")
# What a pager shows while it waits for a key, and gdb, which prints page by page.
_PAGER = re.compile(r"(?:--More--|\(END\)|--Type <RET> for more)[^\n]*\Z")
# What a prompt looks like when none was seen to settle: a word or two and a mark before the text.
_LOOKS = re.compile(r"\A[^\s]{0,60}(?: ?[^\s]{1,20})?[>#$%:)»❯] ")
# What stands before a further line of one edit: blanks, `... `, `   ...: `, `-> `, `| `.
_CONTINUATION = re.compile(r"\A[\s.:>|…·-]*\s\Z")
_MORE = "... "
_PYTHON = frozenset({">>>", "..."})  # its prompts; up to 3.12 it takes a paste line by line
_MARK = re.compile(r"\s*[.:>|…·-]+\s")
# zsh and fish mark output without a final line feed, fill the row with blanks and begin a new one.
_NO_LINE_FEED = re.compile(
    rb"(?:\x1b\[[0-9;]*m|\x1b\(B)+[^\x00-\x20\x1b]{1,4}(?:\x1b\[[0-9;]*m|\x1b\(B)* {19,}\r[^\n]*\Z"
)
_SEQUENCE = re.compile(
    rb"\x1b\[[0-?]*[ -/]*[@-~]|\x1b\][^\x07\x1b]*(?:\x07|\x1b\\)|\x1b[ -/]*[0-Z\\^-~]|[\x00-\x1f\x7f]"
)


class Asked:
    """The line on which a tool asks for a password, as long as it does."""

    def __init__(self) -> None:
        """Begin unasked."""
        self._text: str | None = None
        self._raw = 0
        self._keyed = False  # it has got keys, but no Enter

    def __bool__(self) -> bool:
        return self._text is not None

    def look(self, text: str, raw: int) -> None:
        """Take what stands before the cursor on the line that begins at ``raw``."""
        if PASSWORD.search(text):
            self._text, self._raw, self._keyed = text, raw, False

    def typed(self, *, enters: int, interrupted: bool) -> list[Finding]:
        """Take keys: Enter answers, an interrupt refuses."""
        found: list[Finding] = [] if self._text is None or not enters else [Hidden(self._text)]
        if enters or interrupted:
            self._text = None
        self._keyed = self._text is not None
        return found

    def passed(self, raw: int) -> list[Finding]:
        """Forget the line unless the tool is still on it: the one that it is on begins at ``raw``."""
        return [] if self._raw == raw else self.left()

    def left(self) -> list[Finding]:
        """Forget the line: the tool has left it; `read -s -n` does so without an Enter."""
        text, self._text = self._text, None
        return [] if text is None or not self._keyed else [Hidden(text)]


class Prompts:
    """The prompts that one tool has shown, oldest first."""

    def __init__(self) -> None:
        """Know none."""
        self._known: dict[str, None] = {}

    def __contains__(self, prompt: str) -> bool:
        return prompt in self._known

    @property
    def any(self) -> bool:
        """Say whether a prompt is known that shows something."""
        return any(map(str.strip, self._known))

    def learn(self, prompt: str) -> None:
        """Remember a prompt at which the tool waited."""
        self._known.pop(prompt, None)
        self._known[prompt] = None
        if len(self._known) > MAX_KNOWN:
            del self._known[next(iter(self._known))]

    def latest(self) -> str:
        """Return the prompt shown last, or nothing."""
        return next(reversed(self._known), "")

    def keys(self, prompt: str | None) -> list[bytes]:
        """Return bytes, one of which a line with ``prompt``, else the latest, must hold: its last word.

        Python has a second prompt within a statement; both may follow either.
        """
        words = (prompt or self.latest()).split()[-1:]
        return [word.encode() for word in (_PYTHON if set(words) & _PYTHON else words)]

    def ahead(self, text: str, prompt: str | None) -> str:
        """Return the prompt with which a line of output begins that was typed before it, or nothing.

        ``prompt`` is that of the line before: a paste's second line may be the first within a statement.
        """
        if known := self.beginning(text):
            return known
        python = (prompt or "").strip() in _PYTHON
        return (
            _MORE if python and (text + " ").startswith(_MORE) else ""
        )  # an empty line ends with the prompt

    def beginning(self, text: str) -> str:
        """Return the longest prompt with which ``text`` begins, or nothing."""
        fits = [known for known in self._known if known.strip() and text.startswith(known)]
        return max(fits, key=len, default="")

    def ending(self, text: str) -> str:
        """Return the longest prompt with which ``text`` ends and that is no accident, or nothing."""
        fits = [known for known in self._known if len(known.strip()) >= CERTAIN and text.endswith(known)]
        return max(fits, key=len, default="")

    def last_of(self, lines: list[str]) -> int:
        """Return which of ``lines`` is the last to begin with a prompt that is no accident, else 0."""
        for n in range(len(lines) - 1, 0, -1):
            if len(self.beginning(lines[n]).strip()) >= CERTAIN:
                return n
        return 0

    def stands(self, row: str, *, keyed: bool) -> bool:
        """Say whether a row is a prompt and nothing else; ``keyed``: something may be typed in it."""
        if keyed or row in self._known:
            return row in self._known and bool(row.strip())
        looks = _LOOKS.match(row)
        return looks is not None and looks[0] == row and not is_question(row)

    def plausible(self, text: str) -> bool:
        """Say whether a tool of which nobody knows whether it waits may be waiting behind ``text``."""
        if not self.any or text in self._known:
            return bool(text.strip()) or not self.any
        return bool(text.strip()) and bool(_CONTINUATION.match(text))

    def first(self, partial: bytes) -> bool:
        """Say whether an unfinished line looks like a first prompt, answered before it was seen to rest."""
        looks = None if self.any else _LOOKS.match(text := visible(partial[-_LONGEST:]))
        return looks is not None and looks[0] == text

    def guess(self, text: str) -> str:
        """Return the prompt of a line that was typed before its prompt ever stood alone."""
        if known := self.beginning(text):
            return known
        looks = None if "" in self._known else _LOOKS.match(text)
        return looks[0] if looks else ""

    def standing(
        self, text: str, lead: str, base: Output, drawn: int, *, ahead: bool
    ) -> tuple[int, str, str, bool]:
        """Tell the prompt in the text before the cursor, with what ``behind`` takes and returns.

        ``ahead``: keys came before it. The last result says that some of them stand behind it already.
        """
        raw = base.raw
        if lead and text != lead and text.startswith(lead):
            # Output without a final line feed stands before the prompt (`x>>> `). If nothing was
            # drawn since, the tool draws its prompt before the switch (zsh).
            text, raw = text[len(lead) :], drawn
        else:
            lead = ""
        if text in self:
            return raw, text, lead, False
        if ahead and (begun := self.guess(text)):
            return raw, begun, lead, True
        if base.data and (known := self.ending(text)):
            return raw + where(base.data, known), known, text.removesuffix(known), False
        return raw, text, lead, False

    def behind(self, text: str, lead: str, base: Output, drawn: int) -> tuple[int, str, str]:
        """Find the prompt of an edit's text that was typed before the prompt ever stood alone.

        ``lead`` is what stood in ``base`` when the edit began to be drawn, at raw offset ``drawn``. Return
        the prompt's raw offset, its text, and the output before it.
        """
        if known := self.beginning(text):
            return base.raw, known, ""
        lead = lead if text.startswith(lead) else ""
        if known := self.ending(lead):  # drawn before the switch, behind other output
            return base.raw + where(base.data, known), known, lead.removesuffix(known)
        return drawn if lead else base.raw, self.guess(text[len(lead) :]), lead


def is_question(text: str) -> bool:
    """Say whether a tool that waits behind ``text`` asks for something in the middle of a turn."""
    return bool(PASSWORD.search(text) or _PAGER.search(text))


def elsewhere(lines: list[str], prompt: str) -> bool:
    """Say whether the last of ``lines`` does not begin as the edit behind ``prompt`` does."""
    return not (lines and lines[-1].startswith(last_line(prompt).rstrip()))


def last_line(prompt: str) -> str:
    """Return the row of a prompt in which the edit begins."""
    return prompt.rpartition("\n")[2]


def output_before(partial: bytes) -> int:
    """Return how many bytes of an unfinished line are output that a shell marked as unfinished."""
    found = _NO_LINE_FEED.search(partial)
    return found.start() if found else 0


def visible(data: bytes) -> str:
    """Return the characters of output without the sequences between them."""
    return _SEQUENCE.sub(b"", data).decode(errors="replace")


def where(partial: bytes, prompt: str) -> int:
    """Return where in an unfinished line its last part, the text ``prompt``, begins; else 0."""
    first = prompt[:1].encode()
    at = partial.rfind(first)
    while at >= 0 and first:
        if _SEQUENCE.sub(b"", partial[at:]) == prompt.encode():
            return at
        at = partial.rfind(first, 0, at)
    return 0


def command(lines: list[str], prompt: str, *, lead: str = "", right: str = "") -> str | None:
    """Return what was entered behind ``prompt``, or None when no line begins with it.

    ``lead`` is output on the prompt's line, ``right`` what the prompt shows at the right edge.
    """
    row = last_line(prompt)
    shown = list(lines)
    if shown and lead and shown[0].startswith(lead):
        shown[0] = shown[0][len(lead) :]
    if not row.strip():
        return shown[-1][len(row) :] if shown else ""
    starts = [n for n, line in enumerate(shown) if line.ljust(len(row)).startswith(row)]
    if not starts:
        return None
    # The last one: a list of completions repeats the prompt below itself.
    first, *more = shown[starts[-1] :]
    if right and first.endswith(right):
        first = first.removesuffix(right).rstrip()
    widths = [len(row)]
    if lead and more and (mark := _MARK.match(more[0])):
        widths.insert(0, mark.end())  # an editor that knows nothing of what stood before its prompt
    return "\n".join([first[len(row) :], *_without_continuation(more, widths)]).rstrip("\n")


def _without_continuation(lines: list[str], widths: list[int]) -> list[str]:
    """Take off what a tool shows before each further line of an edit, if it is the same for all."""
    for width in widths:
        heads = {line[:width].ljust(width) for line in lines}
        if len(heads) == 1 and _CONTINUATION.match(heads.pop()):
            return [line[width:] for line in lines]
    return lines
