"""Units: exact constants, reading, writing, and messages word for word."""

import math
import os
import subprocess
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import constants

from megacurie.foundation import units as u
from megacurie.foundation.errors import UnitError

ULPS = 1e-14  # a few dozen roundings of double precision
DIMENSIONS = {
    "dimensionless": ("1", "%"),
    "length": ("m", "cm", "mm", "km", "nm", "fm"),
    "area": ("cm2", "m2", "b", "mb"),
    "volume": ("m3", "cm3", "l", "L", "m cm2"),
    "time": ("s", "h", "d", "y", "min", "ns"),
    "activity": ("Bq", "kBq", "Ci", "MCi", "PBq", "1/s"),
    "rate": ("1/d", "1/s", "Hz", "1/h"),
    "energy": ("MeV", "keV", "eV", "J", "W s"),
    "mass-squared": ("eV2", "eV^2", "keV eV"),
    "mass": ("kg", "t", "g", "kt", "mg"),
    "density": ("g/cm3", "kg/m3", "t/m^3", "g cm-3"),
    "molar-mass": ("g/mol",),
    "number-density": ("1/cm3", "1/m3", "mol/l"),
    "flux": ("1/(cm2 s)", "1/(m2 d)"),
    "temperature": ("K",),
    "power": ("W", "J/s", "MeV/d"),
}
UNITS = [(text, word) for word, texts in DIMENSIONS.items() for text in texts]


@pytest.mark.parametrize(
    ("ours", "scipys"),
    [
        (u.hbarc / (u.MeV * u.fm), constants.hbar * constants.c / constants.e / 1e6 / 1e-15),
        (u.hbar / (u.eV * u.s), constants.hbar / constants.e),
        (u.c / (u.m / u.s), constants.c),
        (u.k_B / (u.eV / u.K), constants.k / constants.e),
        (u.J / u.eV, 1 / constants.e),
        (u.mol, constants.N_A),
        (u.year / u.s, constants.Julian_year),
        (u.day / u.s, constants.day),
        (u.barn / u.cm2, 1e-24),
        (u.Ci / u.Bq, 3.7e10),
        (u.MCi / u.PBq, 37.0),
        (u.t / u.g, 1e6),
        (u.litre / u.cm3, 1e3),
    ],
)
def test_exact_constants(ours: float, scipys: float) -> None:
    assert ours == pytest.approx(scipys, rel=ULPS)


def test_hbarc_is_the_number_everyone_knows() -> None:
    # CODATA 2018 and 2022 print 197.326 980 4...: one unit of the last digit
    assert u.hbarc / (u.MeV * u.fm) == pytest.approx(197.3269804, rel=5e-10)


@pytest.mark.parametrize(("text", "word"), UNITS)
@given(number=st.floats(1e-100, 1e100) | st.floats(-1e100, -1e-100) | st.just(0.0))
def test_what_is_written_can_be_read(text: str, word: str, number: float) -> None:
    value = number * u.unit(text)[0]
    assert u.parse(u.format(value, text, digits=17), word) == pytest.approx(value, rel=ULPS)
    assert u.from_display(u.to_display(value, text), text) == pytest.approx(value, rel=ULPS)


@pytest.mark.parametrize(("text", "word"), UNITS)
def test_dimensions(text: str, word: str) -> None:
    """A unit is accepted for its own dimension and refused for every other."""
    exponents = u.unit(text)[1]
    for other in DIMENSIONS:
        if u.unit(DIMENSIONS[other][0])[1] == exponents:
            assert u.in_unit(text, other) == u.unit(text)[0]
        else:
            with pytest.raises(UnitError, match=f"expected {other} "):
                u.in_unit(text, other)


@given(st.lists(st.tuples(st.sampled_from(["m", "s", "MeV", "kg", "K", "cm", "d", "keV", "t"]), st.integers(-3, 3).filter(bool)), min_size=1, max_size=4))
def test_a_product_of_units_multiplies(factors: list[tuple[str, int]]) -> None:
    value, exponents = u.unit(" ".join(f"{name}{power}" for name, power in factors))
    assert value == pytest.approx(math.prod(u.unit(name)[0] ** power for name, power in factors), rel=ULPS)
    assert exponents == tuple(sum(power * u.unit(name)[1][i] for name, power in factors) for i in range(5))
    inverse, opposite = u.unit("1/(" + "*".join(f"{name}^{power}" for name, power in factors) + ")")
    assert value * inverse == pytest.approx(1, rel=ULPS)
    assert opposite == tuple(-e for e in exponents)


@pytest.mark.parametrize(
    ("text", "word", "number", "unit"),
    [
        ("3.4 MCi", "activity", 3.4e6, u.Ci),
        ("3.4MCi", "activity", 3.4e6, u.Ci),
        ("  -1.5e3 eV ", "energy", -1.5, u.keV),
        (".5 d", "time", 12, u.hour),
        ("5.", "dimensionless", 5, 1),
        ("20 %", "dimensionless", 0.2, 1),
        ("20%", "dimensionless", 0.2, 1),
        ("0.05 eV2", "mass-squared", 0.05, u.eV**2),
        ("69.41 1/d", "rate", 69.41, 1 / u.day),
        ("69.41/d", "rate", 69.41, 1 / u.day),
        ("6.095 g/cm3", "density", 6095, u.kg / u.m**3),
        ("1 1/(cm2 s)", "flux", 1e4, 1 / (u.m**2 * u.s)),
    ],
)
def test_reading(text: str, word: str, number: float, unit: float) -> None:
    assert u.parse(text, word) == pytest.approx(number * unit, rel=ULPS)


@pytest.mark.parametrize(
    ("text", "word", "message"),
    [
        ("3 MeV", "activity", "'3 MeV': expected activity (Bq, Ci, MCi, PBq), but 'MeV' is a unit of energy"),
        ("5 m", "dimensionless", "'5 m': expected dimensionless (1, %), but 'm' is a unit of length"),
        ("20 %", "length", "'20 %': expected length (m, cm, mm), but '%' is a plain number"),
        ("3 m s", "length", "'3 m s': expected length (m, cm, mm), but 'm s' is a unit of length^1 time^1 energy^0 mass^0 temperature^0"),
        ("3.4", "activity", "'3.4': no unit; expected activity (Bq, Ci, MCi, PBq). Write '3.4 Bq' if that is what you mean"),
        ("3 Mci", "activity", "'3 Mci': 'Mci' is not a known unit. Did you mean 'MCi'?"),
        ("3 kev", "energy", "'3 kev': 'kev' is not a known unit. Did you mean 'keV'?"),
        ("3 keVV", "energy", "'3 keVV': 'keVV' is not a known unit. Did you mean 'keV'?"),
        ("", "length", "'': expected a finite number with a unit of length, such as '1 m'"),
        ("m", "length", "'m': expected a finite number with a unit of length, such as '1 m'"),
        ("nan m", "length", "'nan m': expected a finite number with a unit of length, such as '1 m'"),
        ("inf m", "length", "'inf m': expected a finite number with a unit of length, such as '1 m'"),
        ("1e999 m", "length", "'1e999 m': expected a finite number with a unit of length, such as '1 m'"),
        ("many", "dimensionless", "'many': expected a finite number"),
        ("3 m/", "length", "'3 m/': 'm/' is not a unit: nothing stands after '/'"),
        ("3 m", "lenght", "'lenght' is not a dimension. Did you mean 'length'?"),
    ],
)
def test_messages(text: str, word: str, message: str) -> None:
    with pytest.raises(UnitError) as caught:
        u.parse(text, word)
    assert str(caught.value) == message


@pytest.mark.parametrize("text", ["1 100 m", "10 100 m", "1,5 m", "1 000 m", "5 12 m", "2 m km999", "1 m/s/s", "3 m^", "3 m.", "2 3", "0x10 m", "1_0 m"])
def test_text_that_could_be_misread_is_refused(text: str) -> None:
    """Thousands separators, decimal commas, chained quotients."""
    with pytest.raises(UnitError):
        u.parse(text, "length")
    with pytest.raises(UnitError):
        u.parse_any(text)


def test_a_value_that_overflows_is_refused() -> None:
    for read in (lambda text: u.parse(text, "activity"), u.parse_any):
        with pytest.raises(UnitError, match="'1e308 MCi': too large: expected a finite number"):
            read("1e308 MCi")


@pytest.mark.parametrize(("text", "stood", "dimension"), [("1.25 eV2", "eV2", "mass-squared"), ("0.5", "1", "dimensionless"), ("7 1/d", "1/d", "activity")])
def test_any_dimension(text: str, stood: str, dimension: str) -> None:
    value, unit = u.parse_any(text)
    assert unit == stood
    assert u.dimension_of(unit) == dimension
    assert value == u.parse(text, dimension)


def test_writing() -> None:
    assert u.format(69.41 / u.day, "1/d") == "69.41 1/d"
    assert u.format(1.25 * u.eV2, "eV2", digits=2) == "1.2 eV2"
    assert u.format(0.25, "") == u.format(0.25, "1") == "0.25"
    assert u.format(0.25, "%") == "25 %"


@pytest.mark.parametrize("word", DIMENSIONS)
def test_suggested_units_are_of_their_dimension(word: str) -> None:
    assert u.in_unit(u.suggested(word), word) > 0
    with pytest.raises(UnitError) as caught:
        u.parse("", word)
    with pytest.raises(UnitError) as caught:
        u.parse("1 m7", word)
    for text in str(caught.value).partition("(")[2].partition("), but")[0].split(", "):
        assert u.in_unit(text, word) > 0


SCRIPT = """
from megacurie.foundation import units as u
for x in (u.m, u.s, u.MeV, u.kg, u.K, u.hbarc / (u.MeV * u.fm), u.parse("3 MCi", "activity") / u.PBq, u.c / (u.km / u.s)):
    print(repr(x))
"""


def with_seed(seed: str | None) -> list[float]:
    environment = {key: value for key, value in os.environ.items() if key != "MEGACURIE_UNIT_SEED"} | ({} if seed is None else {"MEGACURIE_UNIT_SEED": seed})
    run = subprocess.run([sys.executable, "-c", SCRIPT], capture_output=True, text=True, check=True, env=environment)
    return [float(line) for line in run.stdout.split()]


def test_the_unit_seed_scales_base_units_and_nothing_else() -> None:
    plain, seeded, again, other = with_seed(None), with_seed("7"), with_seed("7"), with_seed("8")
    assert plain[:5] == [1.0] * 5
    assert seeded == again
    for base in range(5):
        assert abs(math.log(seeded[base])) > 1e-3  # a factor that is 1 by chance would protect nothing
        assert seeded[base] != other[base]
        assert 1e-3 <= seeded[base] <= 1e3
    assert len(set(seeded[:5])) == 5
    assert seeded[5:] == pytest.approx(plain[5:], rel=ULPS)
    assert other[5:] == pytest.approx(plain[5:], rel=ULPS)
