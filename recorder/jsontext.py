"""One line of JSON that no terminal obeys; what stands in it is for others to say."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from recorder.model import JsonValue

# DEL, C1, zero-width, bidi and line separators: they would reach a terminal as they are.
_UNSAFE = re.compile("[\x7f-\x9f\u061c\u180e\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb]")
_SURROGATE = re.compile("[\ud800-\udfff]")


def dumps(value: JsonValue | Sequence[JsonValue] | Mapping[str, JsonValue]) -> str:
    """Return one line of JSON that holds no byte a terminal would obey."""
    text = json.dumps(value, ensure_ascii=False, separators=(", ", ": "))
    text = _UNSAFE.sub(lambda match: f"\\u{ord(match[0]):04x}", text)
    return _SURROGATE.sub("\ufffd", text)
