"""Field types of experiment files: text with a unit, fractions, moments, names."""

from __future__ import annotations

import copy
import itertools
import math
import re
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Annotated, Any

from pydantic_core import core_schema

from megacurie.foundation import provenance, units
from megacurie.foundation.errors import MegacurieError, did_you_mean

MOST_BINS = 2000  # of one axis: what memory holds
_OVER_ROOT = re.compile(r"(.+?)\s*/\s*sqrt\(\s*(\w+)\s*\)")


class Reads:
    """An annotation: how a field is read from what stands in the file, and what the schema says of it."""

    def __init__(self, read: Callable[[Any], Any], schema: Mapping[str, Any]) -> None:
        self.read, self.schema = read, dict(schema)

    def __get_pydantic_core_schema__(self, source: Any, handler: Any) -> core_schema.CoreSchema:
        def read(raw: Any) -> Any:
            try:
                return self.read(raw)
            except MegacurieError as error:
                raise ValueError(str(error)) from None

        return core_schema.no_info_plain_validator_function(read)

    def __get_pydantic_json_schema__(self, schema: Any, handler: Any) -> dict[str, Any]:
        return copy.deepcopy(self.schema)  # pydantic writes title and default of the field into it


class Short:
    """An annotation: a shorter form that may stand for a table or a list, how it becomes one, and its schema from that of the whole."""

    def __init__(self, expand: Callable[[Any], Any], schema: Callable[[dict[str, Any]], dict[str, Any]]) -> None:
        self.expand, self.schema = expand, schema

    def __get_pydantic_core_schema__(self, source: Any, handler: Any) -> core_schema.CoreSchema:
        return core_schema.no_info_before_validator_function(self.expand, handler(source))

    def __get_pydantic_json_schema__(self, schema: Any, handler: Any) -> dict[str, Any]:
        whole = handler(schema)
        return {"anyOf": [self.schema(whole), whole]}


def quantity(dimension: str, *, low: float = -math.inf, positive: bool = False, words: Mapping[str, float] | None = None) -> Reads:
    """A number with a unit of a dimension; ``words`` are read as they are."""
    example = f"1 {units.suggested(dimension)}"

    def read(raw: Any) -> float:
        if isinstance(raw, str) and words and raw in words:
            return words[raw]
        if not isinstance(raw, str):
            raise ValueError(f'{raw!r}: expected text with a unit of {dimension}, such as "{example}"')
        value = units.parse(raw, dimension)
        if value < low or (positive and value <= 0):
            raise ValueError(f"{raw!r}: expected {'a positive value' if positive else 'zero or more'}")
        return value

    return Reads(read, {"type": "string", "description": f"number and unit of {dimension}", "examples": [example, *(words or ())]})


def one_of(names: Callable[[], tuple[str, ...]], what: str) -> Reads:
    """One of some names, with the nearest one in the message."""

    def read(raw: Any) -> str:
        if raw not in names():
            raise ValueError(f"{raw!r} is not a known {what}. {did_you_mean(str(raw), names())}")
        return str(raw)

    return Reads(read, {"type": "string", "description": what})


def _fraction(raw: Any) -> float:
    value = units.parse(raw, "dimensionless") if isinstance(raw, str) else raw
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= 1:
        raise ValueError(f"{raw} is outside [0, 1]")
    return float(value)


def _moment(raw: Any) -> str:
    try:
        moment = raw if isinstance(raw, datetime) else datetime.fromisoformat(str(raw))
    except ValueError:
        raise ValueError(f'{raw!r}: expected a date and time, such as "2019-07-05T14:02+03:00"') from None
    return moment.isoformat(timespec="minutes")


def _any_quantity(raw: Any) -> str:
    if not isinstance(raw, str):
        raise ValueError(f'{raw!r}: expected text with a unit, such as "54.9 1/d"; a pure number also stands as text')
    units.parse_any(raw)
    return raw


def _bins(dimension: str) -> Reads:
    """Bins: how many, or [low, high, how many], or the edges themselves."""
    example = units.suggested(dimension)
    way = f'expected a number of bins, ["1 {example}", "2 {example}", 10] or edges ["1 {example}", "2 {example}", ...]'

    def read(raw: Any) -> int | tuple[float, ...]:
        if isinstance(raw, str) and raw.strip().isdecimal():
            raw = int(raw)
        if isinstance(raw, int) and not isinstance(raw, bool) and 1 <= raw <= MOST_BINS:
            return raw
        if not isinstance(raw, list) or len(raw) < 2 or not all(isinstance(edge, str) for edge in raw[:2]):
            raise ValueError(f"{raw!r}: {way}, at most {MOST_BINS}")
        if len(raw) == 3 and isinstance(raw[2], int):
            low, high = (units.parse(edge, dimension) for edge in raw[:2])
            if not (low < high and 1 <= raw[2] <= MOST_BINS):
                raise ValueError(f"{raw!r}: {way}, from low to high, at most {MOST_BINS}")
            return tuple(low + (high - low) * i / raw[2] for i in range(raw[2] + 1))
        edges = tuple(units.parse(str(edge), dimension) for edge in raw)
        if any(not a < b for a, b in itertools.pairwise(edges)):
            raise ValueError(f"{raw!r}: {way}, increasing")
        return edges

    return Reads(read, {"anyOf": [{"type": "integer"}, {"type": "array"}], "description": f"number of bins, [low, high, number] or edges, {dimension}"})


def _width(dimension: str, terms: Mapping[str, str], example: str) -> Reads:
    """A resolution: terms added in quadrature, each with its unit; ``terms`` names the dimension of each, "stochastic" stands over sqrt(energy)."""

    def read(raw: Any) -> dict[str, float]:
        if not isinstance(raw, str):
            raise ValueError(f'{raw!r}: expected text such as "{example}", terms added in quadrature')
        found: dict[str, float] = {}
        for term in raw.split("+"):
            root = _OVER_ROOT.fullmatch(term.strip())
            candidates = {"stochastic": terms["stochastic"]} if root else {name: of for name, of in terms.items() if name != "stochastic"}
            for name, of in candidates.items():
                try:
                    value = units.parse(root[1] if root else term, of) * (units.in_unit(root[2], "energy") ** 0.5 if root else 1.0)
                except MegacurieError:
                    continue
                if value < 0 or name in found:
                    raise ValueError(f'{raw!r}: {term.strip()!r}: expected terms of zero or more, each kind once, such as "{example}"')
                found[name] = value
                break
            else:
                raise ValueError(f'{raw!r}: {term.strip()!r} is not a term of a resolution in {dimension}; expected such as "{example}", added in quadrature')
        return found

    return Reads(read, {"type": "string", "description": "terms added in quadrature", "examples": [example]})


def _factor(raw: Any) -> float:
    value = units.parse(raw, "dimensionless") if isinstance(raw, str) else raw
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value < math.inf:
        raise ValueError(f"{raw!r}: expected a number, zero or more")
    return float(value)


def _switch(raw: Any) -> bool:
    if isinstance(raw, bool):
        return raw
    if raw not in ("true", "false"):
        raise ValueError(f"{raw!r}: expected true or false")
    return bool(raw == "true")


def _relative(raw: Any) -> float:
    return math.inf if raw == "free" else _factor(raw)


def _point(raw: Any) -> tuple[tuple[float, float], ...]:
    if not isinstance(raw, list) or not all(isinstance(point, list) and len(point) == 2 for point in raw):
        raise ValueError(f'{raw!r}: expected a list of points [energy, fraction], such as [["200 keV", 0.5], ["300 keV", 0.9]]')
    return tuple((units.parse(str(energy), "energy"), _fraction(fraction)) for energy, fraction in raw)


Length = Annotated[float, quantity("length", positive=True)]
Height = Annotated[float, quantity("length", words={"top": math.inf, "bottom": -math.inf})]
Mass = Annotated[float, quantity("mass", positive=True)]
Energy = Annotated[float, quantity("energy", low=0.0)]
Duration = Annotated[float, quantity("time", low=0.0)]
Time = Annotated[float, quantity("time")]
Activity = Annotated[float, quantity("activity", positive=True)]
Flux = Annotated[float, quantity("flux", positive=True)]
ActivityError = Annotated[float, quantity("activity", low=0.0)]
Value = Short(lambda raw: raw if isinstance(raw, Mapping) else {"value": raw}, lambda _: {"type": "string", "description": "the value alone"})
One = Short(lambda raw: [raw] if isinstance(raw, Mapping) else raw, lambda whole: dict(whole["items"]))
Fraction = Annotated[float, Reads(_fraction, {"type": ["number", "string"], "description": "fraction in [0, 1], or per cent as text"})]
Moment = Annotated[str, Reads(_moment, {"type": "string", "format": "date-time"})]
AnyQuantity = Annotated[str, Reads(_any_quantity, {"type": "string", "description": "number and unit", "examples": ["54.9 1/d", "0.95"]})]
Reference = Annotated[str, one_of(lambda: tuple(provenance.references()), "key of references.bib")]
Switch = Annotated[bool, Reads(_switch, {"type": "boolean"})]
Factor = Annotated[float, Reads(_factor, {"type": ["number", "string"], "description": "a number, zero or more"})]
Relative = Annotated[float, Reads(_relative, {"type": ["number", "string"], "description": 'relative error, or "free"'})]
Angle = Annotated[float, quantity("dimensionless", low=0.0)]
MassSquared = Annotated[float, quantity("mass-squared", positive=True)]
EnergyBins = Annotated[int | tuple[float, ...], _bins("energy")]
LengthBins = Annotated[int | tuple[float, ...], _bins("length")]
AngleBins = Annotated[int | tuple[float, ...], _bins("dimensionless")]
EnergyWidth = Annotated[
    dict[str, float], _width("energy", {"stochastic": "dimensionless", "constant": "dimensionless", "noise": "energy"}, "5 % / sqrt(MeV) + 1 % + 2 keV")
]
PositionWidth = Annotated[dict[str, float], _width("length", {"stochastic": "length", "constant": "length"}, "10 cm / sqrt(MeV) + 2 cm")]
EfficiencyCurve = Annotated[tuple[tuple[float, float], ...], Reads(_point, {"type": "array", "description": "points [energy, fraction]"})]
