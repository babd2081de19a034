"""Tables of what a person reads: the same rows as text and as HTML."""

from __future__ import annotations

import html as _html
from collections.abc import Sequence
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """A titled table; prints as text and shows as HTML in a notebook.

    Attributes
    ----------
    title : str
    head : tuple of str
        Column heads; empty for plain (label, value) rows.
    rows : tuple of tuple of str
    notes : tuple of str
        Lines below.

    Examples
    --------
    >>> print(Table(title="Best fit", rows=(("chi2", "2.7"), ("dof", "4"))))
    Best fit
      chi2  2.7
      dof   4
    """

    title: str
    rows: tuple[tuple[str, ...], ...]
    head: tuple[str, ...] = ()
    notes: tuple[str, ...] = field(default_factory=tuple)

    def __str__(self) -> str:
        lines = [*([self.head] if self.head else []), *self.rows]
        widths = [max(len(line[i]) for line in lines if i < len(line)) for i in range(max(map(len, lines), default=0))]
        body = ["  " + "  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=False)).rstrip() for line in lines]
        if self.head:
            body.insert(1, "  " + "  ".join("-" * width for width in widths))
        return "\n".join([self.title, *body, *(f"  {note}" for note in self.notes)])

    def _repr_html_(self) -> str:
        def row(cells: Sequence[str], tag: str) -> str:
            return "<tr>" + "".join(f"<{tag}>{_html.escape(cell)}</{tag}>" for cell in cells) + "</tr>"

        head = row(self.head, "th") if self.head else ""
        notes = "".join(f"<p>{_html.escape(note)}</p>" for note in self.notes)
        return f"<table><caption>{_html.escape(self.title)}</caption>{head}{''.join(row(r, 'td') for r in self.rows)}</table>{notes}"
