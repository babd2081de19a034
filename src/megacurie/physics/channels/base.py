"""What a kernel needs of an interaction."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from megacurie.foundation.arrays import Array
from megacurie.physics.detectors import Detector
from megacurie.physics.sources import Source


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """One component of the response: what a hypothesis may scale apart.

    Attributes
    ----------
    tag : str
        Such as ``state:ground``.
    target : str
        What is hit: an isotope of the material, or "electron".
    cross_section : array (2, n_bins, n_lines), area
        Per target, bin of the detector (recoil x angle) and line of the source; the first axis is the flavour on arrival (e, x).
    also : tuple of str
        More tags, such as ``isotope:7li``.
    """

    tag: str
    target: str
    cross_section: Array
    also: tuple[str, ...] = ()

    @property
    def tags(self) -> frozenset[str]:
        """All its tags."""
        return frozenset({self.tag, *self.also})


class Channel(Protocol):
    """An interaction with its cross section."""

    @property
    def tag(self) -> str:
        """Tag on the blocks of a kernel: ``channel:ga71``."""
        ...

    def parts(self, source: Source, detector: Detector) -> tuple[Part, ...]:
        """Cross sections for the lines of a source in the bins of a detector."""
        ...

    def largest(self, source: Source) -> float | None:
        """Largest visible energy that the source can give; None where none is recorded."""
        ...

    def relative_errors(self, source: Source) -> tuple[float, float]:
        """Relative errors (up, down) of the cross section."""
        ...

    def references(self, source: Source) -> frozenset[str]:
        """Keys of everything that enters."""
        ...

    def describe(self, source: Source) -> str:
        """One line for a person."""
        ...
