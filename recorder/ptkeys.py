"""Keys for prompt-toolkit: one whole key's bytes to key presses, and the bindings that differ from its own.

A terminal's answers and sequences that nobody knows become no key at all: they must never be text.
"""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING

from prompt_toolkit.application.current import get_app
from prompt_toolkit.enums import DEFAULT_BUFFER
from prompt_toolkit.filters import (
    Condition,
    emacs_insert_mode,
    emacs_mode,
    has_focus,
    is_searching,
    vi_insert_mode,
)
from prompt_toolkit.input.ansi_escape_sequences import ANSI_SEQUENCES
from prompt_toolkit.key_binding import KeyBindings, KeyPress
from prompt_toolkit.key_binding.bindings.named_commands import get_by_name
from prompt_toolkit.key_binding.bindings.search import accept_search_and_accept_input
from prompt_toolkit.keys import Keys
from wcwidth import iter_graphemes, iter_graphemes_reverse

from recorder.editor import Outcome, Verdict
from recorder.keys import PASTE_BEGIN, PASTE_END

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from prompt_toolkit.key_binding import KeyPressEvent

_NOT_IN_PASTE = {code: None for code in (*range(0x20), *range(0x7F, 0xA0)) if chr(code) not in "\t\n"}


def decode(key: bytes) -> list[KeyPress]:
    """Return the presses of one whole key; bytes that are no UTF-8 become lone surrogates.

    A bracketed paste is one press. Control characters in it are dropped: a terminal in line mode
    would take a pasted Ctrl-C for the key.
    """
    if key.startswith(PASTE_BEGIN):
        body = key.removeprefix(PASTE_BEGIN).removesuffix(PASTE_END).decode("utf-8", "surrogateescape")
        body = body.replace("\r\n", "\n").replace("\r", "\n").translate(_NOT_IN_PASTE)
        return [KeyPress(Keys.BracketedPaste, body)]
    typed = key.decode("utf-8", "surrogateescape")
    if not typed.startswith("\x1b"):
        return [press for char in typed for press in _presses(char)]
    if typed in ANSI_SEQUENCES:
        return _presses(typed)
    if len(typed) == 2 and typed[1] not in "[O":  # Alt and a character
        return [KeyPress(Keys.Escape, "\x1b"), *_presses(typed[1])]
    if typed.startswith("\x1b\x1b") and typed[1:] in ANSI_SEQUENCES:  # Alt and a cursor key
        return [KeyPress(Keys.Escape, "\x1b"), *_presses(typed[1:])]
    return []


def _presses(sequence: str) -> list[KeyPress]:
    known = ANSI_SEQUENCES.get(sequence)
    if known is None:
        return [KeyPress(sequence, sequence)]
    if isinstance(known, tuple):  # one sequence for several keys: its text counts once
        return [KeyPress(part, sequence if index == 0 else "") for index, part in enumerate(known)]
    return [KeyPress(known, sequence)]


def bindings(offers: Callable[[str, int], bool]) -> KeyBindings:
    """Return our bindings; ``offers`` says whether completion has something for a text and a cursor."""
    keys = KeyBindings()
    _bind_endings(keys)
    _bind_editing(keys)

    @keys.add("tab", filter=emacs_insert_mode | vi_insert_mode)
    def _complete(event: KeyPressEvent) -> None:
        buffer = event.current_buffer
        if buffer.complete_state:
            buffer.complete_next()
        elif offers(buffer.text, buffer.cursor_position):
            buffer.start_completion(insert_common_part=True)
        else:
            buffer.insert_text("\t")

    return keys


def _bind_endings(keys: KeyBindings) -> None:
    """Bind the keys that end an edit; after a quoted insert they are text like any other."""
    unquoted = Condition(lambda: not get_app().quoted_insert)
    empty = Condition(lambda: not get_app().current_buffer.text)
    in_line = has_focus(DEFAULT_BUFFER)

    def ending(verdict: Verdict) -> Callable[[KeyPressEvent], None]:
        def end(event: KeyPressEvent) -> None:
            line = event.app.layout.get_buffer_by_name(DEFAULT_BUFFER)
            event.app.exit(result=Outcome(verdict, line.text if line else ""))

        return end

    keys.add("c-c", filter=unquoted, eager=True)(ending(Verdict.INTERRUPT))
    keys.add("c-\\", filter=unquoted, eager=True)(ending(Verdict.QUIT))
    keys.add("c-z", filter=unquoted, eager=True)(ending(Verdict.SUSPEND))
    keys.add("c-d", filter=unquoted & in_line & empty, eager=True)(ending(Verdict.EOF))
    # As in readline: Enter in a search takes what was found and submits it.
    keys.add("enter", filter=is_searching, eager=True)(accept_search_and_accept_input)


def _bind_editing(keys: KeyBindings) -> None:
    inserting = emacs_insert_mode | vi_insert_mode
    keys.add("c-v", filter=emacs_insert_mode)(get_by_name("quoted-insert"))

    @keys.add("escape", "enter", filter=inserting)
    @keys.add("escape", "c-j", filter=inserting)
    def _newline(event: KeyPressEvent) -> None:
        event.current_buffer.insert_text("\n")

    @keys.add("escape", Keys.Any, filter=emacs_mode)
    def _unknown(event: KeyPressEvent) -> None:  # else the second key would be inserted
        pass

    # A character is what one sees: an emoji with its skin tone, a letter with its accent.
    @keys.add("backspace", filter=inserting, save_before=lambda event: not event.is_repeat)
    def _backspace(event: KeyPressEvent) -> None:
        before = event.current_buffer.document.text_before_cursor
        event.current_buffer.delete_before_cursor(_length(iter_graphemes_reverse(before), event.arg))

    @keys.add("left", filter=inserting)
    @keys.add("c-b", filter=emacs_insert_mode)
    def _left(event: KeyPressEvent) -> None:
        before = event.current_buffer.document.current_line_before_cursor
        event.current_buffer.cursor_left(_length(iter_graphemes_reverse(before), event.arg))

    # At the end of a line the key is prompt-toolkit's: it takes the suggestion.
    within = Condition(lambda: bool(get_app().current_buffer.document.current_char))

    @keys.add("right", filter=inserting & within)
    @keys.add("c-f", filter=emacs_insert_mode & within)
    def _right(event: KeyPressEvent) -> None:
        after = event.current_buffer.document.current_line_after_cursor
        event.current_buffer.cursor_right(_length(iter_graphemes(after), event.arg))


def _length(graphemes: Iterator[str], count: int) -> int:
    return sum(len(grapheme) for grapheme in islice(graphemes, max(0, count)))
