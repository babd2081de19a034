"""Backgrounds: named events that are not the source's neutrinos, with their rate, spectrum, place and how well they are known."""

from __future__ import annotations

import math
from dataclasses import dataclass, field

from megacurie.foundation import units
from megacurie.foundation.errors import RangeError
from megacurie.physics.detectors import Histogram

TILT = 1e-3
"""Step of the index of a power law, for its derivative."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Background:
    """One background.

    Attributes
    ----------
    name : str
        Also the name of its pull, ``background:NAME``.
    spectrum : Histogram or None
        Visible energy before resolution and efficiency. None: as recorded, flat over the bins of recoil, isotropic.
    density : float, rate per volume
        Events everywhere in the target, with the source there or not.
    per_decay : float
        Events per decay of the source: gammas that leave its shield and are absorbed in the target.
    absorption : float, length
        Those are absorbed like exp(-x / absorption) behind the surface of the target.
    error : float
        Relative error of the rate; infinite where nothing is known of it beforehand.
    tilt : Histogram or None
        The spectrum at an index larger by ``TILT``, where the index of a power law is not known.
    tilt_error : float
        Error of that index; infinite where nothing is known of it beforehand.
    references : frozenset of str

    Raises
    ------
    RangeError
        If a rate or the error is negative.
    """

    name: str
    spectrum: Histogram | None = None
    density: float = 0.0
    per_decay: float = 0.0
    absorption: float = math.inf
    error: float = 0.0
    tilt: Histogram | None = None
    tilt_error: float = 0.0
    references: frozenset[str] = field(default_factory=frozenset)

    def __post_init__(self) -> None:
        if not (self.density >= 0 and self.per_decay >= 0 and self.error >= 0):
            found = f"{units.format(self.density, '1/(d m3)')}, {self.per_decay} per decay, relative error {self.error}"
            raise RangeError(f"background {self.name!r}: {found}: expected zero or more")

    @property
    def pull(self) -> str:
        """Name of the nuisance that scales it."""
        return f"background:{self.name}"
