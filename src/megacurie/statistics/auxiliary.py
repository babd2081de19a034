"""Toy data: values, and the auxiliary measurements that know the nuisances.

A penalty x^2 is the chi2 of a measurement of x that came out at zero with an error of one. A toy repeats the whole experiment, and so that measurement too:

    a ~ N(x_true, 1),   penalty of the toy's fit: (x - a)^2

and the same holds for a parameter with a prior, in sigma from its mean. Thrown so, coverage is that at true values, not an average over what is believed.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, final

from megacurie.foundation.arrays import Array
from megacurie.foundation.parameters import Parameter, Theta

Data = Any
"""ToyData, or values alone: auxiliary measurements of zero. None stands for the measured data."""


@final
@dataclass(frozen=True, slots=True, eq=False)
class ToyData:
    """Toys of one likelihood.

    Attributes
    ----------
    values : array (..., n), or a tuple
        What the likelihood reads: an array of values or counts, a tuple of the parts' values for a Joint, of the zones' events for a CountingLikelihood.
    auxiliary : dict of str to array (...)
        Measured value of each pull and of each parameter with a prior, in sigma.
    """

    values: Any
    auxiliary: Mapping[str, Array]


def parted(data: Data) -> tuple[Any, Mapping[str, Array]]:
    """Values and auxiliary measurements of any data."""
    return (data.values, data.auxiliary) if isinstance(data, ToyData) else (data, {})


def distances(parameters: tuple[Parameter, ...], theta: Theta) -> dict[str, Any]:
    """(theta - mean)/sigma of the parameters with a prior."""
    found = {}
    for p in parameters:
        if p.prior is not None:
            size = (p.upper - p.lower) / (p.high - p.low)  # internal units per display unit
            found[p.name] = (theta[p.name] / size - p.prior[0]) / p.prior[1]
    return found


def penalty(parameters: tuple[Parameter, ...], theta: Theta, auxiliary: Mapping[str, Array]) -> Any:
    """Sum of ((theta - mean)/sigma - a)^2 of the parameters with a prior."""
    return sum(((x - auxiliary.get(name, 0.0)) ** 2 for name, x in distances(parameters, theta).items()), 0.0)


def centre(parameter: Parameter, auxiliary: Mapping[str, Array]) -> tuple[Any, float]:
    """Where the penalty of a parameter is zero, and what it is times the square of the distance; internal units."""
    if parameter.prior is None:
        return 0.0, 0.0
    mean, sigma = parameter.prior
    size = (parameter.upper - parameter.lower) / (parameter.high - parameter.low)
    return size * (mean + sigma * auxiliary.get(parameter.name, 0.0)), 1 / (size * sigma) ** 2
