"""What a likelihood is made of: a model of the values, and how two of them stand one after the other."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, Protocol

import numpy as np

from megacurie.foundation.arrays import Array, namespace
from megacurie.foundation.errors import RangeError
from megacurie.foundation.measurement import Measurement, Pull
from megacurie.foundation.parameters import Parameter, Theta


class Model(Protocol):
    """A callable prediction mu(theta) (..., n) that knows its parameters.

    ``affine`` names the parameter in which mu is affine, and ``split`` gives mu at 0 and its slope; ``null`` is the prediction of the null hypothesis;
    ``check`` refuses theta for which the prediction is not exact; ``limited`` names parameters whose bound is the model's, not the hypothesis's.
    """

    @property
    def parameters(self) -> tuple[Parameter, ...]: ...
    @property
    def affine(self) -> str | None: ...
    @property
    def null(self) -> Array: ...
    @property
    def limited(self) -> tuple[str, ...]: ...
    @property
    def references(self) -> frozenset[str]: ...
    def __call__(self, theta: Theta) -> Array: ...
    def split(self, theta: Theta) -> tuple[Array, Array]: ...
    def check(self, theta: Theta) -> None: ...


@dataclass(frozen=True)
class Stacked:
    """Two models one after the other."""

    a: Model
    b: Model

    @property
    def parameters(self) -> tuple[Parameter, ...]:
        """The parameters of both."""
        return union(self.a.parameters, self.b.parameters)

    @property
    def affine(self) -> str | None:
        """A parameter in which each part is affine, or on which it does not depend."""
        for name in (self.a.affine, self.b.affine):
            if name and all(m.affine == name or name not in (p.name for p in m.parameters) for m in (self.a, self.b)):
                return name
        return None

    @property
    def null(self) -> Array:
        """Predictions of the null hypothesis."""
        return np.concatenate([self.a.null, self.b.null])

    @property
    def limited(self) -> tuple[str, ...]:
        """Parameters whose bound is a model's."""
        return tuple(dict.fromkeys((*self.a.limited, *self.b.limited)))

    @property
    def references(self) -> frozenset[str]:
        """Keys of both."""
        return self.a.references | self.b.references

    def __call__(self, theta: Theta) -> Array:
        xp = namespace(*theta.values())
        return _join(xp, *(m({p.name: theta[p.name] for p in m.parameters}) for m in (self.a, self.b)))

    def split(self, theta: Theta) -> tuple[Array, Array]:
        """mu at 0 and its slope in the affine parameter."""
        name = self.affine
        assert name is not None
        zero, one = self({**theta, name: 0.0}), self({**theta, name: 1.0})
        return zero, one - zero

    def check(self, theta: Theta) -> None:
        """Refuse theta that either part refuses."""
        for model in (self.a, self.b):
            model.check(theta)


def _join(xp: Any, a: Array, b: Array) -> Array:
    lead = np.broadcast_shapes(a.shape[:-1], b.shape[:-1])
    joined: Array = xp.concatenate([xp.broadcast_to(one, (*lead, one.shape[-1])) for one in (a, b)], -1)
    return joined


def union(*groups: tuple[Parameter, ...]) -> tuple[Parameter, ...]:
    """Parameters by name; where bounds differ, those that all allow."""
    found: dict[str, Parameter] = {}
    for p in (p for group in groups for p in group):
        q = found.setdefault(p.name, p)
        if (p.unit, p.scale, p.prior) != (q.unit, q.scale, q.prior):
            raise RangeError(f"parameter {p.name!r} is declared in two ways: {p} and {q}")
        found[p.name] = replace(q, low=max(p.low, q.low), high=min(p.high, q.high))
    return tuple(found.values())


def stacked(a: Measurement, b: Measurement) -> Measurement:
    """Two measurements one after the other; pulls of one name become one, which must be of one kind (RangeError)."""
    pulls: dict[str, Pull] = {}
    for one, before, after in ((a, 0, len(b.values)), (b, len(a.values), 0)):
        for pull in one.pulls:
            padded = replace(pull, shape=np.concatenate([np.zeros(before), pull.shape, np.zeros(after)]))
            there = pulls.get(pull.name)
            if there is not None and (there.of, there.low) != (pull.of, pull.low):
                kinds = " and ".join(f"of {p.of!r}, bound {p.low}, in {where}" for p, where in ((there, "one measurement"), (pull, "the other")))
                raise RangeError(f"pull {pull.name!r} is {kinds}: expected the same")
            pulls[pull.name] = padded if there is None else replace(there, shape=there.shape + padded.shape)
    return Measurement(
        names=a.names + b.names,
        values=np.concatenate([a.values, b.values]),
        plus=np.concatenate([a.plus, b.plus]),
        minus=np.concatenate([a.minus, b.minus]),
        reference=np.concatenate([a.reference, b.reference]),
        pulls=tuple(pulls.values()),
        references=a.references | b.references,
    )
