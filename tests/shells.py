"""A recorded shell with our hooks, as a person has it: a clean home, an rc file, a prompt.

    with Shell("zsh", root) as shell:
        shell.run("echo one")
        assert shell.log()[-1]["command"] == "echo one"

`run` types a line and waits for the next prompt. What was recorded is asked of the command line.
"""

from __future__ import annotations

import re
import shlex
import time
from pathlib import Path

from blackbox import Rec, Term, events, look, need, output, wait_for
from processes import asleep, tool_of

SHELLS = ("bash", "zsh", "fish")
FILES = Path(__file__).parent.parent / "shell"
PROMPT = "ready> "


def hooks_line(kind: str) -> str:
    """What `rec init` writes at the end of an rc file."""
    file = shlex.quote(str(FILES / f"hooks.{kind}"))
    return f"test -r {file}; and source {file}" if kind == "fish" else f"[ -r {file} ] && . {file}"


def rc_file(kind: str, home: Path) -> Path:
    names = {"bash": ".bashrc", "zsh": ".zshrc", "fish": ".config/fish/config.fish"}
    path = home / names[kind]
    path.parent.mkdir(parents=True, exist_ok=True)
    spare_the_manual(home)
    return path


def spare_the_manual(home: Path) -> None:
    """Keep fish from reading all manual pages, as it does in a fresh home: more work than all of a test."""
    (home / ".local/share/fish/generated_completions").mkdir(parents=True, exist_ok=True)


def prompt_lines(kind: str) -> str:
    """Give a shell a prompt that says when it is there; fish's greeting would only be in the way."""
    if kind == "fish":
        return f"function fish_prompt; echo -n '{PROMPT}'; end\nset -g fish_greeting"
    name = "PROMPT" if kind == "zsh" else "PS1"
    return f"{name}='{PROMPT}'"


def write_rc(kind: str, home: Path, before: str = "", after: str = "") -> Path:
    """Write an rc file with the hooks last; ``after`` comes behind them."""
    path = rc_file(kind, home)
    path.write_text("\n".join([prompt_lines(kind), before, hooks_line(kind), after, ""]))
    return path


class Prompted(Term):
    """A shell on a terminal, whose prompts are counted."""

    prompts = 0

    def shell_pid(self) -> int:
        return self.pid

    def ready(self, count: int = 1) -> None:
        """Wait for the next prompt, or the next few."""
        self.prompts += count
        self.expect(re.compile("ready>(?: |$)", re.MULTILINE), count=self.prompts)

    def run(self, line: str, prompts: int = 1) -> None:
        """Type a line and Enter, and wait for the prompt behind it."""
        self.line(line)
        self.ready(prompts)

    def abandon(self) -> None:
        """Type Ctrl-C behind a line, and wait for the next prompt.

        Only once the shell has drawn all and waits: one Ctrl-C in four that fish gets while it colours a
        line is lost, unrecorded too. A silent shell may only not have had its turn.
        """

        def waits() -> bool:
            before = self.position
            time.sleep(0.1)
            return asleep(self.shell_pid()) and before == self.position

        wait_for(waits, what="the shell to wait for a key")
        self.send(b"\x03")
        self.ready()


class Bare(Prompted):
    """The same shell with the same rc file, which nobody records, at its first prompt."""

    def __init__(self, kind: str, home: Path, *, before="", after="", **options) -> None:
        write_rc(kind, home, before, after)
        env = {"PS1": None, **options.pop("env", {})}
        super().__init__([kind, "-i"], home=home, env=env, **options)
        self.ready()


class Shell(Prompted, Rec):
    """A recorded interactive shell at its first prompt."""

    def __init__(self, kind: str, root, *, before="", after="", args=(), run=(), **options) -> None:
        need(kind)
        home = Path(root).parent / "home"
        home.mkdir(parents=True, exist_ok=True)
        write_rc(kind, home, before, after)
        self.kind = kind
        env = {"PS1": None, "REC_ROOT": str(root), **options.pop("env", {})}
        super().__init__(["run", *run, "--", kind, *(args or ("-i",))], root, env=env, **options)
        self.ready()

    def shell_pid(self) -> int:
        return tool_of(self)

    def leave(self, status: int = 0) -> None:
        """Type `exit` and see that it is left with this status."""
        self.line(f"exit {status}" if status else "exit")
        assert self.wait() == status

    # --- what was recorded -----------------------------------------------------------------------

    def _rows(self) -> list[dict]:
        """All turns; none as long as there is no session."""
        asked = look(["log", "@1", "--json"], self.root)
        return asked.lines() if asked.status == 0 else []

    def log(self, count: int | None = None) -> list[dict]:
        """The finished turns; with ``count`` when there are so many."""

        def finished():
            rows = [row for row in self._rows() if row["end"] != "running"]
            return rows if count is None or len(rows) >= count else None

        return finished() if count is None else wait_for(finished, what=f"{count} turns")

    def last(self, command: str) -> dict:
        """The newest turn, once it is finished and is this command."""

        def found():
            rows = [row for row in self._rows() if row["command"] == command and row["end"] != "running"]
            return rows[-1] if rows else None

        return wait_for(found, what=f"a turn {command!r}")

    def printed(self, command: str) -> str:
        """What the newest turn of this command has printed."""
        return output(self.root, f"@1:{self.last(command)['turn']}")["output"]

    def background(self) -> str:
        """What was printed while no turn was open."""
        return "".join(
            row["text"] for row in events(self.root) if row["kind"] == "output" and row["turn"] is None
        )
