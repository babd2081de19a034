"""What a hypothesis is: a probability of baseline and energy, and a scale of what is expected."""

from __future__ import annotations

import abc
from collections import Counter
from typing import Any, final

import numpy as np

from megacurie.foundation import units
from megacurie.foundation.arrays import Array, namespace
from megacurie.foundation.errors import RangeError
from megacurie.foundation.parameters import Parameter, Theta


class Hypothesis(abc.ABC):
    """What may be different from expectation. Concrete classes are frozen dataclasses and are not subclassed.

    Attributes
    ----------
    name : str
        As it stands in tables and on the command line.
    parameters : tuple of Parameter
    affine : str or None
        The parameter in which every expected count is affine, mu(s) = mu(0) + s (mu(1) - mu(0)); fits and scans then need no grid in it.
    references : frozenset of str
        Keys of ``references.bib``.

    Examples
    --------
    The whole of a new explanation is one class with one method; see the page *Add a hypothesis*.
    """

    name: str = ""
    parameters: tuple[Parameter, ...] = ()
    affine: str | None = None
    references: frozenset[str] = frozenset()

    def probabilities(self, theta: Theta, L: Array, E: Array, *, particle: str = "neutrino") -> tuple[Array, Array]:
        """Probabilities that the neutrino arrives as nu_e, and as another active flavour; by default 1 and 0.

        Parameters
        ----------
        theta : dict of str to float or array (..., 1)
            Internal units.
        L, E : array (n,)
            Baseline and energy of each node.
        particle : str
            "neutrino" or "antineutrino".

        Returns
        -------
        P_e, P_x : array (..., n)
            What is missing from their sum is sterile or gone.
        """
        xp = namespace(L, E, *theta.values())
        return xp.ones_like(L), xp.zeros_like(L)

    def scale(self, theta: Theta, E: Array, tags: frozenset[str]) -> Any:
        """Factor on the signal of one block: array (..., n) over its nodes, or a number. The background is not scaled."""
        return 1.0

    def phase(self, theta: Theta) -> float:
        """Largest oscillation phase per L/E that these theta reach: a kernel is exact up to its ``reach`` only.

        By default every parameter in eV2 of a class with probabilities of its own is taken for a dm2, which is safe: override it where one is not.
        """
        if _only_scales(self):
            return 0.0
        return max((float(np.max(np.abs(theta[p.name]))) for p in self.parameters if p.unit == "eV2"), default=0.0) / (4 * units.hbarc)


@final
class Combination(Hypothesis):
    """Several hypotheses at once: at most one changes probabilities, scales multiply, parameters are the union."""

    def __init__(self, parts: tuple[Hypothesis, ...]) -> None:
        self.parts = parts
        self.name = " + ".join(part.name for part in parts)
        self.parameters = tuple(p for part in parts for p in part.parameters)
        self.references = frozenset().union(*(part.references for part in parts))
        # a product of factors, each affine in a parameter of its own, is affine in any one of them
        self.affine = next((part.affine for part in sorted(parts, key=_only_scales) if part.affine), None)

    def probabilities(self, theta: Theta, L: Array, E: Array, *, particle: str = "neutrino") -> tuple[Array, Array]:
        part = next((part for part in self.parts if not _only_scales(part)), self.parts[0])
        return part.probabilities(theta, L, E, particle=particle)

    def scale(self, theta: Theta, E: Array, tags: frozenset[str]) -> Any:
        factor: Any = 1.0
        for part in self.parts:
            factor = factor * part.scale(theta, E, tags)
        return factor

    def phase(self, theta: Theta) -> float:
        return max(part.phase(theta) for part in self.parts)


def combine(*hypotheses: Hypothesis) -> Hypothesis:
    """Several hypotheses at once: one may oscillate, scales multiply, parameters are the union.

    Raises
    ------
    RangeError
        If two of them change probabilities, or two have a parameter of the same name.

    Examples
    --------
    >>> from megacurie.physics.hypotheses import ActivityScale, Sterile
    >>> combine(Sterile(), ActivityScale()).name
    'sterile + activity-scale'
    """
    changing = [h.name for h in hypotheses if not _only_scales(h)]
    if len(changing) > 1:
        raise RangeError(f"{' and '.join(changing)} both change probabilities: expected at most one hypothesis that does")
    twice = [name for name, n in Counter(p.name for h in hypotheses for p in h.parameters).items() if n > 1]
    if twice:
        raise RangeError(f"parameter {twice[0]!r} stands in two of {', '.join(h.name for h in hypotheses)}: combine each hypothesis once")
    return hypotheses[0] if len(hypotheses) == 1 else Combination(hypotheses)


def _only_scales(hypothesis: Hypothesis) -> bool:
    """Whether a hypothesis leaves the default probabilities (1, 0) as they are."""
    return type(hypothesis).probabilities is Hypothesis.probabilities
