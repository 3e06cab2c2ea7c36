"""What a measurement hands back: frozen records, and whether a figure keeps its budget."""

from __future__ import annotations

from dataclasses import dataclass, field

Figures = dict[str, float | None]


@dataclass(frozen=True, slots=True)
class Column:
    """One column of a table: the figure's key, what stands above it, how many decimals."""

    key: str
    head: str
    digits: int = 1


@dataclass(frozen=True, slots=True)
class Row:
    """One program's figures, by column key; None where it has none."""

    who: str
    figures: Figures


@dataclass(frozen=True, slots=True)
class Check:
    """One figure of ``rec`` against its budget; ``source`` says where the budget comes from.

    ``figure`` is None where it could not be taken, and is then neither kept nor missed.
    """

    what: str
    figure: float | None
    limit: float
    unit: str
    source: str
    digits: int = 2

    @property
    def kept(self) -> bool | None:
        """Say whether the budget is kept; None without a figure."""
        return None if self.figure is None else self.figure <= self.limit


@dataclass(frozen=True, slots=True)
class Result:
    """One measurement: a table, the checks under it, and remarks."""

    name: str
    title: str
    columns: tuple[Column, ...]
    rows: tuple[Row, ...]
    checks: tuple[Check, ...] = ()
    notes: tuple[str, ...] = ()
    raw: dict[str, list[float]] = field(default_factory=dict)
    others_cpus: float = 0.0  # how many CPUs other programs kept busy while it was taken

    def figure(self, who: str, key: str) -> float | None:
        """Return one figure of the table, or None."""
        return next((row.figures.get(key) for row in self.rows if row.who == who), None)
