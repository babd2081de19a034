"""The exception tree.

    MegacurieError
    ├── CardError      an experiment file is wrong: file, key path, found, expected, way out (all problems at once)
    ├── UnitError      text that is not a number with a unit of the wanted dimension
    ├── DataError      an unknown key, or reference data without value, unit, source or place
    │   └── CampaignError  files of a campaign are wrong: file and line of every problem
    ├── RangeError     a value outside its domain, or beyond what a kernel was made for
    ├── FitError       a fit that did not converge; carries its last state
    └── StoreError     a result that cannot be written or read

Every message says what was found, where, what was expected and what to do.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping


class MegacurieError(Exception):
    """Base of all errors that the package raises on purpose."""


class CardError(MegacurieError):
    """All problems of one experiment file.

    Examples
    --------
    >>> print(CardError("my.toml", ["source.activity: 'x': expected a number with a unit"]))
    my.toml: source.activity: 'x': expected a number with a unit
    """

    def __init__(self, file: str, problems: Iterable[str]) -> None:
        self.file = file
        self.problems = tuple(problems)
        super().__init__("\n".join(f"{file}: {problem}" for problem in self.problems))


class UnitError(MegacurieError):
    """Text that cannot be read as a number with a unit of the wanted dimension."""


class DataError(MegacurieError):
    """An unknown key, or reference data that is incomplete."""


class CampaignError(DataError):
    """All problems of the files of a campaign, each with file and line.

    Examples
    --------
    >>> print(CampaignError(["best/events.csv:7: peak: 'M': expected 'K' or 'L'"]))
    best/events.csv:7: peak: 'M': expected 'K' or 'L'
    """

    def __init__(self, problems: Iterable[str]) -> None:
        self.problems = tuple(problems)
        super().__init__("\n".join(self.problems))


class RangeError(MegacurieError):
    """A value outside its domain."""


class FitError(MegacurieError):
    """A fit that did not converge.

    Attributes
    ----------
    state : dict of str to float
        The last point the minimiser stood at, in internal units.
    """

    def __init__(self, message: str, state: Mapping[str, float]) -> None:
        self.state = dict(state)
        super().__init__(message)


class StoreError(MegacurieError):
    """A result that cannot be written or read."""


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """The sentence that names the nearest known word, or lists all of them when none is near.

    Examples
    --------
    >>> did_you_mean("bahcal-1997", ["bahcall-1997", "kostensalo-2019"])
    "Did you mean 'bahcall-1997'?"
    >>> did_you_mean("x", ["inner", "outer"])
    'Known: inner, outer.'
    """
    names = sorted(known)
    lower = {name.lower(): name for name in names}
    if word.lower() in lower:  # capitals are all that is wrong: mci for MCi
        near = [lower[word.lower()]]
    else:
        near = difflib.get_close_matches(word, names, n=1, cutoff=0.6) or [
            lower[found] for found in difflib.get_close_matches(word.lower(), lower, n=1, cutoff=0.6)
        ]
    return f"Did you mean {near[0]!r}?" if near else f"Known: {', '.join(names)}."
