"""What a label may be, and the mark that it leaves: pure, used wherever a label enters.

No store, no printing, nothing about where labels are kept.
"""

from __future__ import annotations

import re
import unicodedata
from typing import TYPE_CHECKING

from recorder.errors import UsageError_

if TYPE_CHECKING:
    from recorder.model import Meta

MAX_BYTES = 128
_TURN = re.compile(r":[0-9]+\Z")  # `SESSION:N` names a turn


def check_label(label: str) -> str:
    """Return ``label`` NFC-normalised; raise UsageError_ if it cannot be a label.

    A label is 1 to 128 bytes of printable text, does not begin with ``@``, ``-`` or ``:``, holds no
    ``/`` and does not end like a turn (``:3``), so that it can never be read as another name.
    """
    text = unicodedata.normalize("NFC", label)
    cause = _objection(text)
    if cause is not None:
        raise UsageError_(
            f"could not use the label: {cause}",
            advice="a label is 1 to 128 bytes of printable text, without '/', not starting with @, - or :",
        )
    return text


def _objection(text: str) -> str | None:
    """Say what is wrong with an NFC text as a label, or nothing."""
    if not text.strip():
        return "it is empty"
    if not text.isprintable():  # also refuses surrogates, bidi and zero-width characters
        return "it holds a character that cannot be printed"
    if len(text.encode()) > MAX_BYTES:
        return f"it is longer than {MAX_BYTES} bytes"
    if text[0] in "@-:":
        return f"it begins with '{text[0]}'"
    if "/" in text:
        return "it holds a '/'"
    if _TURN.search(text):
        return "it ends like the name of a turn"
    return None


def label_mark(label: str, moved: str | None) -> Meta:
    """Return the meta of the mark that says that a session has a label; ``moved`` is who had it before."""
    return {"mark": "label", "label": label, **({} if moved is None else {"from": moved})}


def importing(ulid: str) -> str:
    """Return the label of a session that is being imported: without its importer it is to go."""
    return f"importing-{ulid}"
