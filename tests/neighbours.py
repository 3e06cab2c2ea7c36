"""Other programs that hook into a shell, and the conversation that shows that we live beside them.

    together("bash", tmp_path, neighbour, "after")

types the same lines into a recorded and an unrecorded shell, both with the neighbour. The screens must be
the same, and the record must hold exactly the commands. Where a neighbour cannot be installed everywhere,
a stand-in of the same shape is in `standins/`; its first lines say whose.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import NamedTuple

import pytest
from shells import Bare, Shell

OSC = re.compile(rb"\x1b\]([^\x07\x1b]*)")
STANDINS = Path(__file__).parent / "standins"


class Neighbour(NamedTuple):
    """Lines of an rc file, the files without which they make no sense, and the environment they expect."""

    name: str
    lines: str
    needs: tuple[str, ...] = ()
    env: dict[str, str] = {}  # noqa: RUF012  (nobody changes it)

    def there(self) -> None:
        """Skip the test where a file is missing (in CI a skipped test is a failed one)."""
        missing = [path for path in self.needs if not Path(path).exists()]
        if missing:
            pytest.skip(f"missing: {', '.join(missing)}")


def real(name: str, lines: str, *needs: str, **env: str) -> Neighbour:
    """A neighbour that is installed; ``{0}`` in ``lines`` is the first file it needs."""
    return Neighbour(name, lines.format(*needs), needs, env)


def standin(name: str, kind: str, **env: str) -> Neighbour:
    return Neighbour(f"{name} (stand-in)", f". {STANDINS / name}.{kind}", env=env)


def orders(neighbours, places=("before", "after", "both")) -> pytest.MarkDecorator:
    """Each neighbour before our line, behind it, and (as on sourcing an rc file again) on both sides."""
    cases = [
        pytest.param(neighbour, place, id=f"{neighbour.name} {place}")
        for neighbour in neighbours
        for place in places
    ]
    return pytest.mark.parametrize(("neighbour", "place"), cases)


def rc(neighbour: Neighbour, place: str) -> dict[str, str]:
    return {side: neighbour.lines for side in ("before", "after") if place in (side, "both")}


def recorded(kind: str, root: Path, neighbour: Neighbour, place: str = "before", **options) -> Shell:
    """A recorded shell beside a neighbour."""
    neighbour.there()
    return Shell(kind, root, **rc(neighbour, place), env=neighbour.env, **options)


def seen(term) -> tuple[list[str], list[bytes], list[str]]:
    """All that was shown, all that the terminal was told in OSC sequences, and what a stand-in noted."""
    term.drain()
    home = str(term.home).encode()
    told = [text.replace(home, b"HOME") for text in OSC.findall(bytes(term.raw))]
    notes = term.home / "noted"
    # The blank behind the last prompt may still be on its way.
    return term.text().rstrip().splitlines(), told, notes.read_text().splitlines() if notes.exists() else []


def together(kind: str, tmp_path: Path, neighbour: Neighbour, place: str) -> None:
    """Hold the conversation twice, and compare."""
    status = "$status" if kind == "fish" else "$?"
    subshell = ("sh -c 'exit 9'", 9) if kind == "fish" else ("(exit 9)", 9)
    typed = [
        ("echo one", 0),
        ("", None),
        ("false", 1),
        (f"echo status {status}", 0),
        ("sh -c 'exit 42'", 42),
        ("", None),
        subshell,
        ("cd /tmp", 0),
        ("true", 0),
        ("echo 'two;  three' # %", 0),
    ]
    neighbour.there()
    home = tmp_path / "bare" / "home"
    home.mkdir(parents=True)
    with Bare(kind, home, **rc(neighbour, place), env=neighbour.env, rows=50) as bare:
        for line, _ in typed:
            bare.run(line)
        expected = seen(bare)
    root = tmp_path / "root"
    with recorded(kind, root, neighbour, place, rows=50) as shell:
        for line, _ in typed:
            shell.run(line)
        assert seen(shell) == expected
        turns = [(line, code) for line, code in typed if code is not None]
        log = shell.log(len(turns))
        assert [(row["command"], row["exit_status"]) for row in log] == turns
        assert {row["end"] for row in log} == {"done"}
        moved = turns.index(("cd /tmp", 0)) + 1
        places = [str(shell.home)] * moved + ["/tmp"] * (len(turns) - moved)
        assert [row["cwd"] for row in log] == places
        assert shell.printed("echo one") == "one\n"
        assert shell.printed(f"echo status {status}") == "status 1\n"
        shell.leave()
