"""Public marks as their writers send them, lies included, and the turns that they make.

What a writer sends is written down as text: ``<133;A>`` is a mark, ``{ls}`` says that the shell has
shown the line ``ls`` and got an Enter (what inference finds), ``\\e`` is ESC; all else is output.
Turns are read back the same way: ``$`` a prompt, ``ls`` a command, ``=0`` its end with its status,
``=?`` with an unknown one, ``=!`` an end that nobody saw; ``.`` stands before what is nested.
"""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st
from traces import SOURCE, moment

from recorder.hints import MAX_SHELLS, Hints, Spoken
from recorder.hintshell import Begin, Finish
from recorder.marks import parse_public
from recorder.model import End
from recorder.tape import Tape
from recorder.watch import SpotKind

HOST = "desk.example.org"
NONCE = "0f1e2d3c"
PIECE = re.compile(r"<([^>]*)>|\{([^}]*)\}|([^<{]+)", re.DOTALL)


class Player:
    """Feed what a writer sends to hints, as capture does."""

    def __init__(self, nonce=NONCE):
        self.hints = Hints(HOST, nonce)
        self.tape = Tape(SOURCE, "", 0)
        self.now = moment(0)
        self.actions = []

    def send(self, script, size=1 << 20):
        for mark, line, text in PIECE.findall(script):
            if mark:
                self._output(f"\x1b]{mark}\x07".encode(), size)
            elif text:
                self._output(text.replace("\\e", "\x1b").replace("\n", "\r\n").encode(), size)
            else:
                self.actions += self.hints.drawn(self.now, self.tape.raw, line)
        return self

    def _output(self, data, size):
        for at in range(0, len(data), size):
            for stretch in self.tape.keep(self.now, data[at : at + size]):
                self._stretch(stretch)

    def _stretch(self, stretch):
        begin = stretch.start
        for spot in stretch.spots:
            mark = parse_public(spot.body) if spot.kind is SpotKind.OSC else None
            if mark is not None:
                self._text(stretch, begin, max(begin, spot.start))
                self.actions += self.hints.take(Spoken(self.now, spot.start, spot.end, mark))
                begin = spot.end
        self._text(stretch, begin, stretch.start + len(stretch.text))

    def _text(self, stretch, begin, end):
        text = stretch.text[begin - stretch.start : end - stretch.start]
        if text:
            self.actions += self.hints.printed(text)

    @property
    def turns(self):
        return [said(action) for action in self.actions]


def said(action):
    if isinstance(action, Begin):
        return "." * action.depth + ("?" if action.command is None else action.command)
    if isinstance(action, Finish):
        sign = "!" if action.end is End.UNKNOWN else "?"
        return "." * action.depth + "=" + (sign if action.status is None else str(action.status))
    return "$"


def turns(script, **options):
    """Say what a script makes, without the prompts."""
    return [turn for turn in Player(**options).send(script).turns if turn != "$"]


# --- what each writer sends: first prompt, true, false, Enter, Ctrl-C, ` x`, status 42, Ctrl-L, exit ---

GHOSTTY_PROMPT = "<133;A;aid=7><133;P;k=i>$ <133;B>"
GHOSTTY_BASH = (
    GHOSTTY_PROMPT
    + "true\n{true}<133;C>\\e[?2004l<133;D;0;aid=7>" + GHOSTTY_PROMPT
    + "false\n{false}<133;C><133;D;0;aid=7>" + GHOSTTY_PROMPT
    + "\n{}<133;D;0;aid=7>" + GHOSTTY_PROMPT
    + "typed^C\n<133;D;0;aid=7>" + GHOSTTY_PROMPT
    + " x\n{ x}<133;C>out\n<133;D;0;aid=7>" + GHOSTTY_PROMPT
    + "(exit 42)\n{(exit 42)}<133;C><133;D;0;aid=7>" + GHOSTTY_PROMPT
    + "\\e[H\\e[2J<133;P;k=i>$ <133;B>"
    + "exit\n{exit}<133;C>exit\n"
)  # fmt: skip


def kitty_bash(command, typed="", status=0):
    """Return a line of kitty's script for bash: the end stands in the prompt, which may be drawn again."""
    began = f"<133;C;cmdline={command}>" if command else ""
    return f"{typed}\n{began}<133;k;start_kitty><133;D;{status}><133;A><133;k;end_kitty>$ "


KITTY_BASH = (
    "<133;k;start_kitty><133;D;0><133;A><133;k;end_kitty>$ "
    + kitty_bash("true", "true") + kitty_bash("false", "false", 1) + kitty_bash("", "", 1)
    + kitty_bash("", "typed^C", 130) + kitty_bash("x", " x", 0)
    + kitty_bash(r"\(exit\ 42\)", "(exit 42)", 42) + kitty_bash("", "\\e[H\\e[2J", 42)
    + "exit\n<133;C;cmdline=exit>exit\n"
)  # fmt: skip


def iterm_bash(count, typed, status):
    """Return a line of iTerm2's script for bash: an empty line is marked like any other."""
    aid = f"aid=s4lt-{count}"
    return (
        f"{typed}<133;C;{aid};\r><1337;RemoteHost=u@{HOST}><1337;CurrentDir=/home>"
        f"<133;D;{status};{aid}><133;A;aid=s4lt-{count + 1}>$ <133;B;aid=s4lt-{count + 1}>"
    )


ITERM_BASH = (
    "<133;C;aid=s4lt-0><133;D;0;aid=s4lt-0><133;A;aid=s4lt-1>$ <133;B;aid=s4lt-1>"
    + iterm_bash(1, "true\n{true}", 0) + iterm_bash(2, "false\n{false}", 1) + iterm_bash(3, "\n{}", 1)
    + iterm_bash(4, "typed^C\n", 130) + iterm_bash(5, " x\n{ x}", 0)
    + iterm_bash(6, "(exit 42)\n{(exit 42)}", 42)
    + "\\e[H\\e[2J<133;D;42;aid=s4lt-6><133;A;aid=s4lt-7>$ <133;B;aid=s4lt-7>"
    + "exit\n{exit}<133;C;aid=s4lt-7>exit\n"
)  # fmt: skip

ITERM_PROMPT = "<133;A;aid=s4lt-{0}>$ <133;B;aid=s4lt-{0}>"
ITERM_ZSH = (
    "<133;D;0;aid=s4lt-0>" + ITERM_PROMPT.replace("{0}", "1")
    + "true\n{true}<133;C;aid=s4lt-2><133;D;0;aid=s4lt-2>" + ITERM_PROMPT.replace("{0}", "2")
    + "false\n{false}<133;C;aid=s4lt-3><133;D;1;aid=s4lt-3>" + ITERM_PROMPT.replace("{0}", "3")
    + "\n{}<133;C;aid=s4lt-4><133;D;1;aid=s4lt-4>" + ITERM_PROMPT.replace("{0}", "3")
    + "typed^C\n<133;C;aid=s4lt-5><133;D;130;aid=s4lt-5>" + ITERM_PROMPT.replace("{0}", "3")
    + " x\n{ x}<133;C;aid=s4lt-6><133;D;0;aid=s4lt-6>" + ITERM_PROMPT.replace("{0}", "6")
    + "(exit 42)\n{(exit 42)}<133;C;aid=s4lt-7><133;D;42;aid=s4lt-7>" + ITERM_PROMPT.replace("{0}", "7")
    + "\\e[H\\e[2J" + ITERM_PROMPT.replace("{0}", "7") + "exit\n{exit}<133;C;aid=s4lt-8>"
)  # fmt: skip

KITTY_ZSH = (
    "<133;A>% "
    "true\n<133;C;cmdline=true>\\e[1m\\e[7m%\\e[27m\\e[1m\\e[0m          \r \r<133;D;0><133;A>% "
    "false\n<133;C;cmdline=false>\\e[1m\\e[7m%\\e[27m\\e[1m\\e[0m          \r \r<133;D;1><133;A>% "
    "\n\\e[1m\\e[7m%\\e[27m\\e[1m\\e[0m          \r \r<133;D><133;A>% "
    "typed\n<133;D><133;A>% "
    " x\n<133;C;cmdline=\\ x>out\n<133;D;0><133;A>% "
    "(exit 42)\n<133;C;cmdline=\\(exit\\ 42\\)><133;D;42><133;A>% "
    "\\e[H\\e[2J<133;A>% exit\n<133;C;cmdline=exit>"
)

BOTH_IN_BASH = (
    "".join(
        f"<133;A;aid=7><133;k;start_kitty><133;D;{before}><133;A><133;k;end_kitty><133;P;k=i>$ <133;B>"
        f"{line}\n{{{line}}}"
        + (f"<133;C;cmdline={line}><133;C;aid=7><133;D;0;aid=7>" if line else "<133;D;0;aid=7>")
        for before, line in [(0, "true"), (0, "false"), (1, ""), (1, "x")]
    )
    + "<133;A;aid=7><133;k;start_kitty><133;D;127><133;A><133;k;end_kitty><133;P;k=i>$ <133;B>"
)

FISH4 = (
    "<133;A;click_events=1>> <133;B>"
    "true\n<133;C;cmdline_url=true><133;D;0><133;A;click_events=1>> <133;B>"
    "false\n<133;C;cmdline_url=false><133;D;1><133;A;click_events=1>> <133;B>"
    "\n<133;A;click_events=1>> <133;B>"
    "typed^C\n<133;A;click_events=1>> <133;B>"
    " x\n<133;C;cmdline_url=%20x>out\n<133;D;0><133;A;click_events=1>> <133;B>"
    "(exit 42)\n<133;C;cmdline_url=%28exit%2042%29><133;D;42><133;A;click_events=1>> <133;B>"
    "\\e[H\\e[2J<133;A;click_events=1>> <133;B>"
    "exit\n<133;C;cmdline_url=exit><133;D;0>"
)

POWERLEVEL10K = (
    "<133;A>> <133;B>true\n{true}\\e[A<133;A>> <133;B>true\n<133;C><133;D;0><133;A>> <133;B>"
    "false\n{false}\\e[A<133;A>> <133;B>false\n<133;C><133;D;1><133;A>> <133;B>"
    "\n{}<133;C><133;D;1><133;A>> <133;B>"
    "typed\n<133;C><133;D><133;A>> <133;B>"
    " x\n{ x}<133;C>out\n<133;D;0><133;A>> <133;B>"
    "(exit 42)\n{(exit 42)}<133;C><133;D;42><133;A>> <133;B>"
    "<133;A>> <133;B>exit\n{exit}<133;C>"
)

VSCODE = (
    "<633;P;ContinuationPrompt=\\x3e ><633;D><633;P;Cwd=/home><633;A>$ <633;B>"
    f"true\n<633;E;true;{NONCE}><633;C><633;D;0><633;P;Cwd=/home><633;A>$ <633;B>"
    f"false\n<633;E;false;{NONCE}><633;C><633;D;1><633;P;Cwd=/home><633;A>$ <633;B>"
    "\n<633;D><633;P;Cwd=/home><633;A>$ <633;B>"
    "typed^C\n<633;D><633;P;Cwd=/home><633;A>$ <633;B>"
    f" x\n<633;E;\\x20x;{NONCE}><633;C>out\n<633;D;0><633;P;Cwd=/home><633;A>$ <633;B>"
    f"(exit 42)\n<633;E;(exit 42);{NONCE}><633;C><633;D;42><633;P;Cwd=/home><633;A>$ <633;B>"
    "\\e[H\\e[2J<633;A>$ <633;B>"
    f"exit\n<633;E;exit;{NONCE}><633;C>exit\n"
)

SHELL = f";user=u;hostname={HOST};pid=31;type=shell;cwd=/home"
RUNS = f";user=u;hostname={HOST};pid=31;type=command;cwd=/home"
SYSTEMD = (
    f"<3008;start=sh{SHELL}>$ true\n{{true}}<3008;start=c1{RUNS}><3008;end=c1;exit=success>"
    f"<3008;start=sh{SHELL}>$ false\n{{false}}<3008;start=c2{RUNS}><3008;end=c2;exit=failure;status=1>"
    f"<3008;start=sh{SHELL}>$ \n{{}}<3008;end=c3;exit=failure;status=1>"
    f"<3008;start=sh{SHELL}>$ typed^C\n<3008;end=c4;exit=interrupt;signal=SIGINT>"
    f"<3008;start=sh{SHELL}>$  x\n{{ x}}<3008;start=c5{RUNS}>out\n<3008;end=c5;exit=success>"
    f"<3008;start=sh{SHELL}>$ (exit 42)\n{{(exit 42)}}<3008;start=c6{RUNS}>"
    f"<3008;end=c6;exit=failure;status=42>"
    f"<3008;start=sh{SHELL}>$ \\e[H\\e[2J$ exit\n{{exit}}<3008;start=c7{RUNS}>exit\n"
)

WEZTERM_PROMPT = "<1337;SetUserVar=WEZTERM_PROG=><133;D;{};aid=9><133;A;cl=m;aid=9><133;P;k=i>$ <133;B>"


def wezterm(packed, typed, status):
    return f"{typed}\n<1337;SetUserVar=WEZTERM_PROG={packed}><133;C>" + WEZTERM_PROMPT.replace(
        "{}", str(status)
    )


WEZTERM = (
    WEZTERM_PROMPT.replace("{}", "0") + wezterm("dHJ1ZQ==", "true", 0) + wezterm("ZmFsc2U=", "false", 1)
    + "\n<133;A;cl=m;aid=9><133;P;k=i>$ <133;B>" + "typed^C\n<133;A;cl=m;aid=9><133;P;k=i>$ <133;B>"
    + wezterm("IHg=", " x", 0) + wezterm("KGV4aXQgNDIp", "(exit 42)", 42) + "\\e[H\\e[2J<133;P;k=i>$ <133;B>"
    + "exit\n<1337;SetUserVar=WEZTERM_PROG=ZXhpdA==><133;C>"
)  # fmt: skip

BY_HAND = (  # A and B in PS1, C in PS0, D in PROMPT_COMMAND
    "<133;D;0><133;A>$ <133;B>true\n{true}<133;C><133;D;0><133;A>$ <133;B>"
    "false\n{false}<133;C><133;D;1><133;A>$ <133;B>"
    "\n{}<133;D;1><133;A>$ <133;B>typed^C\n<133;D;130><133;A>$ <133;B>"
    " x\n{ x}<133;C>out\n<133;D;0><133;A>$ <133;B>"
    "(exit 42)\n{(exit 42)}<133;C><133;D;42><133;A>$ <133;B>"
    "\\e[H\\e[2J<133;A>$ <133;B>exit\n{exit}<133;C>exit\n"
)
PROMPTS_ONLY = (  # A in PS1, as many a terminal's manual has it for jumps from prompt to prompt
    "<133;A>$ true\n{true}<133;A>$ false\n{false}<133;A>$ \n{}<133;A>$ typed^C\n<133;A>$ "
    " x\n{ x}out\n<133;A>$ (exit 42)\n{(exit 42)}<133;A>$ \\e[H\\e[2J<133;A>$ exit\n{exit}exit\n"
)
ENDS_ONLY = (  # a bash without PS0
    "<133;D;0><133;A>$ <133;B>true\n{true}<133;D;0><133;A>$ <133;B>false\n{false}<133;D;1><133;A>$ <133;B>"
    "\n{}<133;D;1><133;A>$ <133;B>typed^C\n<133;D;130><133;A>$ <133;B> x\n{ x}out\n<133;D;0><133;A>$ <133;B>"
    "(exit 42)\n{(exit 42)}<133;D;42><133;A>$ <133;B>\\e[H\\e[2J<133;A>$ <133;B>exit\n{exit}exit\n"
)
STARTS_ONLY = (  # kitty's script for bash, before it knew of statuses
    "<133;A>$ true\n{true}<133;C><133;A>$ false\n{false}<133;C><133;A>$ \n{}<133;A>$ typed^C\n<133;A>$ "
    " x\n{ x}<133;C>out\n<133;A>$ (exit 42)\n{(exit 42)}<133;C><133;A>$ \\e[H\\e[2J<133;A>$ "
    "exit\n{exit}<133;C>"
)

EXACT = ["true", "=0", "false", "=1", " x", "=0", "(exit 42)", "=42", "exit"]
EMITTERS = {
    "Ghostty, bash": (GHOSTTY_BASH, ["true", "=?", "false", "=?", " x", "=?", "(exit 42)", "=?", "exit"]),
    "kitty, bash": (KITTY_BASH, ["true", "=0", "false", "=1", "x", "=0", "(exit 42)", "=42", "exit"]),
    "kitty, zsh": (KITTY_ZSH, EXACT),
    "iTerm2, bash": (ITERM_BASH, EXACT),
    "iTerm2, zsh": (ITERM_ZSH, EXACT),
    "kitty and Ghostty, bash": (BOTH_IN_BASH, ["true", "=0", "false", "=1", "x", "=127"]),
    "fish 4": (FISH4, [*EXACT, "=0"]),
    "powerlevel10k": (POWERLEVEL10K, EXACT),
    "VS Code": (VSCODE, EXACT),
    "systemd, bash": (SYSTEMD, EXACT),
    "WezTerm, bash": (WEZTERM, EXACT),
    "by hand": (BY_HAND, EXACT),
    "prompts only": (PROMPTS_ONLY, ["true", "=?", "false", "=?", " x", "=?", "(exit 42)", "=?", "exit"]),
    "ends only": (ENDS_ONLY, EXACT),
    "starts only": (STARTS_ONLY, ["true", "=?", "false", "=?", " x", "=?", "(exit 42)", "=?", "exit"]),
}
each_emitter = pytest.mark.parametrize(("script", "expected"), EMITTERS.values(), ids=EMITTERS)


@each_emitter
def test_what_each_writer_says(script, expected):
    assert turns(script) == expected


@each_emitter
@given(size=st.integers(1, 40))
def test_however_it_is_split(script, expected, size):
    assert Player().send(script, size).actions == Player().send(script).actions


@pytest.mark.parametrize(
    ("script", "expected"), [pair for name, pair in EMITTERS.items() if name != "prompts only"]
)
def test_each_command_has_one_prompt(script, expected):
    said = [turn for turn in Player().send(script).turns if turn[0] != "="]
    if "C;aid=s4lt" in script or "typed\n<133;C>" in script:
        del said[4:6]  # empty lines and Ctrl-C are marked like commands, and each has a prompt
    assert said[::2] == ["$"] * len(said[::2])
    assert said[1::2] == [turn for turn in expected if turn[0] != "="]


def test_marks_say_where_the_output_is():
    player = Player().send("<133;A>$ <133;B>ls\n<133;C;cmdline_url=ls>file\n<133;D;0>")
    raw = b"\x1b]133;A\x07$ \x1b]133;B\x07ls\r\n\x1b]133;C;cmdline_url=ls\x07file\r\n\x1b]133;D;0\x07"
    began, ended = player.actions[-2:]
    assert raw[began.raw : ended.raw] == b"file\r\n"


# --- what makes no turn --------------------------------------------------------------------------


@pytest.mark.parametrize(
    "script",
    [
        "<133;C>stray\n",  # a log that is shown in a tool which knows nothing of marks
        "<133;C;cmdline=ls>stray\n<633;C><633;E;ls;x>",
        "<133;ABC><133;Z><133;k;start_kitty><133;L>x<133;C>y",
        "<133;A;k=s>> <133;P;k=c>> <133;P;k=r>x<633;F><633;G><633;H><633;I>x<133;C>y",
        "<633;EnvSingleStart;0;n><633;EnvSingleEntry;A;b;n><633;EnvSingleEnd;n><133;C>y",
        f"<7;file://{HOST}/home><1337;CurrentDir=/home><633;P;Cwd=/><133;C>y",
        "<3008;start=x;type=service>y<3008;end=x><133;C>y",
        "<3008;end=x;exit=success>",
    ],
)
def test_what_says_nothing_about_a_shell(script):
    player = Player().send(script)
    assert player.actions == []
    assert not player.hints.active


def test_ends_without_a_command_are_none():
    assert turns("<133;D;1><133;A>$ <133;B><133;D;2><133;D><133;A><133;D;3;aid=9>") == []


def test_a_phantom_leaves_nothing():
    assert turns("<133;A>$ <133;B>\n<133;C>\\e[?2004l\r<133;D;1><133;A>$ <133;C><133;A>$ ") == []


def test_what_prints_something_is_no_phantom():
    assert turns("<133;A>$ <133;B>\n<133;C>\\e[?2004l\rout<133;D;1>") == ["?", "=1"]


@pytest.mark.parametrize("size", [1, 100])
def test_the_sign_for_a_line_without_an_end_is_no_output(size):
    script = "<133;A>% <133;B>\n<133;C>\\e[1m\\e[7m{}\\e[27m\\e[1m\\e[0m   \r \r<133;D;1>"
    for sign in "%#":
        assert [said for said in Player().send(script.replace("{}", sign), size).turns if said != "$"] == []
    assert turns(script.replace("{}", "x")) == ["?", "=1"]


def test_a_secondary_prompt_is_none():
    script = "<133;A>$ <133;B>for i in 1\n<133;A;k=s>> do\n<133;P;k=c>> done\n{for i in 1\ndo\ndone}<133;C>x"
    assert Player().send(script).turns == ["$", "for i in 1\ndo\ndone"]


def test_lines_behind_secondary_prompts_are_one_command():
    first = "<133;A>$ {x}<133;C>out\n<133;D;0><133;A>$ "
    assert turns(first + "for i in 1\n{for i in 1}> do\n{do}> done\n{done}<133;C>y")[2:] == [
        "for i in 1\ndo\ndone"
    ]
    wrong = first + "if )\n{if )}syntax error\n<133;A>$ ls\n{ls}<133;C>y"
    assert turns(wrong)[2:] == ["ls"]


# --- whose text, whose status --------------------------------------------------------------------


@pytest.mark.parametrize(
    ("script", "command"),
    [
        (f"{{drawn}}<633;E;nonce;{NONCE}><133;C;cmdline_url=url>", "nonce"),
        ("{drawn}<633;E;forged;bad><133;C;cmdline_url=url>", "url"),
        ("{drawn}<633;E;forged;bad><133;C>", "forged"),
        ("{drawn}<633;E;forged><133;C;cmdline=kitty\\ x>", "kitty x"),
        ("{drawn}<1337;SetUserVar=WEZTERM_PROG=bHM=><133;C>", "ls"),
        ("{drawn}<1337;SetUserVar=WEZTERM_PROG=bHM=><1337;SetUserVar=WEZTERM_PROG=><133;C>", "drawn"),
        ("{drawn}<133;C;cmdline=>", "drawn"),
        ("{drawn}<133;C>", "drawn"),
        ("<133;C>", "?"),
        ("<633;E;older><133;A>$ {drawn}<133;C>", "older"),  # drawn again, not a new prompt
        ("{older}<133;C>x<133;D;0><133;A>$ <133;C>", "?"),
    ],
)
def test_whose_text_counts(script, command):
    assert turns("<133;A>$ <133;B>\n" + script + "out")[-1] == command


def test_without_a_nonce_nobody_has_it():
    assert turns("<133;A>$ <633;E;forged;><133;C;cmdline_url=url>", nonce="") == ["url"]


def test_a_status_that_comes_later_is_taken():
    script = "<133;A>$ {x}<133;C>out\n<133;D><133;A><133;D;{}>$ "
    assert turns(script.replace("{}", "7")) == ["x", "=7"]
    assert turns(script.replace("{}", "")) == ["x", "=?"]
    assert turns("<133;A>$ {x}<133;C>out\n<133;D><133;A>$ <133;D;7>") == ["x", "=?"]
    assert turns("<133;A>$ {x}<133;C>out\n<133;D;1><133;D;2>") == ["x", "=1"]
    assert turns("<133;A>$ {x}<133;C>out\n<133;A><133;D;2>$ ") == ["x", "=2"]


def test_an_end_waits_for_its_status_only_until_something_else_comes():
    for then in ("<133;B>", "<133;C>", "text", "<133;D;1>"):
        ended = "=1" if "D" in then else "=?"
        assert turns("<133;A>$ {x}<133;C>o<133;D>" + then)[:2] == ["x", ended]
    player = Player().send("<133;A>$ {x}<133;C>o<133;D>")
    assert player.turns[-1] == "x"
    assert [said(action) for action in player.hints.left()] == ["=?"]


def test_ghostty_is_believed_once_it_says_something_else():
    line = GHOSTTY_PROMPT + "{x}<133;C>o<133;D;%d;aid=7>"
    assert turns(line % 0 + line % 3 + line % 0) == ["x", "=?", "x", "=3", "x", "=0"]


def test_an_end_that_was_lost():
    script = "<133;A>$ {x}<133;C>out\n<133;A>$ {y}<133;C>out\n{z}<133;C;cmdline=z>out\n<133;D;0>"
    assert turns(script) == ["x", "=?", "y", "=!", "z", "=0"]


def test_the_prompt_that_iterm_calls_new():
    assert turns("<133;A>$ {x}<133;C>out\n<133;N>$ {y}<133;C>out\n<133;D;0>") == ["x", "=?", "y", "=0"]


# --- shells in shells ----------------------------------------------------------------------------

OUTER = "<133;A;aid=1>$ {bash}<133;C;aid=1>"
INNER = "<133;D;0;aid=2><133;A;aid=2>$ {ls}<133;C;aid=2>file\n<133;D;5;aid=2><133;A;aid=2>$ "


def test_a_shell_that_says_who_it_is_runs_inside():
    script = (
        OUTER
        + INNER
        + "{exit}<133;C;aid=2>exit\n<133;D;3;aid=1><133;A;aid=1>$ {x}<133;C;aid=1>o<133;D;0;aid=1>"
    )
    assert turns(script) == ["bash", ".ls", ".=5", ".exit", ".=!", "=3", "x", "=0"]


def test_a_shell_that_left_without_a_word():
    assert turns(OUTER + INNER + "exit\n<133;D;0;aid=1>") == ["bash", ".ls", ".=5", "=0"]


def test_three_shells():
    script = OUTER + INNER + "{zsh}<133;C;aid=2>" + INNER.replace("aid=2", "aid=3") + "<133;D;0;aid=1>"
    assert turns(script) == ["bash", ".ls", ".=5", ".zsh", "..ls", "..=5", ".=!", "=0"]


def test_a_shell_without_a_name_inside_one_that_has_one():
    inner = INNER.replace(";aid=2", "")
    script = OUTER + inner + "{exit}<133;C>exit\n<133;D;3;aid=1><133;A;aid=1>$ "
    assert turns(script) == ["bash", ".ls", ".=5", ".exit", ".=!", "=3"]


def test_a_shell_without_a_name_inside_another():
    """Nothing tells the two apart; each command is a turn, and the outer one ends too early."""
    inner = "<133;D;0><133;A>$ {ls}<133;C>x<133;D;1><133;A>$ {exit}<133;C>exit\n"
    script = "<133;D;0><133;A>$ {bash}<133;C>\n" + inner + "<133;D;1>"
    assert turns(script) == ["bash", "=0", "ls", "=1", "exit", "=1"]


def test_a_shell_that_is_replaced():
    script = OUTER.replace("{bash}", "{exec zsh}") + "<133;A;aid=2>$ {x}<133;C;aid=2>o<133;D;0;aid=2>"
    assert turns(script) == ["exec zsh", ".x", ".=0"]
    assert turns("<133;A;aid=1>$ <133;A;aid=2>$ {x}<133;C;aid=2>o<133;D;0;aid=2>") == ["x", "=0"]


def test_systemd_shells_know_each_other():
    inner = SHELL.replace("31", "77"), RUNS.replace("31", "77")
    script = (
        f"<3008;start=a{SHELL}>$ {{bash}}<3008;start=c1{RUNS}>"
        f"<3008;start=b{inner[0]}>$ {{ls}}<3008;start=c2{inner[1]}>x<3008;end=c2;exit=success>"
        f"<3008;start=b{inner[0]}>$ "
        f"{{exit}}<3008;start=c3{inner[1]}>exit\n<3008;end=c1;exit=failure;status=4><3008;start=a{SHELL}>$ "
    )
    assert turns(script) == ["bash", ".ls", ".=0", ".exit", ".=!", "=4"]


@pytest.mark.parametrize(
    "nest", ["<133;A;aid={}>$ <133;C;cmdline=x;aid={}>o", "<133;C>o<3008;start=b;type=vm><133;A>"]
)
def test_marks_nest_no_deeper_than_shells_do(nest):
    """Anybody can print them without an end: each would be looked through at each mark."""
    player = Player().send("<133;A>$ " + "".join(nest.replace("{}", str(number)) for number in range(500)))
    depths = [action.depth for action in player.actions if isinstance(action, Begin)]
    assert MAX_SHELLS // 2 < max(depths) < MAX_SHELLS


# --- where ---------------------------------------------------------------------------------------


def places(script):
    return [(a.cwd, a.remote) for a in Player().send(script).actions if isinstance(a, Begin)]


@pytest.mark.parametrize(
    ("told", "expected"),
    [
        ("", (None, False)),
        (f"<7;file://{HOST}/tmp/a%20b>", ("/tmp/a b", False)),
        ("<7;file:///tmp>", ("/tmp", False)),
        ("<7;file://localhost/tmp>", ("/tmp", False)),
        ("<7;file://DESK/tmp>", ("/tmp", False)),
        ("<7;kitty-shell-cwd://desk/tmp/a%20b>", ("/tmp/a%20b", False)),
        ("<7;file://desk.example.com/tmp>", ("/tmp", True)),
        ("<7;file://far/tmp>", ("/tmp", True)),
        ("<7;file://far/tmp><7;file://desk/home>", ("/home", False)),
        ("<7;file://far/tmp><1337;CurrentDir=/srv>", ("/srv", True)),
        ("<7;file://desk/tmp><7;>", (None, False)),
        ("<633;P;Cwd=/a\\x3bb>", ("/a;b", False)),
        ("<1337;RemoteHost=me@far><1337;CurrentDir=/srv>", ("/srv", True)),
        (f"<1337;CurrentDir=/srv><1337;RemoteHost=me@{HOST}>", ("/srv", False)),
        ("<7;file://desk/tmp><1337;RemoteHost=me@far>", (None, True)),
        (f"<3008;start=s{SHELL}>", ("/home", False)),
        (f"<3008;start=s{SHELL.replace(HOST, 'far')}>", ("/home", True)),
    ],
)
def test_where_a_command_runs(told, expected):
    assert places(f"<133;A>{told}$ {{ls}}<133;C>x") == [expected]


def test_a_shell_in_a_container_is_elsewhere():
    script = (
        OUTER + "<3008;start=box;type=container;container=web>" + INNER + "<3008;end=box>bye\n"
        "<133;D;0;aid=1><133;A;aid=1>$ {ls}<133;C;aid=1>x"
    )
    assert turns(script) == ["bash", ".ls", ".=5", "=0", "ls"]
    assert [remote for _, remote in places(script)] == [False, True, False]


def test_where_an_inner_shell_is_changes_nothing_outside():
    script = (
        "<7;file://desk/home>"
        + OUTER
        + "<133;A;aid=2><7;file://far/srv>$ {ls}<133;C;aid=2>x<133;D;0;aid=1><133;A;aid=1>$ {y}<133;C>"
    )
    assert places(script) == [("/home", False), ("/srv", True), ("/home", False)]


# --- prompts that nobody marked ------------------------------------------------------------------


def test_the_prompt_from_before_there_were_marks_ends_them():
    player = Player()
    player.hints.standing(player.now, 0, "local$ ")
    player.send("<133;A>remote$ {ls}<133;C>x<133;D;0><133;A>remote$ {exit}<133;C>bye\n")
    assert player.hints.running
    assert player.hints.standing(player.now, 9, "other$ ") == []
    actions = player.hints.standing(player.now, 9, "local$ ")
    assert actions == [Finish(player.now, 9, End.UNKNOWN, None, 0)]
    assert not player.hints.active
    assert not player.hints.running


def test_a_marked_prompt_that_looks_like_it_does_not():
    player = Player()
    player.hints.standing(player.now, 0, "$ ")
    player.send("<133;A>$ ")
    assert player.hints.standing(player.now, 9, "$ ") == []
    assert player.hints.prompting


MARKS = st.sampled_from(
    ["<133;A>", "<133;A;aid=1>", "<133;A;aid=2>", "<133;B>", "<133;P;k=i>", "<133;A;k=s>", "<133;C>",
     "<133;C;aid=1>", "<133;C;cmdline=x>", "<133;D>", "<133;D;0>", "<133;D;1;aid=2>", "<633;A>", "<633;E;x>",
     "<633;C>", "<633;D>", "<7;file://far/>", "<7;>", "<3008;start=a;type=shell>",
     "<3008;start=b;type=command;pid=1>", "<3008;end=b;status=1>", "<3008;start=c;type=vm>", "<3008;end=c>",
     "{x}", "{}", "text"]
)  # fmt: skip


@given(st.lists(MARKS, max_size=40), st.integers(1, 40))
def test_whatever_comes_turns_are_nested_and_no_split_matters(script, size):
    player = Player().send("".join(script))
    open_at = []
    for action in player.actions:
        if isinstance(action, Begin):
            assert action.depth == len(open_at)
            open_at.append(action.raw)
        elif isinstance(action, Finish):
            assert action.depth == len(open_at) - 1
            assert action.raw >= open_at.pop()
    assert Player().send("".join(script), size).actions == player.actions
