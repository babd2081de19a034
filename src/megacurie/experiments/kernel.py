"""The kernel between physics and statistics: expected counts per unit probability, once per experiment.

    mu[b] = background[b] + sum over blocks B  sum_{f,n in B}  scale_B,n(theta) W_B[f, b, n] P_f(L_n, E_n; theta)

``expectation`` evaluates it.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import numpy as np

from megacurie.foundation import units
from megacurie.foundation.arrays import Array
from megacurie.foundation.errors import RangeError


@dataclass(frozen=True, slots=True, kw_only=True)
class Block:
    """One zone x one component of the response x one particle.

    Attributes
    ----------
    bins : slice
        Bins of the result that the block fills.
    energy, baseline : array (n,)
        Of each node.
    weight : array (2, bins, n)
        Expected counts per unit probability; the first axis is the flavour on arrival (e, x).
    particle : str
        "neutrino" or "antineutrino".
    tags : frozenset of str
        What a hypothesis may scale apart.
    """

    bins: slice
    energy: Array
    baseline: Array
    weight: Array
    particle: str = "neutrino"
    tags: frozenset[str] = field(default_factory=frozenset)

    def __post_init__(self) -> None:
        n = self.energy.shape[-1]
        expected = (2, self.bins.stop - self.bins.start, n)
        if self.weight.shape != expected or self.baseline.shape != (n,):
            raise RangeError(f"block: weight {self.weight.shape}, baseline {self.baseline.shape}: expected {expected} and ({n},)")


@dataclass(frozen=True, slots=True, kw_only=True)
class RateKernel:
    """All that statistics needs to know of an experiment.

    Attributes
    ----------
    labels : tuple of str, length n_bins
    blocks : tuple of Block
    background : array (n_bins,)
    reach : float
        Largest oscillation phase per L/E for which the nodes are exact to the stated accuracy.
    references : frozenset of str
    """

    labels: tuple[str, ...]
    blocks: tuple[Block, ...]
    background: Array
    reach: float
    references: frozenset[str] = field(default_factory=frozenset)

    @property
    def n_bins(self) -> int:
        """Number of bins."""
        return len(self.labels)

    @property
    def dm2_reach(self) -> float:
        """The reach as the dm2 of a 3+1 oscillation."""
        return self.reach * 4 * units.hbarc

    def without_new_physics(self) -> Array:
        """Expected counts with P_e = 1 (n_bins,)."""
        mu = np.array(self.background)
        for block in self.blocks:
            mu[block.bins] += block.weight[0].sum(axis=-1)
        return mu

    def scaled(self, factor: Array) -> RateKernel:
        """The kernel with each bin multiplied by a factor (n_bins,)."""
        scaled = tuple(replace(b, weight=b.weight * factor[b.bins, None]) for b in self.blocks)
        return replace(self, blocks=scaled, background=self.background * factor)

    def __add__(self, other: RateKernel) -> RateKernel:
        """Both experiments: bins of the other are appended."""
        n = self.n_bins
        moved = tuple(replace(b, bins=slice(b.bins.start + n, b.bins.stop + n)) for b in other.blocks)
        return RateKernel(
            labels=self.labels + other.labels,
            blocks=self.blocks + moved,
            background=np.concatenate([self.background, other.background]),
            reach=min(self.reach, other.reach),
            references=self.references | other.references,
        )

    def superpose(self, other: RateKernel) -> RateKernel:
        """Two sources of events in the same bins.

        Raises
        ------
        RangeError
            If the bins differ.
        """
        if self.labels != other.labels:
            raise RangeError(f"superpose: bins {self.labels} and {other.labels} differ; expected the same")
        return RateKernel(
            labels=self.labels,
            blocks=self.blocks + other.blocks,
            background=self.background + other.background,
            reach=min(self.reach, other.reach),
            references=self.references | other.references,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Prediction:
    """Expected counts (n_bins,) with the labels of their bins and what they came from."""

    counts: Array
    labels: tuple[str, ...]
    references: frozenset[str]
