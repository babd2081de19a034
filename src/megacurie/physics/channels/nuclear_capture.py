"""Neutrino capture on a nucleus, one part per final state: nu_e + 71Ga -> 71Ge + e-.

A model of the literature gives the cross section summed over final states and averaged over the lines of a source. It is taken apart into the ground
state, whose strength the half-life of the product fixes, and excited states, whose relative sizes follow from their strengths B(GT) and phase space:

    sigma = sigma_gs [1 + xi_175 B_175/B_gs + xi_500 B_500/B_gs]
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from scipy.special import loggamma

from megacurie.foundation import provenance, units
from megacurie.foundation.arrays import Array
from megacurie.foundation.errors import DataError, did_you_mean
from megacurie.foundation.provenance import Datum
from megacurie.physics.channels.base import Part
from megacurie.physics.detectors import Detector
from megacurie.physics.sources import Source

_KEY = "channel.ga71-capture"
_CHARGE = 32  # of germanium
_STATE_DATA = (("energy", "energy"), ("strength", "dimensionless"))
_PHASE_SPACE_DATA = (
    (f"{_KEY}.strength.ground", "dimensionless"), (f"{_KEY}.threshold", "energy"), ("constant.electron_mass", "energy"),
    ("constant.fine_structure_constant", "dimensionless"),
)  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class State:
    """The part of a cross section that leads to one final state: its tag, and the cross section for each line (n_lines,)."""

    tag: str
    cross_section: Array


@dataclass(frozen=True, slots=True, kw_only=True)
class NuclearCapture:
    """Capture on 71Ga with a cross-section model of the literature.

    Parameters
    ----------
    model : str
        ``bahcall-1997``, ``kostensalo-2019`` ...; ``models()`` lists them.

    Raises
    ------
    DataError
        Unknown model, with the nearest name.

    Examples
    --------
    >>> from megacurie.foundation import units as u
    >>> from megacurie.physics.sources import source
    >>> capture = NuclearCapture(model="bahcall-1997")
    >>> print(f"{capture.average(source('51Cr')).value / (1e-45 * u.cm2):.2f}")
    5.81
    """

    model: str

    def __post_init__(self) -> None:
        if self.model not in models():
            raise DataError(f"no cross-section model {self.model!r}. {did_you_mean(self.model, models())}")

    @property
    def tag(self) -> str:
        """Tag of the channel on the blocks of a kernel."""
        return "channel:ga71"

    @property
    def target(self) -> str:
        """The isotope that captures."""
        return "71Ga"

    def parts(self, source: Source, detector: Detector) -> tuple[Part, ...]:
        """One part per final state; only nu_e is captured, and captures are counted in one bin."""
        return tuple(
            Part(tag=s.tag, target=self.target, cross_section=np.stack([s.cross_section, np.zeros_like(s.cross_section)])[:, None, :])
            for s in self.states(source)
        )

    def largest(self, source: Source) -> None:
        """None: atoms are counted, no energy is recorded."""

    def describe(self, source: Source) -> str:
        """One line for a person."""
        return f"capture on 71Ga, {self.model}: {self.average(source)}"

    def derived(self, source: Source) -> bool:
        """Whether the model has no value of its own for this source and takes Bahcall's ratio to 51Cr."""
        return self.model not in provenance.look_up(f"{_KEY}.{self._table(source)}")

    def average(self, source: Source) -> Datum:
        """Cross section averaged over the lines of the source, with its errors.

        A model without a value for 37Ar takes Bahcall's ratio 37Ar/51Cr, with the relative errors of its own 51Cr value; status "assumed".

        Raises
        ------
        DataError
            If no model gives the cross section for this source's nuclide.
        """
        table = self._table(source)
        if not self.derived(source):
            return provenance.datum(f"{_KEY}.{table}.{self.model}", "area")
        own = provenance.datum(f"{_KEY}.cr51.{self.model}", "area")
        ratio = provenance.datum(f"{_KEY}.{table}.{_default()}", "area").value / provenance.datum(f"{_KEY}.cr51.{_default()}", "area").value
        return Datum(
            key=f"{own.key} x {_default()} {table}/cr51", value=own.value * ratio, plus=own.plus * ratio, minus=own.minus * ratio, unit=own.unit,
            printed=f"{own.value * ratio / units.cm2:.4g}", ref=own.ref, where=own.where, note="derived: no value of its own", status="assumed",
        )  # fmt: skip

    def relative_errors(self, source: Source) -> tuple[float, float]:
        """Relative errors (up, down) of the averaged cross section."""
        sigma = self.average(source)
        return sigma.plus / sigma.value, sigma.minus / sigma.value

    def ground_ratio(self, source: Source) -> float:
        """Ground-state part over the whole cross section: the smallest factor that non-negative excited strengths allow."""
        return min(1.0, NuclearCapture(model=self._ground()).average(source).value / self.average(source).value)

    def states(self, source: Source) -> tuple[State, ...]:
        """Cross section per line and final state.

        The average over lines is the model's value; relative sizes of the lines are Bahcall's; excited strength is what the model has above its
        ground-state part, shared between the states as B(GT) x phase space, and each state's lines as their phase space.

        Returns
        -------
        tuple of State
            Ground state first; cross sections sum to the model's.

        Examples
        --------
        >>> from megacurie.physics.sources import source
        >>> [state.tag for state in NuclearCapture(model="bahcall-1997").states(source("51Cr"))]
        ['state:ground', 'state:excited-175', 'state:excited-500']
        """
        share = source.intensities / source.intensities.sum()
        lines = _per_line(source.energies)
        total = self.average(source).value * lines / (share @ lines)
        above = self.average(source).value * (1 - self.ground_ratio(source))
        excited = []
        strengths = {name: strength_ratio(name) * (share @ phase_space(source.energies, level)) for name, level in excited_states().items()}
        for name, strength in strengths.items():
            spread = phase_space(source.energies, excited_states()[name])
            excited.append(State(tag=f"state:excited-{name}", cross_section=above * strength / sum(strengths.values()) * spread / (share @ spread)))
        ground = total - sum((state.cross_section for state in excited), np.zeros_like(total))
        return (State(tag="state:ground", cross_section=ground), *excited)

    def references(self, source: Source) -> frozenset[str]:
        """Keys of everything that enters ``states`` for this source."""
        models = [self, NuclearCapture(model=self._ground())]
        if any(model.derived(source) for model in models):
            models.append(NuclearCapture(model=_default()))
        data = [model.average(source) for model in models]
        data += provenance.walk(provenance.look_up(f"{_KEY}.per-line"))
        data += [provenance.datum(f"{_KEY}.excited.{name}.{what}", dimension) for name in excited_states() for what, dimension in _STATE_DATA]
        data += [provenance.datum(key, dimension) for key, dimension in _PHASE_SPACE_DATA]
        return frozenset().union(*(datum.references for datum in data))

    def _table(self, source: Source) -> str:
        if source.key not in provenance.load(_KEY):
            raise DataError(f"no capture cross section on 71Ga for {source.nuclide}. Known: 51Cr, 37Ar")
        return source.key

    def _ground(self) -> str:
        named: str = provenance.look_up(f"{_KEY}.ground")[self.model]
        return named


def models() -> tuple[str, ...]:
    """Names of the cross-section models, in the order of the data file.

    Examples
    --------
    >>> "kostensalo-2019" in models()
    True
    """
    return tuple(key for key, item in provenance.look_up(f"{_KEY}.cr51").items() if isinstance(item, Datum))


def excited_states() -> dict[str, float]:
    """Excited final states that take part, by name (their energy in keV), with their energies."""
    return {name: provenance.datum(f"{_KEY}.excited.{name}.energy", "energy").value for name in provenance.look_up(f"{_KEY}.excited")}


def strength_ratio(state: str) -> float:
    """B(GT) of an excited state over that of the ground state."""
    ground = provenance.datum(f"{_KEY}.strength.ground", "dimensionless").value
    return provenance.datum(f"{_KEY}.excited.{state}.strength", "dimensionless").value / ground


def summed_strengths(source: Source) -> float:
    """Whole cross section over its ground-state part from the published B(GT) and phase-space factors xi.

    Sources
    -------
    B(GT): Frekers 2011; xi as quoted in the data file.

    Examples
    --------
    >>> from megacurie.physics.sources import source
    >>> print(f"{summed_strengths(source('51Cr')):.4f}")
    1.0721
    """
    return 1 + sum(
        provenance.datum(f"{_KEY}.excited.{name}.phase_space.{source.key}", "dimensionless").value * strength_ratio(name) for name in excited_states()
    )


def phase_space(energy: Array, level: float = 0.0) -> Array:
    """p W F(Z, W) of the electron for neutrino energies and a level of 71Ge; zero below threshold.

    W = E - Q - E_x + m_e. F is the Fermi function of a point charge; its nuclear radius, screening and finite size cancel in the ratios that are used here.

    Parameters
    ----------
    energy : array (n_lines,), energy
    level : float, energy
        Excitation energy of the final state.

    Returns
    -------
    array (n_lines,)
        Arbitrary normalisation.

    Sources
    -------
    E. Fermi, Z. Phys. 88, 161 (1934): F ~ p^(2g-2) exp(pi y) |Gamma(g + i y)|^2, g^2 = 1 - (alpha Z)^2, y = alpha Z W / p.

    Examples
    --------
    >>> from megacurie.foundation import units as u
    >>> print(phase_space(np.array([430 * u.keV]), level=500 * u.keV))
    [0.]
    """
    mass = provenance.datum("constant.electron_mass", "energy").value
    alpha = provenance.datum("constant.fine_structure_constant", "dimensionless").value
    threshold = provenance.datum(f"{_KEY}.threshold", "energy").value
    w = np.maximum((energy - threshold - level) / mass + 1, 1)  # in electron masses
    reached = w > 1
    p = np.sqrt(np.where(reached, w * w - 1, 1))
    g = math.sqrt(1 - (alpha * _CHARGE) ** 2)
    y = alpha * _CHARGE * w / p
    fermi = p ** (2 * g - 2) * np.exp(np.pi * y + 2 * loggamma(g + 1j * y).real)
    result: Array = np.where(reached, p * w * fermi, 0.0)
    return result


def _per_line(energy: Array) -> Array:
    """Relative cross section of each line: Bahcall's per-line values, log-log between them."""
    tables = provenance.look_up(f"{_KEY}.per-line")
    rows = sorted((row["energy"].value, row["cross_section"].value) for table in tables.values() if isinstance(table, tuple) for row in table)
    e, sigma = (np.log(np.array(column)) for column in zip(*rows, strict=True))
    result: Array = np.exp(np.interp(np.log(energy), e, sigma))
    return result


def _default() -> str:
    named: str = provenance.look_up(f"{_KEY}.default")
    return named
