"""Lines and stretches of bytes from a file that comes in pieces; none of them is ever unbounded."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, NoReturn

from recorder.formats.records import LONGEST_LINE, Damage, Wrong

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator


def split(pieces: Iterable[bytes], longest: int = LONGEST_LINE) -> Iterator[bytes | Damage]:
    """Yield lines with their line feeds; of one that is longer than ``longest`` only that it was there."""
    held: list[bytes] = []
    size = 0  # of the line so far; what is beyond ``longest`` is not held
    for piece in pieces:
        at = 0
        while at < len(piece):
            end = piece.find(b"\n", at) + 1
            part = piece[at : end or len(piece)]
            size += len(part)
            if size <= longest:
                held.append(part)
            else:
                held.clear()
            at += len(part)
            if end:
                yield _line(held, size, longest)
                held, size = [], 0
    if size:
        yield _line(held, size, longest)


def _line(held: list[bytes], size: int, longest: int) -> bytes | Damage:
    return b"".join(held) if size <= longest else Damage(f"a line of {size} bytes is passed over")


def parsed(data: bytes) -> Any:  # noqa: ANN401  (whatever the file says)
    """Return a JSON value; raise Wrong for what is none, holds NaN or is nested without end."""
    try:
        return json.loads(data.decode("utf-8", "replace"), parse_constant=_constant)
    except RecursionError:
        raise Wrong("it is nested too deeply") from None
    except Wrong:
        raise
    except json.JSONDecodeError:
        raise Wrong("it is no JSON") from None
    except ValueError:  # Python reads whole numbers of up to 4300 digits
        raise Wrong("a number in it has too many digits") from None


def _constant(name: str) -> NoReturn:
    raise Wrong(f"{name} is no number")


class Stretches:
    """Bytes of a file that comes in pieces, taken as they are asked for."""

    def __init__(self, pieces: Iterable[bytes]) -> None:
        """Begin at the first piece."""
        self._pieces = iter(pieces)
        self._held = b""

    def some(self, most: int) -> bytes:
        """Return the next bytes, at least one and at most ``most``; none at the end."""
        while not self._held:
            piece = next(self._pieces, None)
            if piece is None:
                return b""
            self._held = piece
        taken, self._held = self._held[:most], self._held[most:]
        return taken

    def exactly(self, size: int) -> bytes:
        """Return so many bytes, fewer only at the end; for sizes that are known to be small."""
        parts: list[bytes] = []
        while size > 0 and (part := self.some(size)):
            parts.append(part)
            size -= len(part)
        return b"".join(parts)

    def back(self, data: bytes) -> None:
        """Put bytes back in front."""
        self._held = data + self._held
