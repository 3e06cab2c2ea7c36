"""Hooks: what shell/ adds to each prompt of bash, zsh and fish, beside the same shell without it.

There is no recorder: the shells are told that they are recorded, and we read their marks as one would.
"""

from __future__ import annotations

import os
import re
import time
from contextlib import ExitStack
from shutil import which
from typing import TYPE_CHECKING

from bench import stats
from bench.peers import ROOT
from bench.result import Check, Column, Result, Row
from bench.terminal import Terminal

if TYPE_CHECKING:
    from pathlib import Path

    from bench.context import Context

LIMIT_MS = 1.0
SOURCE = "nobody notices 1 ms; a hook that starts one program takes that"
SHELLS = ("bash", "zsh", "fish")
BARE, HOOKED = "bare", "hooked"
# The prompt counts, so that one which is only drawn again is not taken for the next.
PROMPTS = {
    "bash": "n=0; PS1='<$((n+=1))>'\n",
    "zsh": "setopt prompt_subst; n=0; PS1='<$((n+=1))>'\n",
    "fish": 'set -g n 0; function fish_prompt; set -g n (math $n + 1); echo -n "<$n>"; end\n',
}
RC_FILES = {"bash": "rc", "zsh": ".zshrc", "fish": "fish/config.fish"}
WITH_TTY = 'REC_TTY=$(tty); export REC_TTY; exec "$@"'
SETTLED_S = 0.3  # without output: whatever the shell does once is done


def measure(context: Context) -> list[Result]:
    """Enter ``:`` in both shells in turns and wait for the next prompt of each."""
    times: dict[str, dict[str, list[float]]] = {}
    missing = []
    for shell in SHELLS:
        if which(shell, path=context.field.env["PATH"]) is None:
            missing.append(f"{shell}: left out, not installed")
        elif not _hooks(shell).exists():
            missing.append(f"{shell}: left out, no {_hooks(shell).relative_to(ROOT)}")
        else:
            times[shell] = _pair(context, shell)
    return [_result(times, tuple(missing), context.plan.prompts)]


def _pair(context: Context, shell: str) -> dict[str, list[float]]:
    """Run a shell with hooks and one without at the same time; return the times of each in ms."""
    times: dict[str, list[float]] = {BARE: [], HOOKED: []}
    with context.directory() as into, ExitStack() as stack:
        both = {who: stack.enter_context(_start(context, shell, into / who, who == HOOKED)) for who in times}
        last = {who: _prompt_after(terminal, 0) for who, terminal in both.items()}
        for terminal in both.values():
            terminal.quiet(SETTLED_S)
        for number, who in stats.in_turns(list(both), context.plan.prompts + 1):
            context.say(f"hooks: {shell}, {who}, prompt {number}")
            began = time.perf_counter()
            both[who].write(b":\r")
            last[who] = _prompt_after(both[who], last[who])
            if number:
                times[who].append((time.perf_counter() - began) * 1000)
            both[who].quiet(context.plan.key_pause_s)
    return times


def _start(context: Context, shell: str, into: Path, hooked: bool) -> Terminal:  # noqa: FBT001  (a column)
    """Start a shell with settings of its own, which source the hooks last."""
    from recorder import config

    rc = into / RC_FILES[shell]
    rc.parent.mkdir(parents=True)
    rc.write_text(PROMPTS[shell] + (f"source {_hooks(shell)}\n" if hooked else ""))
    env = {**context.field.env, "ZDOTDIR": str(into), "XDG_CONFIG_HOME": str(into)}
    told = config.tool_env(env, session="0" * 26, tty="", pid=os.getpid(), nonce="0" * 32)
    words = {"bash": ["--noprofile", "--rcfile", str(rc)], "zsh": ["-d"], "fish": []}[shell]
    return Terminal(["sh", "-c", WITH_TTY, "sh", shell, *words, "-i"], told)


def _hooks(shell: str) -> Path:
    return ROOT / "shell" / f"hooks.{shell}"


def _prompt_after(terminal: Terminal, last: int) -> int:
    """Read to a prompt that counts more than ``last``; return its number."""
    seen = b""
    while True:
        data = terminal.read()
        if not data:
            raise EOFError(seen)
        seen += data
        newest = max(map(int, re.findall(rb"<([0-9]+)>", seen)), default=0)
        if newest > last:
            return newest


def _result(times: dict[str, dict[str, list[float]]], missing: tuple[str, ...], prompts: int) -> Result:
    rows = []
    for shell, pair in times.items():
        bare, hooked = stats.middle(pair[BARE]), stats.middle(pair[HOOKED])
        figures = {"bare_ms": bare, "hooked_ms": hooked, "added_ms": stats.minus(hooked, bare)}
        rows.append(Row(shell, {**figures, "p99_ms": stats.percentile(pair[HOOKED], 99)}))
    return Result(
        "hooks",
        f"from Enter behind `:` to the next prompt, {prompts} prompts",
        (
            Column("bare_ms", "bare ms", 3),
            Column("hooked_ms", "with hooks ms", 3),
            Column("added_ms", "added ms", 3),
            Column("p99_ms", "p99 with hooks", 3),
        ),
        tuple(rows),
        tuple(
            Check(f"{row.who}: added to a prompt", row.figures["added_ms"], LIMIT_MS, "ms", SOURCE, 3)
            for row in rows
        ),
        missing,
        {f"{shell} {who}": values for shell, pair in times.items() for who, values in pair.items()},
    )
