"""What leaves the package as files: written together or not at all, with the works they came from."""

from __future__ import annotations

import contextlib
import csv
import io
import os
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from megacurie.foundation import provenance
from megacurie.foundation.errors import RangeError, StoreError

_SUFFIXES = (".pdf", ".svg", ".png")


def write_together(contents: Mapping[Path, bytes]) -> None:
    """Write files of one folder that belong together: all to temporary names first, then renamed.

    Parameters
    ----------
    contents : mapping of path to bytes
        Messages name the first.

    Raises
    ------
    StoreError
        If the folder is not there or a file cannot be written; then nothing is left behind.
    """
    first = next(iter(contents))
    folder = first.parent
    parts = {target: target.with_name(f".{target.name}.{os.getpid()}.part") for target in contents}
    begun: list[Path] = []
    try:
        if not folder.is_dir():
            raise StoreError(f"{first}: no folder {str(folder)!r}. Make it first, or save into one that exists")
        for target in contents:
            if target.is_dir():
                raise StoreError(f"{first}: {str(target)!r} is a folder; expected the name of a file. Save under another name")
        for target, part in parts.items():
            begun.append(part)
            part.write_bytes(contents[target])
        for target, part in parts.items():
            os.replace(part, target)
            begun.remove(part)
    except OSError as error:
        raise StoreError(f"{first}: cannot write into {str(folder)!r}: {error.strerror}. Save into a folder that you may write to") from None
    finally:
        for part in begun:
            with contextlib.suppress(OSError):  # a name that could not be made cannot be removed
                part.unlink()


def check_suffix(target: Path) -> None:
    """Refuse a file that is not .pdf, .svg or .png.

    Raises
    ------
    RangeError
        Naming the suffixes that can be drawn.
    """
    if target.suffix.lower() not in _SUFFIXES:
        found = f"cannot draw {target.suffix!r}" if target.suffix else "no suffix"
        raise RangeError(f"{target}: {found}: expected {', '.join(_SUFFIXES[:-1])} or {_SUFFIXES[-1]}. Write '{target.with_suffix('.pdf')}'")


def author_year(key: str) -> str:
    """A reference as it stands in a caption: authors, year and key.

    Raises
    ------
    DataError
        If the key is not in ``references.bib``.

    Examples
    --------
    >>> print(author_year("Farzan:2023fqa"))
    Farzan and Schwetz 2023 [Farzan:2023fqa]
    >>> print(author_year("Barinov:2021asz"))
    Barinov et al. (BEST) 2022 [Barinov:2021asz]
    """
    provenance.check_reference(key, "caption")
    fields = provenance.references()[key].fields
    authors = [name.strip("{} ").split(",")[0] for name in fields.get("author", "").split(" and ")]
    who = " and ".join(authors) if len(authors) < 3 and "others" not in authors else f"{authors[0]} et al."
    collaboration = f" ({fields['collaboration']})" if "collaboration" in fields else ""
    return f"{who}{collaboration} {fields.get('year', 'undated')} [{key}]"


def cited(text: str, references: Iterable[str]) -> str:
    """A text, and below it the works that entered.

    Examples
    --------
    >>> print(cited("One.", ["Bahcall:1997eg"]))
    One.
    <BLANKLINE>
    References: Bahcall 1997 [Bahcall:1997eg].
    """
    works = "; ".join(author_year(key) for key in sorted(references))
    return f"{text}\n\nReferences: {works}." if works else text


def columns(heads: Sequence[str], rows: Iterable[tuple[str | float, ...]]) -> dict[str, tuple[str | float, ...]]:
    """Rows by column.

    Examples
    --------
    >>> columns(("zone", "path_m"), [("inner", 0.5), ("outer", 0.6)])
    {'zone': ('inner', 'outer'), 'path_m': (0.5, 0.6)}
    """
    by_column = list(zip(*rows, strict=True)) or [()] * len(heads)
    return dict(zip(heads, by_column, strict=True))


def as_csv(data: Mapping[str, tuple[str | float, ...]]) -> str:
    """Columns as CSV, numbers with ten digits.

    Examples
    --------
    >>> print(as_csv({"zone": ("inner", "outer"), "path_m": (0.5, 0.6)}), end="")
    zone,path_m
    inner,0.5
    outer,0.6
    """
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(data)
    for row in zip(*data.values(), strict=True):
        writer.writerow([f"{cell:.10g}" if isinstance(cell, float) else cell for cell in row])
    return text.getvalue()
