"""The hot path: expected counts of a kernel under a hypothesis.

Pure array code: the same source runs on NumPy and on JAX.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, Protocol

import numpy as np

from megacurie.experiments.kernel import Block, Prediction, RateKernel
from megacurie.foundation import units
from megacurie.foundation.arrays import Array, blocks, namespace
from megacurie.foundation.errors import DataError, RangeError
from megacurie.foundation.parameters import Parameter, Theta

_CACHE = 2**17  # numbers of one block of a grid: 1 MB
_MANY = 2**13  # nodes that are evaluated block by block
_SLACK = 1e-9  # rounding of a probability


class Hypothesis(Protocol):
    """What the kernel needs of a hypothesis."""

    @property
    def name(self) -> str: ...
    @property
    def parameters(self) -> tuple[Parameter, ...]: ...
    @property
    def affine(self) -> str | None: ...
    @property
    def references(self) -> frozenset[str]: ...
    def probabilities(self, theta: Theta, L: Array, E: Array, *, particle: str) -> tuple[Array, Array]: ...
    def scale(self, theta: Theta, E: Array, tags: frozenset[str]) -> Any: ...
    def phase(self, theta: Theta) -> float: ...


@dataclass(frozen=True, slots=True)
class _Piece:
    """Blocks of one group of bins that are scaled alike: where their nodes stand, their energies, weights and tags (None: no scale)."""

    nodes: slice
    energy: Array
    weight_e: Array  # (n, bins)
    weight_x: Array | None
    tags: frozenset[str] | None


class Expectation:
    """Expected counts of a kernel under a hypothesis; a callable of theta.

    Nodes of all blocks are flattened once, each distinct node once; a call evaluates the probabilities once per particle.

    Examples
    --------
    >>> import megacurie as mci
    >>> mu = Expectation(mci.load("best").kernel(), mci.Sterile())
    >>> print(mu.affine, mu({"sin2_2theta": 0.0, "dm2": mu.parameters[1].at(0.5)}).shape)
    sin2_2theta (2,)
    """

    def __init__(self, kernel: RateKernel, hypothesis: Hypothesis) -> None:
        self.kernel = kernel
        self.hypothesis = hypothesis
        self.affine = hypothesis.affine
        self.references = kernel.references | hypothesis.references
        _try(hypothesis, kernel)
        self._particles: dict[str, tuple[Array, Array]] = {}
        pieces: dict[tuple[int, int], list[tuple[str, _Piece]]] = {}
        for particle in dict.fromkeys(b.particle for b in kernel.blocks):
            grids: list[tuple[Array, Array]] = []
            for block in (b for b in kernel.blocks if b.particle == particle):
                place = next((i for i, (e, L) in enumerate(grids) if np.array_equal(e, block.energy) and np.array_equal(L, block.baseline)), len(grids))
                if place == len(grids):
                    grids.append((block.energy, block.baseline))
                start = sum(len(e) for e, _ in grids[:place])
                piece = self._piece(block, slice(start, start + len(block.energy)))
                _add(pieces.setdefault((block.bins.start, block.bins.stop), []), particle, piece)
            self._particles[particle] = (np.concatenate([e for e, _ in grids]), np.concatenate([L for _, L in grids]))
        self._groups = sorted(pieces.items())
        edges = [edge for span, _ in self._groups for edge in span]
        if edges != sorted(edges):
            raise RangeError("blocks overlap in part: bins of two blocks must be the same or apart")
        row = sum(len(e) for e, _ in self._particles.values())
        self._by_block = row > _MANY
        self._row = max((len(piece.energy) for _, members in self._groups for _, piece in members), default=1) if self._by_block else row

    def _piece(self, block: Block, nodes: slice) -> _Piece:
        weight, tags = block.weight, None
        try:  # a scale that answers without theta does not depend on it: it becomes part of the weight
            weight = weight * self.hypothesis.scale({}, block.energy, block.tags)
        except KeyError:
            tags = block.tags
        return _Piece(nodes, block.energy, np.ascontiguousarray(weight[0].T), np.ascontiguousarray(weight[1].T) if weight[1].any() else None, tags)

    @property
    def null(self) -> Array:
        """The prediction without new physics (n_bins,)."""
        return self.kernel.without_new_physics()

    @cached_property
    def parameters(self) -> tuple[Parameter, ...]:
        """The parameters of the hypothesis, bounded so that no combination of them goes beyond the reach of the kernel."""
        bounded = {p.name: p for p in self.hypothesis.parameters}
        for judge in (min, max):  # first what goes too far alone, then what goes too far together with the others
            for name in bounded:
                bounded[name] = self._within_reach(name, bounded, judge)
        return tuple(bounded.values())

    @property
    def limited(self) -> tuple[str, ...]:
        """Names of the parameters that the reach bounds more tightly than the hypothesis."""
        return tuple(p.name for p, q in zip(self.parameters, self.hypothesis.parameters, strict=True) if p.high < q.high or p.low > q.low)

    def _within_reach(self, name: str, bounded: Mapping[str, Parameter], judge: Callable[[Iterable[float]], float]) -> Parameter:
        """One parameter with its bound moved to the reach, on the side where the phase is larger; the others at the ends of their ranges."""
        parameter, others = bounded[name], [p for p in bounded.values() if p.name != name]
        corners = [{p.name: p.at(end) for p, end in zip(others, ends, strict=True)} for ends in itertools.product((0.0, 1.0), repeat=len(others))]

        def exceeds(position: float, slack: float = 1e-9) -> bool:  # of rounding: a bound that is the reach does not exceed it
            value = float(parameter.at(position))
            return judge(self.hypothesis.phase({**corner, name: value}) for corner in corners) > self.kernel.reach * (1 + slack)

        inside, outside = (0.0, 1.0) if exceeds(1.0) else (1.0, 0.0)
        if exceeds(inside) or not exceeds(outside):
            return parameter
        for _ in range(60):  # bisection: the phase rises or falls throughout
            middle = 0.5 * (inside + outside)
            inside, outside = (inside, middle) if exceeds(middle, slack=0.0) else (middle, outside)
        bound = units.to_display(float(parameter.at(inside)), parameter.unit)
        return replace(parameter, high=bound) if outside > inside else replace(parameter, low=bound)

    def check(self, theta: Theta) -> None:
        """Refuse theta beyond the reach of the kernel.

        Raises
        ------
        RangeError
            Naming both numbers.
        """
        phase = self.hypothesis.phase(theta)
        if not phase <= self.kernel.reach * (1 + 1e-9):
            asked, made = (units.format(x * 4 * units.hbarc, "eV2", 4) for x in (phase, self.kernel.reach))
            raise RangeError(f'dm2 = {asked} is beyond the reach of the kernel, {made}: its nodes are too few. Build it with dm2_max="{asked}" or more')

    def __call__(self, theta: Theta) -> Array:
        """Expected counts.

        Parameters
        ----------
        theta : dict of str to float or array (...)
            Internal units; arrays broadcast.

        Returns
        -------
        array (..., n_bins)
        """
        return self._of(theta, {})

    def _of(self, theta: Theta, ends: Mapping[str, tuple[float, ...]]) -> Array:
        """Expected counts (..., n_bins); for several values (k,) of one parameter (k, ..., n_bins): what does not depend on it is done once."""
        arrays: list[Any] = [v for v in theta.values() if getattr(v, "ndim", 0)]
        lead = np.broadcast_shapes(*(v.shape for v in arrays))
        xp, size = namespace(*theta.values()), math.prod(lead)
        first = tuple(len(values) for values in ends.values())

        def at(part: Mapping[str, Any], shape: tuple[int, ...]) -> Array:
            several = {name: xp.asarray(values).reshape(-1, *(1,) * (len(shape) + 1)) for name, values in ends.items()}
            return self._evaluate(xp, {**part, **several}, (*first, *shape))

        if not arrays:
            return at(theta, ())
        row = self._row * math.prod(first)
        if xp is not np or size * row <= _CACHE:
            return at(_columns(theta), lead)
        flat: dict[str, Any] = {k: np.broadcast_to(v, lead).reshape(-1, 1) if np.ndim(v) else v for k, v in theta.items()}
        parts = [at({k: v[s] if np.ndim(v) else v for k, v in flat.items()}, (min(s.stop, size) - s.start,)) for s in blocks(size, row, _CACHE)]
        return np.concatenate(parts, axis=-2).reshape(*first, *lead, self.kernel.n_bins)

    def _probabilities(self, theta: Theta) -> Callable[[str, slice], tuple[Array, Array]]:
        """Where P_e and P_x of some nodes come from: all are evaluated at once; where they are many, block by block, while they are in the cache."""
        if not self._by_block:
            P = {name: self.hypothesis.probabilities(theta, L, E, particle=name) for name, (E, L) in self._particles.items()}
            return lambda particle, nodes: (P[particle][0][..., nodes], P[particle][1][..., nodes])
        last: dict[tuple[str, int], tuple[Array, Array]] = {}

        def of(particle: str, nodes: slice) -> tuple[Array, Array]:
            if (particle, nodes.start) not in last:
                last.clear()
                E, L = (one[nodes] for one in self._particles[particle])
                last[particle, nodes.start] = self.hypothesis.probabilities(theta, L, E, particle=particle)
            return last[particle, nodes.start]

        return of

    def _evaluate(self, xp: Any, theta: Mapping[str, Any], lead: tuple[int, ...]) -> Array:
        P = self._probabilities(theta)
        columns, filled = [], 0
        for (start, stop), members in self._groups:
            if start > filled:
                columns.append(xp.zeros((*lead, start - filled)))
            counts = self._counts(xp, theta, members[0][1], *P(members[0][0], members[0][1].nodes))
            for particle, piece in members[1:]:
                counts = counts + self._counts(xp, theta, piece, *P(particle, piece.nodes))
            columns.append(counts if counts.shape[:-1] == lead else xp.broadcast_to(counts, (*lead, stop - start)))
            filled = stop
        if filled < self.kernel.n_bins:
            columns.append(xp.zeros((*lead, self.kernel.n_bins - filled)))
        mu: Array = xp.concatenate(columns, axis=-1) + self.kernel.background
        return mu

    def _counts(self, xp: Any, theta: Theta, piece: _Piece, P_e: Array, P_x: Array) -> Array:
        scale = None if piece.tags is None else self.hypothesis.scale(theta, piece.energy, piece.tags)
        counts = (P_e if scale is None else P_e * scale) @ piece.weight_e
        if piece.weight_x is None or (xp is np and not P_x.any()):  # what is lost is sterile: a product with zeros is left out
            return counts
        return counts + (P_x if scale is None else P_x * scale) @ piece.weight_x

    def split(self, theta: Theta) -> tuple[Array, Array]:
        """mu at 0 and the slope of mu in the affine parameter, for theta without it: mu = mu(0) + s slope.

        Returns
        -------
        two arrays (..., n_bins)
        """
        assert self.affine is not None
        zero, one = self._of(theta, {self.affine: (0.0, 1.0)})
        return zero, one - zero

    def prediction(self, theta: Theta) -> Prediction:
        """Expected counts at one theta, checked against bounds and reach, with labels and references."""
        for parameter in self.hypothesis.parameters:
            parameter.check(theta[parameter.name])
        self.check(theta)
        return Prediction(counts=self(theta), labels=self.kernel.labels, references=self.references)


def _try(hypothesis: Hypothesis, kernel: RateKernel) -> None:
    """Refuse a hypothesis that does not answer with probabilities, before anything is computed with it: at three thetas, on the nodes of one block."""
    said = f"hypothesis {hypothesis.name!r}"
    for block, position in itertools.product(kernel.blocks[:1], (0.25, 0.5, 0.75)):
        theta = {p.name: float(p.at(position)) for p in hypothesis.parameters}
        try:
            P_e, P_x = hypothesis.probabilities(theta, block.baseline, block.energy, particle=block.particle)
            factor = hypothesis.scale(theta, block.energy, block.tags)
        except KeyError as error:
            known = ", ".join(theta) or "none"
            raise DataError(f"{said} reads theta[{error}], which is not one of its parameters ({known}). Declare it in 'parameters'") from None
        n = block.energy.shape
        if np.shape(P_e) != n or np.shape(P_x) != n:
            raise DataError(f"{said}: probabilities of shapes {np.shape(P_e)} and {np.shape(P_x)}: expected two arrays {n}, one number per node")
        inside = (P_e > -_SLACK) & (P_x > -_SLACK) & (P_e + P_x < 1 + _SLACK)
        if not bool(np.all(inside)) or not bool(np.all(np.isfinite(factor))):
            at = ", ".join(f"{p.name} = {p.show(theta[p.name])}" for p in hypothesis.parameters) or "no parameters"
            raise DataError(f"{said} at {at}: expected P_e and P_x in [0, 1], their sum at most 1, and a finite scale. Correct its formula")


def _columns(theta: Mapping[str, Any]) -> dict[str, Any]:
    """A last axis on every array of theta, for the nodes."""
    return {k: v[..., None] if getattr(v, "ndim", 0) else v for k, v in theta.items()}


def _add(members: list[tuple[str, _Piece]], particle: str, piece: _Piece) -> None:
    """Append a piece, or superpose it on one with the same nodes when neither is scaled by theta."""
    for i, (other, there) in enumerate(members):
        if other == particle and there.nodes == piece.nodes and there.tags is None and piece.tags is None:
            x = [w for w in (there.weight_x, piece.weight_x) if w is not None]
            members[i] = (particle, replace(there, weight_e=there.weight_e + piece.weight_e, weight_x=sum(x[1:], x[0]) if x else None))
            return
    members.append((particle, piece))
