"""Styles of cells: what SGR sequences add up to, and what they are as one sequence.

May live here: colours and attributes as short texts. May not: cells, screens. A style is its SGR
parameters in a fixed order, one of each kind, with ``|`` between them: equal styles are equal texts.
"""

from __future__ import annotations

from functools import lru_cache

_ON = {1: "1", 2: "2", 3: "3", 4: "4", 5: "5", 6: "5", 7: "7", 8: "8", 9: "9", 21: "4"}
_OFF = {22: ("1", "2"), 23: ("3",), 24: ("4",), 25: ("5",), 27: ("7",), 28: ("8",), 29: ("9",)}


@lru_cache(maxsize=4096)
def restyled(style: str, params: bytes) -> str:
    """Return a style after an SGR sequence: SGR parameters itself, in order, colours last."""
    found = {_slot(part): part for part in style.split("|") if part}
    parts = [part.split(b":") for part in params[:400].split(b";")]
    at = 0
    while at < len(parts):
        head, *colons = parts[at]
        at += 1
        code = int(head[:9] or b"0")
        if code == 0:
            found.clear()
        elif code in {38, 48, 58}:
            rest = colons or [part[0] for part in parts[at : at + 5]]
            colour, taken = _colour([int(each[:9] or b"0") for each in rest], spaced=len(colons) > 4)
            at += 0 if colons else taken
            if colour and code != 58:
                found[f"{code // 10}8"] = f"{code};{colour}"
        elif 30 <= code <= 37 or 90 <= code <= 97:
            found["38"] = str(code)
        elif 40 <= code <= 47 or 100 <= code <= 107:
            found["48"] = str(code)
        elif code in {39, 49}:
            found.pop(f"{code // 10}8", None)
        elif code == 4 and colons and colons[0] == b"0":
            found.pop("4", None)
        elif code in _ON:
            found[_ON[code]] = _ON[code]
        elif code in _OFF:
            for slot in _OFF[code]:
                found.pop(slot, None)
    return "|".join(found[slot] for slot in sorted(found, key=int))


def _slot(part: str) -> str:
    code = int(part.partition(";")[0])
    if code in {38, 48} or code < 10:
        return str(code)
    return "48" if 40 <= code <= 47 or code >= 100 else "38"


def _colour(numbers: list[int], *, spaced: bool) -> tuple[str, int]:
    """Return an extended colour's parameters, and how many numbers it took; "" if it is none."""
    if numbers[:1] == [5] and len(numbers) > 1:
        return (f"5;{numbers[1]}" if numbers[1] < 256 else ""), 2
    if numbers[:1] == [2]:
        rgb = numbers[2:5] if spaced else numbers[1:4]  # 38:2::1:2:3 names a colour space, or none
        if len(rgb) == 3 and max(rgb) < 256:
            return f"2;{rgb[0]};{rgb[1]};{rgb[2]}", 4
        return "", 4
    return "", 1


def sgr(style: str) -> str:
    """Return a style as the parameters of one sequence."""
    return style.replace("|", ";")


def paper(style: str) -> str:
    """Return of a style only the background."""
    return next((part for part in style.split("|") if part and _slot(part) == "48"), "")


@lru_cache(maxsize=4096)
def colourless(params: str) -> str:
    """Return the parameters of one sequence (see ``sgr``) without colours, which come last."""
    kept = []
    for part in params.split(";"):
        if len(part) > 1:
            break
        kept.append(part)
    return ";".join(kept)
