"""What inference finds in a tool's output. Records only; no behaviour."""

from __future__ import annotations

from typing import NamedTuple


class Output(NamedTuple):
    """Bytes that the tool printed, from raw offset ``raw`` on."""

    raw: int
    data: bytes


class PromptShown(NamedTuple):
    """The tool waits for a line; its output ended at raw offset ``raw``."""

    raw: int
    text: str


class Accepted(NamedTuple):
    """The tool took a line; its output begins at raw offset ``raw``.

    ``partial``: what the tool showed of it may not be all, or not be it alone.
    """

    raw: int
    command: str
    prompt_text: str
    partial: bool = False


class Hidden(NamedTuple):
    """A line was entered at a password prompt that a tool reads in raw mode."""

    prompt_text: str


Finding = Output | PromptShown | Accepted | Hidden
