"""Turns of tools that edit their own line, by hand: one habit at a time."""

from __future__ import annotations

import pytest
from traces import MARKER, TRACES, play

from recorder import inference
from recorder.findings import Accepted, Hidden, Output, PromptShown
from recorder.inference import Inference
from recorder.keys import Scanner
from recorder.model import Draft, Size
from recorder.watch import Watch

ON, OFF = b"\x1b[?2004h", b"\x1b[?2004l"


class Talk:
    """A conversation: what the tool prints, what is typed, when it rests."""

    def __init__(self, cols=60, *, reading=True, line=False):
        self.inference = Inference(Size(cols, 24))
        self.findings = []
        self.printed = b""
        self._watch = Watch()
        self._scanner = Scanner(None)
        self._rest = {"reading": reading, "line": line}

    def out(self, data, *, rest=True):
        """The tool prints, and rests."""
        spots = self._watch.feed(data)
        self.findings += self.inference.feed(len(self.printed), data, spots)
        self.printed += data
        return self.rest() if rest else self

    def rest(self, **rest):
        self.findings += self.inference.settled(**{**self._rest, **rest})
        return self

    def type(self, keys, echo=None):
        """Keys go to the tool, which echoes them."""
        self.findings += self.inference.typed(self._scanner.scan(keys))
        if echo is not None:
            self.out(echo, rest=False)
        return self

    def enter(self, text, answer=b"", prompt=b">>> "):
        """A whole line of a tool that brackets nothing."""
        self.type(text, text).type(b"\r", b"\r\n")
        return self.out(answer + prompt)

    @property
    def commands(self):
        return [
            (finding.prompt_text, finding.command)
            for finding in self.findings
            if isinstance(finding, Accepted)
        ]

    @property
    def text(self):
        """What is output in the end: a prompt takes back what was printed since its place."""
        kept = []
        for finding in self.findings:
            if isinstance(finding, Output):
                kept.append((finding.raw, finding.data))
            elif isinstance(finding, PromptShown):
                kept = [(raw, data[: max(0, finding.raw - raw)]) for raw, data in kept]
        assert all(self.printed[raw : raw + len(data)] == data for raw, data in kept)
        assert [raw for raw, _ in kept] == sorted(raw for raw, _ in kept)
        return b"".join(data for _, data in kept)


# --- without a bracket ---------------------------------------------------------------------------


@pytest.mark.parametrize("prompt", [b">>> ", b"\x1b[1mmysql>\x1b[0m ", b"(gdb) ", b"ftp> "])
def test_who_answers_the_first_prompt_at_once_has_a_turn(prompt):
    shown = prompt.replace(b"\x1b[1m", b"").replace(b"\x1b[0m", b"").decode()
    talk = Talk().out(b"Welcome\r\n" + prompt, rest=False).enter(b"1+1", b"2\r\n", prompt)
    assert talk.commands == [(shown, "1+1")]


@pytest.mark.parametrize("line", [b"Loading modules, please wait", b"12 of 40", b"x = 3, y = 4", b""])
def test_keys_typed_while_the_tool_prints_make_no_prompt_of_its_line(line):
    talk = Talk().out(b"Welcome\r\n" + line, rest=False).type(b"1+1\r").out(b" done\r\n>>> ")
    assert talk.commands == []


def test_a_prompt_a_line_and_its_output():
    talk = Talk().out(b"Welcome\r\n>>> ").enter(b"1+1", b"2\r\n")
    assert talk.findings == [
        Output(0, b"Welcome\r\n>>> "),
        PromptShown(9, ">>> "),
        Accepted(18, "1+1", ">>> "),
        Output(18, b"2\r\n>>> "),
        PromptShown(21, ">>> "),
    ]
    assert talk.text == b"Welcome\r\n2\r\n"


def test_a_tool_without_a_prompt():
    talk = Talk().out(b"").enter(b"1+2", b"3\r\n", b"").enter(b"x=5", b"", b"").enter(b"x", b"5\r\n", b"")
    assert talk.commands == [("", "1+2"), ("", "x=5"), ("", "x")]
    assert talk.text == b"3\r\n5\r\n"
    shown = [finding.raw for finding in talk.findings if isinstance(finding, PromptShown)]
    assert shown == sorted(shown)  # a prompt does not stand before the line it follows


def test_a_prompt_drawn_in_pieces():
    talk = Talk().out(b"my").out(b"sql").out(b"> ").enter(b"select 1;", b"1\r\n", b"mysql> ")
    assert talk.commands == [("mysql> ", "select 1;")]


def test_a_line_that_was_moved_about_in():
    talk = (
        Talk().out(b"> ").type(b"abd", b"abd").type(b"\x1b[D", b"\b").type(b"c", b"cd\b").type(b"\r", b"\r\n")
    )
    assert talk.commands == [("> ", "abcd")]


def test_output_without_a_line_feed_stands_before_the_prompt():
    talk = Talk().out(b">>> ").enter(b"print('x', end='')", b"x").enter(b"1", b"1\r\n")
    assert talk.commands == [(">>> ", "print('x', end='')"), (">>> ", "1")]
    assert talk.text == b"x1\r\n"


def test_a_very_long_line_of_output_before_the_prompt():
    for size in (5_000, 20_000, 200_000):
        talk = Talk().out(b">>> ").enter(b"print('x' * n, end='')", b"x" * size).enter(b"1", b"1\r\n")
        assert talk.commands[1] == (">>> ", "1")
        assert talk.text.endswith(b"x1\r\n")
        assert talk.text.count(b"x") >= size - 1 - inference.MAX_PROMPT


def test_a_list_of_completions_is_part_of_the_edit():
    talk = Talk().out(b">>> ").type(b"os.ge\t\t", b"os.ge\r\nos.getcwd  os.getenv\r\n>>> os.ge").rest()
    talk.type(b"tcwd()", b"tcwd()").type(b"\r", b"\r\n").out(b"'/'\r\n>>> ")
    assert talk.commands == [(">>> ", "os.getcwd()")]
    assert talk.text == b"'/'\r\n"


def test_what_is_searched_in_the_history_is_part_of_the_edit():
    talk = Talk().out(b">>> ").type(b"\x12", b"\r(reverse-i-search)`': \x1b[K").rest()
    talk.type(b"imp", b"\r(reverse-i-search)`imp': import os\x1b[K").rest()
    talk.type(b"\r", b"\r>>> import os\x1b[K\r\n").out(b">>> ")
    assert talk.commands == [(">>> ", "import os")]


def test_ctrl_c_at_a_prompt_is_no_turn():
    talk = Talk().out(b">>> ").type(b"abc", b"abc").type(b"\x03", b"\r\nKeyboardInterrupt\r\n").out(b">>> ")
    talk.enter(b"1", b"1\r\n")
    assert talk.commands == [(">>> ", "1")]


def test_two_lines_in_one_write_are_two_turns():
    talk = Talk().out(b">>> ").type(b"1\r2\r3\r")
    talk.out(b"1\r\n1\r\n>>> 2\r\n2\r\n>>> 3\r\n3\r\n>>> ")
    assert talk.commands == [(">>> ", "1"), (">>> ", "2"), (">>> ", "3")]
    assert talk.text == b"1\r\n2\r\n3\r\n"


def test_thousands_of_lines_in_one_write():
    count = 3000
    talk = Talk().out(b">>> ").type(b"1\r" * count)
    talk.out(b"".join(b"1\r\n%d\r\n>>> " % n for n in range(count)))
    assert len(talk.commands) == count


def test_output_that_only_holds_the_prompt_is_no_line_of_the_user():
    talk = Talk().out(b">>> ").type(b"help\rx\r", b"help\r\n")
    talk.out(b"type after the >>> mark\r\n>>> x\r\n>>> ")
    assert talk.commands == [(">>> ", "help"), (">>> ", "x")]
    assert talk.text == b"type after the >>> mark\r\n"


def test_half_a_line_typed_ahead_is_no_part_of_the_prompt():
    talk = Talk().out(b">>> ").type(b"sleep(1)", b"sleep(1)").type(b"\r", b"\r\n").type(b"1+")
    talk.out(b">>> 1+").rest().type(b"1", b"1").type(b"\r", b"\r\n").out(b"2\r\n>>> ")
    assert talk.commands == [(">>> ", "sleep(1)"), (">>> ", "1+1")]


def test_output_that_comes_at_a_prompt_shows_that_it_was_none():
    talk = Talk().out(b"progress: ").out(b"done\r\n>>> ").enter(b"1", b"1\r\n")
    assert talk.commands == [(">>> ", "1")]
    assert talk.text == b"progress: done\r\n1\r\n"


def test_an_unknown_pager_inside_a_turn_does_not_stop_everything():
    """Its key is no Enter, and what it prints is output."""
    talk = Talk().out(b">>> ").enter(b"help(x)", b"page one\r\n", b"<next?>")
    talk.type(b" ", b"\r\x1b[K").out(b"page two\r\n<next?>")
    talk.type(b"q", b"\r\x1b[K").out(b">>> ")
    talk.enter(b"1", b"1\r\n")
    assert talk.commands == [(">>> ", "help(x)"), (">>> ", "1")]
    assert b"page two\r\n" in talk.text


@pytest.mark.parametrize(
    "more", [b"--More--", b"--More--(36%)", b"\x1b[7m--More--\x1b[27m", b"\x1b[7m(END)\x1b[27m"]
)
def test_a_pager_is_no_prompt(more):
    talk = Talk().out(b">>> ").enter(b"help(x)", b"page one\r\n", more)
    talk.type(b" ", b"\r\x1b[K").out(b"page two\r\n" + more).type(
        b"\r", b"\r\x1b[Kone more line\r\n" + more
    ).rest()
    talk.type(b"q", b"\r\x1b[K").out(b">>> ").enter(b"1", b"1\r\n")
    assert talk.commands == [(">>> ", "help(x)"), (">>> ", "1")]
    assert [finding.text for finding in talk.findings if isinstance(finding, PromptShown)] == [">>> "] * 3
    for line in (b"page one", b"page two", b"one more line"):
        assert line in talk.text


def test_gdbs_pages_are_one_turn():
    more = ON + b"--Type <RET> for more, q to quit, c to continue without paging--"
    talk = (
        Talk().out(ON + b"(gdb) ").type(b"help", b"help").type(b"\r", b"\r\n" + OFF + b"\rone\r\n").out(more)
    )
    talk.type(b"\r", b"\r\n" + OFF + b"\rtwo\r\n").out(more).type(b"c\r", b"c\r\n" + OFF + b"\rthree\r\n")
    talk.out(ON + b"(gdb) ").type(b"x", b"x").type(b"\r", b"\r\n" + OFF)
    assert talk.commands == [("(gdb) ", "help"), ("(gdb) ", "x")]
    assert [finding.text for finding in talk.findings if isinstance(finding, PromptShown)] == [
        "(gdb) ",
        "(gdb) ",
    ]
    assert talk.text == b"\rone\r\n\rtwo\r\n\rthree\r\n"


def test_a_question_for_one_key_does_not_stop_everything():
    talk = Talk().out(b">>> ").type(b"x\t\t", b"x\r\nDisplay all 300 possibilities? (y or n)").rest()
    talk.type(b"y", b"\r\n" + b"xa  xb  xc\r\n" * 9 + b">>> x").rest()
    talk.type(b"a", b"a").type(b"\r", b"\r\n").out(b"1\r\n>>> ")
    assert talk.commands == [(">>> ", "xa")]
    talk.enter(b"2", b"2\r\n")
    assert talk.commands[-1] == (">>> ", "2")


def test_a_job_that_prints_a_lot_at_the_prompt_is_output():
    noise = b"".join(b"job line %d\r\n" % n for n in range(5000))
    talk = Talk().out(b">>> ").type(b"a", b"a")
    for n in range(0, len(noise), 1000):
        talk.out(noise[n : n + 1000], rest=False)
    talk.rest().out(b">>> ").enter(b"1", b"1\r\n")
    assert noise[-1000:] in talk.text
    assert talk.commands == [(">>> ", "1")]


def test_where_nobody_knows_whether_the_tool_reads_only_known_prompts_count():
    talk = Talk(reading=False).out(b"Welcome\r\n> ").type(b"1", b"1").type(b"\r", b"\r\n")
    talk.out(b"working").rest().out(b" on\r\n").rest().out(b"done\r\n> ")
    assert talk.commands == [("> ", "1")]
    assert [finding.text for finding in talk.findings if isinstance(finding, PromptShown)] == ["> ", "> "]
    assert talk.text == b"Welcome\r\nworking on\r\ndone\r\n"


def test_a_banner_alone_is_no_prompt_for_ever():
    talk = Talk(reading=False).out(b"Welcome\r\n").out(b"> ").type(b"1", b"1").type(b"\r", b"\r\n")
    talk.out(b"one\r\n").out(b"two\r\n> ")
    assert talk.text == b"Welcome\r\none\r\ntwo\r\n"
    assert [finding.text for finding in talk.findings if isinstance(finding, PromptShown)][1:] == ["> ", "> "]


def test_answers_of_the_terminal_are_not_typed():
    talk = (
        Talk()
        .out(b"\x1b[6n")
        .type(b"\x1b[1;1R")
        .out(b">>> ")
        .type(b"\x1b[?1;2c")
        .rest()
        .enter(b"1", b"1\r\n")
    )
    assert talk.commands == [(">>> ", "1")]


# --- with a bracket ------------------------------------------------------------------------------


def test_a_bracket_says_where_the_edit_is():
    talk = (
        Talk()
        .out(b"hi\r\n" + ON + b"$ ")
        .type(b"ls", b"ls")
        .type(b"\r", b"\r\n" + OFF + b"\rfile\r\n" + ON + b"$ ")
    )
    assert talk.findings[:3] == [Output(0, b"hi\r\n"), PromptShown(4, "$ "), Accepted(26, "ls", "$ ")]
    assert talk.rest().text == b"hi\r\n\rfile\r\n"


def test_a_prompt_of_two_coloured_lines():
    talk = (
        Talk()
        .out(ON + b"\x1b[32m~/work\x1b[0m\r\n\x1b[1m$ \x1b[0m")
        .type(b"ls", b"ls")
        .type(b"\r", b"\r\n" + OFF)
    )
    assert talk.commands == [("~/work\n$ ", "ls")]


def test_a_line_that_wraps():
    text = b"0123456789" * 9
    talk = Talk().out(ON + b"$ ").type(text, text).type(b"\r", b"\r\n" + OFF)
    assert talk.commands == [("$ ", text.decode())]


def test_output_before_the_bracket_is_output():
    talk = Talk().out(ON + b"$ ").type(b"x", b"x").type(b"\r", b"\r\n" + OFF + b"\rabc" + ON + b"$ ").rest()
    talk.type(b"y", b"y").type(b"\r", b"\r\n" + OFF)
    assert talk.commands == [("$ ", "x"), ("$ ", "y")]
    assert talk.text == b"\rabc"


def test_zsh_draws_its_prompt_before_the_bracket_and_leaves_the_line_behind_it():
    mark = b"\x1b[1m\x1b[7m%\x1b[27m\x1b[1m\x1b[0m" + b" " * 59 + b"\r \r"
    prompt = mark + b"\r\x1b[0m\x1b[J# \x1b[K" + ON
    talk = Talk().out(prompt).type(b"x", b"x").type(b"\r", OFF + b"\r\r\n").out(b"abc" + prompt)
    talk.type(b"y", b"y").type(b"\r", OFF + b"\x1b[1B").out(b"\r\nout\r\n" + prompt)
    assert talk.commands == [("# ", "x"), ("# ", "y")]
    assert talk.text == b"abc\r\nout\r\n"  # the line feed of the second line is its own


@pytest.mark.parametrize("keys", [b"\r\n", b"\r", b"\n"])
def test_an_accepted_line_needs_an_enter(keys):
    talk = Talk().out(ON + b"$ ").type(b"x", b"x").type(keys, b"\r\n" + OFF)
    assert talk.commands == [("$ ", "x")]


@pytest.mark.parametrize("keys", [b"\x03", b"\x04", b"\r\x03", b""])
def test_a_bracket_that_closes_without_an_enter_is_no_turn(keys):
    talk = Talk().out(ON + b"$ ").type(b"x", b"x").type(keys, b"^C\r\n" + OFF + b"\r").out(ON + b"$ ")
    talk.type(b"y", b"y").type(b"\r", b"\r\n" + OFF)
    assert talk.commands == [("$ ", "y")]
    assert talk.text.strip() == b""


def test_ctrl_c_takes_back_the_lines_typed_ahead():
    talk = Talk().out(b"working\r\n").type(b"a\rb\r").type(b"\x03", b"^C\r\n").out(ON + b"$ ", rest=False)
    talk.type(b"\x04", b"\r\n" + OFF)
    assert talk.commands == []


def test_an_edit_that_goes_on_in_the_row_of_the_last():
    """sqlite3 after Ctrl-C: the row stays, and the cursor is moved to where it was."""
    talk = Talk().out(ON + b"sqlite> ").type(b"sel", b"sel").type(b"\x03", b"^C" + OFF + b"\r" + ON).rest()
    talk.type(b"e", b"\x1b[C" * 11 + b"e").type(b"\r", b"\r\n" + OFF)
    assert talk.commands == [("sqlite> ", "seleC")]


def test_lines_typed_ahead_of_their_prompts():
    talk = Talk().out(ON + b"~\r\n$ ").type(b"a\rb\rc\r")
    talk.out(
        b"a\r\n"
        + OFF
        + b"\r1\r\n"
        + ON
        + b"~\r\n$ b\r\n"
        + OFF
        + b"\r2\r\n"
        + ON
        + b"~\r\n$ c\r\n"
        + OFF
        + b"\r3\r\n"
    )
    assert talk.commands == [("~\n$ ", "a"), ("~\n$ ", "b"), ("~\n$ ", "c")]
    assert talk.text == b"\r1\r\n\r2\r\n\r3\r\n"


@pytest.mark.parametrize("cut", [1, 7, 40, 1000])
def test_a_function_pasted_into_a_tool_that_brackets_nothing(cut):
    talk = Talk().out(b">>> ").type(b"def f(a):\r    return a\r\rf(21)\r")
    shown = b"def f(a):\r\n...     return a\r\n... \r\n>>> f(21)\r\n... 21\r\n>>> "
    for start in range(0, len(shown), cut):
        talk.out(shown[start : start + cut], rest=False)
    talk.rest()
    assert talk.commands == [(">>> ", "def f(a):"), ("... ", "    return a"), ("... ", ""), (">>> ", "f(21)")]
    assert talk.text == b"... 21\r\n"


@pytest.mark.parametrize("lines", [1, 2])
def test_what_is_typed_behind_a_paste_goes_on_with_its_last_line(lines):
    talk = Talk().out(b">>> ").type(b"a = 1\r" * lines + b"q")
    talk.out(b"a = 1\r\n" + b">>> a = 1\r\n" * (lines - 1) + b">>> q")
    talk.type(b"\x7f", b"\b \b").rest().type(b"z", b"z").type(b"\r", b"\r\n").out(b"42\r\n>>> ")
    assert talk.commands == [*[(">>> ", "a = 1")] * lines, (">>> ", "z")]
    assert talk.text == b"42\r\n"


def test_a_line_typed_ahead_of_the_first_prompt():
    talk = Talk().type(b"ls\r").out(ON + b"user@host:~$ ls\r\n" + OFF)
    assert talk.commands == [("user@host:~$ ", "ls")]


def test_keys_that_come_before_the_prompt_is_drawn():
    talk = Talk().out(ON + b"$ ").type(b"a\r", b"a\r\n" + OFF + b"\r" + ON)
    talk.type(b"b\r", b"$ b\r\n" + OFF)
    assert talk.commands == [("$ ", "a"), ("$ ", "b")]


def test_a_line_typed_ahead_of_a_prompt_that_follows_unfinished_output():
    talk = Talk().out(b"box # " + ON).type(b"a", b"a").type(b"\r", OFF + b"\r\r\n").type(b"b\r")
    talk.out(b"abcbox # " + ON, rest=False).out(b"b" + OFF + b"\r\r\n")
    assert talk.commands == [("box # ", "a"), ("box # ", "b")]
    assert talk.text == b"abc"


def test_what_stands_at_the_right_edge_was_not_typed():
    talk = Talk().out(ON + b"$ \x1b[40Cright\x1b[45D").type(b"ls", b"ls").type(b"\r", OFF + b"\r\r\n")
    assert talk.commands == [("$ ", "ls")]


def test_a_line_whose_prompt_was_taken_away_is_a_turn_all_the_same():
    talk = Talk().out(ON + b"prompt> ").type(b"x", b"x").type(b"\r", b"\r\x1b[K? x\r\n" + OFF)
    assert talk.commands == [("prompt> ", "? x")]


def test_an_application_that_never_closes_its_bracket_prints():
    talk = Talk(reading=False).out(ON + b"agent\r\n> ")
    for n in range(300):
        talk.type(b"hi\r").out(b"\r\x1b[K" + b"answer %099d\r\n" % n + b"> ")
    assert talk.text.count(b"answer") == 300
    assert talk.commands == []
    talk.out(b"more\r\n" * 4000 + b"> ")
    assert not talk.inference._tracker.scrolled  # only the end is looked at from then on
    talk.type(b"q\r", b"q\r\n" + OFF)
    assert talk.commands == [("agent\n> ", "q")]


def test_an_application_that_drew_less_is_kept_at_its_end():
    talk = Talk(reading=False).out(ON + b"agent\r\n> ").type(b"hi\r").out(b"answer\r\n" * 30 + b"> ")
    assert talk.text == b""
    talk.findings += talk.inference.ended()
    assert talk.text.count(b"answer") == 30


def test_a_prompt_that_was_only_shown_is_no_output_at_the_end():
    talk = Talk().out(ON + b"$ ").type(b"abc", b"abc")
    assert talk.inference.ended() == []


def test_another_edit_inside_the_same_bracket():
    """fish's `read` does not switch; only the line behind the last prompt is what was taken."""
    talk = (
        Talk().out(ON + b"box> ").type(b"a", b"a").type(b"\r", b"\r\n" + OFF + b"\r" + ON + b"read> ").rest()
    )
    talk.type(b"pw", b"**").type(b"\r", b"\r\nbox> ").rest().type(b"b", b"b").type(b"\r", b"\r\n" + OFF)
    assert talk.commands == [("box> ", "a"), ("box> ", "b")]


# --- passwords -----------------------------------------------------------------------------------


@pytest.mark.parametrize("star", [b"", b"*", b"\xe2\x97\x8f"])
def test_a_password_read_in_raw_mode_is_hidden_input_and_no_turn(star):
    talk = Talk().out(b">>> ").enter(b"login()", b"", b"Password: ")
    for key in MARKER:
        talk.type(key.encode(), star).rest()
    talk.type(b"\r", b"\r\n").out(b"welcome\r\n>>> ")
    assert [finding for finding in talk.findings if isinstance(finding, Hidden)] == [Hidden("Password: ")]
    assert talk.commands == [(">>> ", "login()")]
    assert talk.text == b"Password: " + star * len(MARKER) + b"\r\nwelcome\r\n"
    assert MARKER not in repr(talk.findings)


def test_a_password_read_in_a_bracket_is_hidden_input_and_no_turn():
    talk = (
        Talk()
        .out(ON + b"$ ")
        .type(b"login", b"login")
        .type(b"\r", b"\r\n" + OFF + b"\r" + ON + b"Password: ")
        .rest()
    )
    talk.type(b"hunter2", b"*******").rest().type(b"\r", b"\r\n" + OFF + b"\rwelcome\r\n" + ON + b"$ ").rest()
    talk.type(b"x", b"x").type(b"\r", b"\r\n" + OFF)
    assert [finding for finding in talk.findings if isinstance(finding, Hidden)] == [Hidden("Password: ")]
    assert talk.commands == [("$ ", "login"), ("$ ", "x")]


@pytest.mark.parametrize("keys", [b"\x03", b"abc\x03", b""])
def test_a_password_that_was_not_entered_hides_nothing_else(keys):
    talk = Talk().out(b">>> ").enter(b"login()", b"", b"Password: ").type(keys, b"^C\r\n").out(b">>> ")
    talk.enter(b"1", b"1\r\n")
    assert not [finding for finding in talk.findings if isinstance(finding, Hidden)]
    assert talk.commands == [(">>> ", "login()"), (">>> ", "1")]


@pytest.mark.parametrize(("on", "off"), [(ON, OFF), (b"", b"")], ids=["bracketed", "plain"])
def test_who_goes_on_at_once_after_a_password_that_took_its_time_has_a_turn(on, off):
    """As behind ssh: the answer to the password is on its way while all is quiet."""
    talk = Talk(reading=False).out(on + b"box> ").type(b"login", b"login")
    talk.type(b"\r", b"\r\n" + off + b"Password: ").rest().type(b"hunter2\r").rest()
    talk.out(b"\r\nwelcome\r\n" + on + b"box> ", rest=False)
    talk.type(b"x", b"x").type(b"\r", b"\r\n" + off)
    assert [finding for finding in talk.findings if isinstance(finding, Hidden)] == [Hidden("Password: ")]
    assert talk.commands == [("box> ", "login"), ("box> ", "x")]


def test_captures_show_no_password():
    for trace in TRACES:
        printed = "".join(call[1] for call in trace.calls if call[0] == "o")
        assert MARKER not in printed
        assert not [turn for turn in trace.turns if MARKER in "".join(turn)]


# --- under our own editor ------------------------------------------------------------------------


def test_output_is_printed_above_our_editor_and_the_prompt_stays():
    talk = Talk(line=True).out(b"name: ")
    talk.out(b"tick 1\r\n", rest=False).out(b"ti", rest=False).out(b"ck 2\r\n", rest=False)
    assert talk.text == b"tick 1\r\ntick 2\r\n"
    assert [finding.text for finding in talk.findings if isinstance(finding, PromptShown)] == ["name: "]


def test_a_line_that_was_taken_in_another_way_is_forgotten():
    talk = Talk().out(b">>> ").type(b"abc", b"abc")
    talk.inference.restart(len(talk.printed))
    talk.out(b"out\r\n>>> ").enter(b"1", b"1\r\n")
    assert talk.commands == [(">>> ", "1")]
    assert talk.text == b"out\r\n1\r\n"


def test_what_is_printed_behind_a_line_of_ours_begins_a_new_one():
    """The kernel's echo, and the line feed in it, are not shown to inference."""
    talk = Talk(line=True).out(b"name: ")
    talk.inference.restart(len(talk.printed))
    talk.out(b"color? ")
    assert [finding.text for finding in talk.findings if isinstance(finding, PromptShown)] == [
        "name: ",
        "color? ",
    ]


def test_a_new_size_is_followed():
    talk = Talk(cols=20).out(ON + b"$ ").type(b"x" * 30, b"x" * 30)
    talk.inference.resize(Size(60, 24))
    talk.out(b"\x1b[A\r\x1b[J$ " + b"x" * 30, rest=False).type(b"\r", b"\r\n" + OFF)
    assert talk.commands == [("$ ", "x" * 30)]


def test_what_follows_a_single_key_is_not_lost_when_the_tool_ends():
    inference = Inference(Size(80, 24))
    assert inference.feed(0, b"sure? ", ()) == [Output(0, b"sure? ")]
    assert inference.settled(reading=True, line=False) == [PromptShown(0, "sure? ")]
    inference.typed(Scanner(None).scan(b"y"))
    assert inference.feed(6, b"y\r\nfinal\r\n", ()) == []
    given = inference.ended()
    assert b"".join(each.data for each in given) == b"sure? y\r\nfinal\r\n"


# --- more than the tool shows --------------------------------------------------------------------


def pasted(count):
    """What readline draws of a paste of ``count`` lines on 24 rows."""
    rows = [b"echo %d" % n for n in range(count)]
    down = b"\r\n\r".join(rows[:25])
    return b"\n".join(rows), b"\r".join([down, *rows[25:]])


@pytest.mark.parametrize("count", [2, 23, 24, 25, 26, 60, 300])
def test_a_paste_of_more_lines_than_the_screen_has(count):
    text, shown = pasted(count)
    talk = Talk().out(ON + b"$ ").type(b"\x1b[200~" + text + b"\x1b[201~", shown).rest()
    talk.type(b"\r", b"\r\n" + OFF + b"\r").out(b"0\r\n" + ON + b"$ ")
    assert talk.commands == [("$ ", text.decode())]
    assert not any(finding.partial for finding in talk.findings if isinstance(finding, Accepted))


@pytest.mark.parametrize(
    ("keys", "echo"),
    [
        (b"\x1b[200~%b\x1b[201~\x1b[D", b"%b\b"),  # the cursor may be in any row now
        (b"\x1b[A", b"%b"),  # recalled
        (b"\x1b[200~%b\n\nlast\x1b[201~", b"%b\rlast"),  # nothing is drawn for an empty row
    ],
)
def test_a_command_that_may_not_be_all_is_marked(keys, echo):
    text, shown = pasted(30)
    talk = Talk().out(ON + b"$ ").type(keys.replace(b"%b", text), echo.replace(b"%b", shown)).rest()
    talk.type(b"\r", b"\r\n" + OFF + b"\r").out(b"0\r\n" + ON + b"$ ")
    [accepted] = [finding for finding in talk.findings if isinstance(finding, Accepted)]
    assert accepted.partial


def test_readline_draws_the_last_rows_again_when_enter_is_typed():
    text, shown = pasted(30)
    again = b"\r" + b"\r".join(shown.split(b"\r")[-3:]) + b"\r\n"
    talk = Talk().out(ON + b"$ ").type(b"\x1b[200~" + text + b"\x1b[201~", shown).rest()
    talk.type(b"\r", again + OFF + b"\r").out(b"0\r\n" + ON + b"$ ")
    assert talk.commands == [("$ ", text.decode())]


# --- what others print into an edit --------------------------------------------------------------


def disturbed(*steps, prompt=b"$ ", cut=False):
    """An edit in bash: keys with their echo, or what somebody else prints; then Enter."""
    talk = Talk().out(ON + prompt)
    for step in steps:
        keys, shown = step if isinstance(step, tuple) else (b"", step)
        if keys:
            talk.type(keys)
        for at in range(0, len(shown), 1 if cut else max(1, len(shown))):
            talk.out(shown[at : at + 1] if cut else shown, rest=False)
        talk.rest()
    return talk.type(b"\r", b"\r\n" + OFF + b"\r").out(b"during\r\n" + ON + prompt)


def partial(talk):
    return [finding.partial for finding in talk.findings if isinstance(finding, Accepted)]


@pytest.mark.parametrize(
    "foreign",
    [
        [b"BG\r\n"],
        [b"BG\r\n", b"more\r\n"],
        [b"BG\r\n\r\nmore\r\n"],
        [b"BG", b"\r\n"],
        [b"\r\n", b"BG\r\n"],
        [b"\x1b[31mBG\x1b[0m\r\n"],
        ["é".encode() + b"\r\n"],
    ],
)
@pytest.mark.parametrize("before", [0, 1, 2])
def test_background_output_is_no_part_of_the_edit(foreign, before):
    keys = [(b"echo d", b"echo d"), (b"u", b"u"), (b"ring", b"ring")]
    talk = disturbed(*keys[:before], *foreign, *keys[before:])
    pieces = disturbed(*keys[:before], *foreign, *keys[before:], cut=True)
    assert (talk.commands, talk.text) == (pieces.commands, pieces.text)
    assert talk.commands == [("$ ", "echo during")]
    assert talk.text == b"".join(foreign) + b"\rduring\r\n"
    assert partial(talk) == [False]


def test_background_output_directly_behind_an_echo():
    talk = disturbed((b"echo d\xc3\xa4", b"echo d\xc3\xa4BG\r\n"), (b"ring", b"ring"))
    assert talk.commands == [("$ ", "echo däring")]
    assert talk.text == b"BG\r\n\rduring\r\n"
    assert partial(talk) == [False]


def test_background_output_in_a_line_that_is_edited_on():
    talk = disturbed((b"echo dur", b"echo dur"), b"BG\r\n", (b"\x7f", b"\b\x1b[K"), (b"st", b"st"))
    assert talk.commands == [("$ ", "echo dust")]
    talk = disturbed(
        (b"echo ring", b"echo ring"), (b"\x1b[D" * 4, b"\b" * 4), b"BG\r\n", (b"du", b"during" + b"\b" * 4)
    )
    assert talk.commands == [("$ ", "echo during")]


@pytest.mark.parametrize(
    "steps",
    [
        [(b"echo du", b"echo du"), b"BG", (b"ring", b"\r\nring")],  # a key amid a line
        [(b"echo du", b"echo du"), b"BG", (b"ring", b"ring")],
        [(b"echo du", b"echo duB\r\nG\r\n"), (b"ring", b"ring")],
        [(b"echo du", b"echBG\r\no du"), (b"ring", b"ring")],
    ],
)
def test_an_edit_that_cannot_be_told_from_what_others_print_is_marked(steps):
    assert partial(disturbed(*steps)) == [True]


def test_a_line_feed_that_a_key_explains_stays():
    talk = disturbed((b"echo 'a", b"echo 'a"), (b"\x16", b""), (b"\n", b"\r\n"), (b"b'", b"b'"))
    assert talk.commands == [("$ ", "echo 'a\nb'")]
    talk = disturbed(
        (b"ls rea", b"ls rea"), (b"\t\t", b"\r\nreadme-a  readme-b\r\n$ ls readme-"), (b"a", b"a")
    )
    assert talk.commands == [("$ ", "ls readme-a")]
    assert partial(talk) == [False]


@pytest.mark.parametrize("trace", TRACES, ids=lambda trace: trace.name)
def test_no_command_of_a_real_conversation_is_marked(trace):
    assert not [item for item in play(trace) if isinstance(item, Draft) and item.meta.get("partial")]
