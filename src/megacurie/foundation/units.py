"""Units: plain floats in one coherent system, text at the boundary.

Base units are m, s, MeV, kg and K, and what follows (Bq = 1/s, cross sections in m2). Multiply on the way in, divide on the way out:

>>> activity = 3.414 * MCi
>>> print(format(activity, "MCi"))
3.414 MCi
>>> round(parse("27.704 d", "time") / day, 3)
27.704

With the environment variable ``MEGACURIE_UNIT_SEED`` set, every base unit is scaled by a random factor; no result may change.
Only constants that are exact by the definition of the SI stand here; measured constants are in ``data/constants.toml``.
"""

from __future__ import annotations

import math
import os
import random
import re

from megacurie.foundation.errors import UnitError, did_you_mean


def _base_scales() -> tuple[float, float, float, float, float]:
    """Factors of the five base units: ones, or log-uniform in [1e-3, 1e3] when the unit seed is set."""
    seed = os.environ.get("MEGACURIE_UNIT_SEED")
    if seed is None:
        return (1.0, 1.0, 1.0, 1.0, 1.0)
    rng = random.Random(seed)
    a, b, c, d, e = (10 ** rng.uniform(-3, 3) for _ in range(5))
    return (a, b, c, d, e)


m, s, MeV, kg, K = _base_scales()

# length, area, volume
km, dm, cm, mm, um, nm, fm = 1e3 * m, 1e-1 * m, 1e-2 * m, 1e-3 * m, 1e-6 * m, 1e-9 * m, 1e-15 * m
m2, cm2 = m**2, cm**2
m3, cm3 = m**3, cm**3
litre = dm**3
barn = 1e-28 * m2
# time and activity
ns, us, ms = 1e-9 * s, 1e-6 * s, 1e-3 * s
minute, hour, day = 60 * s, 3600 * s, 86400 * s
year = 365.25 * day  # Julian year
Bq = 1 / s
Ci = 3.7e10 * Bq
kCi, MCi = 1e3 * Ci, 1e6 * Ci
kBq, MBq, GBq, TBq, PBq = 1e3 * Bq, 1e6 * Bq, 1e9 * Bq, 1e12 * Bq, 1e15 * Bq
# energy (natural units where mass means energy)
eV, meV, keV, GeV = 1e-6 * MeV, 1e-9 * MeV, 1e-3 * MeV, 1e3 * MeV
eV2 = eV**2
# mass, amount
g, mg, t, kt = 1e-3 * kg, 1e-6 * kg, 1e3 * kg, 1e6 * kg
mol = 6.02214076e23  # a number: exact since 2019

# exact constants of the SI
c = 299792458 * m / s
_J_per_eV = 1.602176634e-19
J = eV / _J_per_eV
W = J / s
h = 6.62607015e-34 * J * s
hbar = h / (2 * math.pi)
hbarc = hbar * c
k_B = 1.380649e-23 * J / K

# symbol -> (value, exponents of length, time, energy, mass, temperature)
_Dim = tuple[int, int, int, int, int]
_L: _Dim = (1, 0, 0, 0, 0)
_T: _Dim = (0, 1, 0, 0, 0)
_E: _Dim = (0, 0, 1, 0, 0)
_M: _Dim = (0, 0, 0, 1, 0)
_K: _Dim = (0, 0, 0, 0, 1)
_ONE: _Dim = (0, 0, 0, 0, 0)
_RATE: _Dim = (0, -1, 0, 0, 0)
_SYMBOLS: dict[str, tuple[float, _Dim]] = {
    "1": (1.0, _ONE), "%": (1e-2, _ONE), "mol": (mol, _ONE), "deg": (math.pi / 180, _ONE), "rad": (1.0, _ONE),
    "km": (km, _L), "m": (m, _L), "dm": (dm, _L), "cm": (cm, _L), "mm": (mm, _L), "um": (um, _L), "nm": (nm, _L), "fm": (fm, _L),
    "b": (barn, (2, 0, 0, 0, 0)), "mb": (1e-3 * barn, (2, 0, 0, 0, 0)), "l": (litre, (3, 0, 0, 0, 0)), "L": (litre, (3, 0, 0, 0, 0)),
    "ns": (ns, _T), "us": (us, _T), "ms": (ms, _T), "s": (s, _T), "min": (minute, _T), "h": (hour, _T), "d": (day, _T), "y": (year, _T),
    "Bq": (Bq, _RATE), "kBq": (kBq, _RATE), "MBq": (MBq, _RATE), "GBq": (GBq, _RATE), "TBq": (TBq, _RATE), "PBq": (PBq, _RATE),
    "Ci": (Ci, _RATE), "kCi": (kCi, _RATE), "MCi": (MCi, _RATE), "Hz": (Bq, _RATE),
    "meV": (meV, _E), "eV": (eV, _E), "keV": (keV, _E), "MeV": (MeV, _E), "GeV": (GeV, _E), "J": (J, _E), "W": (W, (0, -1, 1, 0, 0)),
    "mg": (mg, _M), "g": (g, _M), "kg": (kg, _M), "t": (t, _M), "kt": (kt, _M),
    "K": (K, _K),
}  # fmt: skip

# dimension word -> (exponents, units to suggest in a message)
_DIMENSIONS: dict[str, tuple[_Dim, str]] = {
    "dimensionless": (_ONE, "1, %"),
    "length": (_L, "m, cm, mm"),
    "area": ((2, 0, 0, 0, 0), "cm2, m2, b"),
    "volume": ((3, 0, 0, 0, 0), "m3, cm3, l"),
    "time": (_T, "s, h, d, y"),
    "activity": (_RATE, "Bq, Ci, MCi, PBq"),
    "rate": (_RATE, "1/d, 1/s"),
    "energy": (_E, "MeV, keV, eV"),
    "mass-squared": ((0, 0, 2, 0, 0), "eV2"),
    "mass": (_M, "kg, t, g"),
    "density": ((-3, 0, 0, 1, 0), "g/cm3, kg/m3"),
    "molar-mass": (_M, "g/mol"),
    "number-density": ((-3, 0, 0, 0, 0), "1/cm3, 1/m3"),
    "flux": ((-2, -1, 0, 0, 0), "1/(cm2 s)"),
    "temperature": (_K, "K"),
    "fermi-constant": ((0, 0, -2, 0, 0), "1/GeV2"),
    "power": ((0, -1, 1, 0, 0), "W"),
}

_NUMBER = re.compile(r"[+-]?(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d+)?")
_FACTOR = re.compile(r"([A-Za-z%]+)(?:\^?(-?\d))?")  # one digit: '1 100 m' must not pass as 1^00 m


def unit(text: str) -> tuple[float, _Dim]:
    """Value and dimension of a unit such as ``1/d``, ``g/cm3``, ``1/(cm2 s)`` or ``eV2``.

    Parameters
    ----------
    text : str
        Factors separated by spaces or ``*``, at most one ``/``; an exponent follows its symbol (``cm2``, ``cm^-3``).

    Raises
    ------
    UnitError
        If a symbol is not known.

    Examples
    --------
    >>> value, dimension = unit("1/d")
    >>> dimension
    (0, -1, 0, 0, 0)
    """
    above, slash, below = text.strip().partition("/")
    value, exponents = 1.0, list(_ONE)
    for sign, part in ((1, above), (-1, below)):
        part = part.strip()
        if part.startswith("(") and part.endswith(")"):
            part = part[1:-1]
        if not part:
            if slash:
                raise UnitError(f"{text!r} is not a unit: nothing stands {'after' if sign == -1 else 'before'} '/'")
            continue
        for factor in re.split(r"[\s*]+", part):
            if factor == "1":
                continue
            found = _FACTOR.fullmatch(factor)
            if not found or found[1] not in _SYMBOLS:
                name = found[1] if found else factor
                raise UnitError(f"{name!r} is not a known unit. {did_you_mean(name, _SYMBOLS)}")
            power = sign * int(found[2] or 1)
            size, dimension = _SYMBOLS[found[1]]
            value *= size**power
            exponents = [a + power * b for a, b in zip(exponents, dimension, strict=True)]
    a, b, e, mass, k = exponents
    return value, (a, b, e, mass, k)


def dimension_of(text: str) -> str:
    """The dimension word of a unit (``'MeV'`` -> ``'energy'``), or its exponents where it has no word.

    Examples
    --------
    >>> dimension_of("eV2")
    'mass-squared'
    """
    _, exponents = unit(text)
    for word, (wanted, _) in _DIMENSIONS.items():
        if wanted == exponents:
            return word
    return "length^{} time^{} energy^{} mass^{} temperature^{}".format(*exponents)


def in_unit(text: str, dimension: str) -> float:
    """The value of a unit, checked to be of the wanted dimension.

    Raises
    ------
    UnitError
        If it is not; the message names units that are.

    Examples
    --------
    >>> in_unit("d", "time") == day
    True
    """
    value, exponents = unit(text)
    wanted, suggestions = _dimension(dimension)
    if exponents != wanted:
        found = dimension_of(text)
        what = "a plain number" if exponents == _ONE else f"a unit of {found}"
        raise UnitError(f"expected {dimension} ({suggestions}), but {text.strip()!r} is {what}")
    return value


def parse(text: str, dimension: str) -> float:
    """Read ``'3.4 MCi'`` as an activity: number times unit, in internal units.

    Parameters
    ----------
    text : str
        A number and a unit. A dimensionless number may stand alone or carry ``%``.
    dimension : str
        One of the words of this module: ``length``, ``time``, ``activity``, ``mass-squared`` ...

    Raises
    ------
    UnitError
        If the text is no number, is not finite, lacks its unit or has one of another dimension.

    Examples
    --------
    >>> round(parse("20 %", "dimensionless"), 3)
    0.2
    >>> parse("3 MeV", "activity")
    Traceback (most recent call last):
        ...
    megacurie.foundation.errors.UnitError: '3 MeV': expected activity (Bq, Ci, MCi, PBq), but 'MeV' is a unit of energy
    """
    wanted, suggestions = _dimension(dimension)
    first = suggestions.split(", ")[0]
    parts = _split(text)
    if parts is None:
        like = "" if wanted == _ONE else f" with a unit of {dimension}, such as '1 {first}'"
        raise UnitError(f"{text!r}: expected a finite number{like}")
    number, rest = parts
    if rest == "1" and wanted != _ONE:
        raise UnitError(f"{text!r}: no unit; expected {dimension} ({suggestions}). Write '{text.strip()} {first}' if that is what you mean")
    try:
        return _finite(number * in_unit(rest, dimension))
    except UnitError as error:
        raise UnitError(f"{text!r}: {error}") from None


def parse_any(text: str) -> tuple[float, str]:
    """Read a number with a unit of any dimension: its internal value and the unit as it stood.

    Raises
    ------
    UnitError
        If the text is no finite number or its unit is not known.

    Examples
    --------
    >>> value, stood = parse_any("0.05 eV2")
    >>> stood, dimension_of(stood)
    ('eV2', 'mass-squared')
    """
    parts = _split(text)
    if parts is None:
        raise UnitError(f"{text!r}: expected a finite number")
    number, stood = parts
    try:
        return _finite(number * unit(stood)[0]), stood
    except UnitError as error:
        raise UnitError(f"{text!r}: {error}") from None


def _finite(value: float) -> float:
    if not math.isfinite(value):
        raise UnitError("too large: expected a finite number")
    return value


def _split(text: str) -> tuple[float, str] | None:
    """Number and unit of a text ('1' where no unit stands), or None if it does not begin with a finite number."""
    stripped = text.strip()
    found = _NUMBER.match(stripped)
    if not found or not math.isfinite(float(found[0])):
        return None
    rest = stripped[found.end() :].strip()
    return float(found[0]), ("1" + rest if rest.startswith("/") else rest or "1")


def format(value: float, unit: str, digits: int = 6) -> str:
    """Write an internal value in a display unit.

    Examples
    --------
    >>> format(54.9 / day, "1/d")
    '54.9 1/d'
    >>> format(0.25, "1")
    '0.25'
    """
    number = f"{value / _value(unit):.{digits}g}"
    return number if unit in ("", "1") else f"{number} {unit}"


def _value(text: str) -> float:
    return 1.0 if text == "" else unit(text)[0]


def to_display(value: float, unit: str) -> float:
    """An internal value as a number in a display unit (``""`` is dimensionless).

    Examples
    --------
    >>> round(to_display(3.0 * day, "h"), 6)
    72.0
    """
    return value / _value(unit)


def from_display(number: float, unit: str) -> float:
    """A number in a display unit as an internal value.

    Examples
    --------
    >>> from_display(72.0, "h") == 72 * hour
    True
    """
    return number * _value(unit)


def _dimension(word: str) -> tuple[_Dim, str]:
    if word not in _DIMENSIONS:
        raise UnitError(f"{word!r} is not a dimension. {did_you_mean(word, _DIMENSIONS)}")
    return _DIMENSIONS[word]


def suggested(dimension: str) -> str:
    """The unit that messages suggest for a dimension.

    Examples
    --------
    >>> suggested("length")
    'm'
    """
    return _dimension(dimension)[1].split(", ")[0]
