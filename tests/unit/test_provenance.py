"""Reference data: what is refused, what is inherited, what is cited."""

from dataclasses import dataclass
from decimal import Decimal

import pytest

from megacurie.foundation import provenance
from megacurie.foundation import units as u
from megacurie.foundation.errors import DataError
from megacurie.foundation.provenance import Datum

ULPS = 1e-14  # a few roundings of double precision
GOOD = """
[thing.size]
value = 0.0990
plus  = 0.0020
minus = 0.0010
unit  = "cm"
ref   = "Barinov:2021asz"
where = "Table I"
"""


def only(text: str) -> Datum:
    (found,) = provenance.walk(provenance.from_text(text, "test"))
    return found


def refusal(text: str) -> str:
    with pytest.raises(DataError) as caught:
        provenance.from_text(text, "test")
    return str(caught.value)


def test_a_number_is_converted_once_and_keeps_its_print() -> None:
    datum = only(GOOD)
    assert (datum.key, datum.unit, datum.ref, datum.where) == ("test.thing.size", "cm", "Barinov:2021asz", "Table I")
    assert [x / u.m for x in (datum.value, datum.plus, datum.minus)] == pytest.approx([0.000990, 2e-5, 1e-5], rel=ULPS)
    assert datum.printed == "0.0990"
    assert datum.status == "measured"
    assert datum.dagger == ""
    assert str(datum) == "0.0990 +0.002 -0.001 cm"


@pytest.mark.parametrize("digits", ["5.690", "10.0", "0.0990", "9.27e-42", "1.00E+3", "12", '"1.10e-3"'])
def test_printed_digits_survive(digits: str) -> None:
    datum = only(GOOD.replace("0.0990", digits))
    assert Decimal(datum.printed).as_tuple() == Decimal(digits.strip('"')).as_tuple()
    assert datum.value / u.cm == pytest.approx(float(digits.strip('"')), rel=ULPS)


@pytest.mark.parametrize(
    ("said", "text"),
    [
        ("error = 0.003", "27.704 +-0.003 d"),
        ("plus = 0.003\nminus = 0.004", "27.704 +0.003 -0.004 d"),
        ("", "27.704 d"),
        ('status = "unverified"', "27.704 d†"),
        ('status = "assumed"', "27.704 d†"),
        ('status = "calculated"', "27.704 d"),
    ],
)
def test_a_number_as_text(said: str, text: str) -> None:
    assert str(only(f'[x]\nvalue = 27.704\nunit = "d"\nref = "Barinov:2021asz"\nwhere = "Table I"\n{said}')) == text


@pytest.mark.parametrize("bare", ["12", "1.5", "-3e-5", "nan"])
def test_a_bare_number_is_refused(bare: str) -> None:
    assert refusal(f"[thing]\nsize = {bare}").startswith("test.thing.size: bare number ")
    assert refusal(f"[thing]\nsizes = [\n'text', {bare}]").startswith("test.thing.sizes[1]: bare number ")


@pytest.mark.parametrize("key", ["unit", "ref", "where"])
def test_a_number_without_source_place_or_unit_is_refused(key: str) -> None:
    message = f"test.thing.size: a number without '{key}'. Every number needs value, unit, ref and where"
    lines = [line for line in GOOD.splitlines() if not line.startswith(key)]
    assert refusal("\n".join(lines)) == message
    assert refusal("\n".join([*lines, f'{key} = ""'])) == message


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("Barinov:2021asz", "Barinov:2021as", "test.thing.size: ref 'Barinov:2021as' is not in references.bib. Did you mean 'Barinov:2021asz'?"),
        ('"cm"', '"keVV"', "test.thing.size: 'keVV' is not a known unit. Did you mean 'keV'?"),
        ("minus", "minsu", "test.thing.size: 'minsu' is not a key of a number. Did you mean 'minus'?"),
        ("plus  = 0.0020", 'status = "guessed"', "test.thing.size: status 'guessed'. Known: measured, calculated, assumed, digitised, unverified"),
        ("0.0990", '"some"', "test.thing.size: value some: expected a finite number"),
        ("0.0990", "nan", "test.thing.size: value NaN: expected a finite number"),
        ("0.0020", "inf", "test.thing.size: plus Infinity: expected a finite number"),
        ("0.0020", "true", "test.thing.size: plus True: expected a finite number"),
        ("0.0020", "-0.002", "test.thing.size: errors +-0.002 -0.0010: expected zero or more"),
    ],
)
def test_what_else_is_refused(old: str, new: str, message: str) -> None:
    assert old in GOOD
    assert refusal(GOOD.replace(old, new)) == message


INHERITED = """
[set]
ref = "Barinov:2021asz"
where = "Table I"
status = "digitised"
note = "all of it"
a = { value = 1, unit = "m" }
b = { value = 2, unit = "m", where = "Table II", status = "measured" }
[[set.rows]]
x = { value = 3, unit = "m" }
[[set.rows]]
ref = "Barinov:2022wfh"
x = { value = 4, unit = "m" }
[other]
name = "not below set"
"""


def test_source_and_status_are_inherited_from_the_table() -> None:
    found = {datum.key: datum for datum in provenance.walk(provenance.from_text(INHERITED, "test"))}
    said = {key.removeprefix("test.set."): (datum.ref, datum.where, datum.status, datum.note) for key, datum in found.items()}
    assert said == {
        "a": ("Barinov:2021asz", "Table I", "digitised", "all of it"),
        "b": ("Barinov:2021asz", "Table II", "measured", "all of it"),
        "rows[0].x": ("Barinov:2021asz", "Table I", "digitised", "all of it"),
        "rows[1].x": ("Barinov:2022wfh", "Table I", "digitised", "all of it"),
    }
    assert refusal(INHERITED + 'y = { value = 5, unit = "m" }').startswith("test.other.y: a number without 'ref'")


def test_keys_lead_to_numbers_texts_and_tables() -> None:
    assert isinstance(provenance.look_up("nuclide.ge71.half_life.hampel-1985"), Datum)
    assert isinstance(provenance.look_up("nuclide.ge71.half_life.default"), str)
    assert set(provenance.look_up("nuclide.ge71")) == {"half_life", "capture", "deposit"}
    assert provenance.look_up("constant.electron_mass").value / u.keV == pytest.approx(510.99895, rel=1e-8)  # digits typed here
    for name in provenance.files():
        assert provenance.look_up(name) is provenance.load(name)


def test_every_number_is_found_at_its_own_key() -> None:
    plain = [datum for datum in provenance.all_data() if "[" not in datum.key]
    assert len(plain) > 50
    for datum in plain:
        assert provenance.look_up(datum.key) is datum


def test_a_default_stands_for_its_table() -> None:
    named = provenance.look_up("nuclide.cr51.half_life.default")
    assert provenance.datum("nuclide.cr51.half_life", "time") is provenance.look_up(f"nuclide.cr51.half_life.{named}")
    for key in [datum.key.rpartition(".")[0] for datum in provenance.all_data() if "[" not in datum.key]:
        table = provenance.look_up(key)
        if "default" in table:
            assert table["default"] in table, f"{key}: default {table['default']!r} is not there"


@pytest.mark.parametrize(
    ("key", "message"),
    [
        ("nuclide.cr52.half_life", "no reference data 'nuclide.cr52.half_life'. Did you mean 'nuclide.cr51'?"),
        ("nuclide.cr51.halflife", "no reference data 'nuclide.cr51.halflife': nuclide.cr51 has no 'halflife'. Did you mean 'half_life'?"),
        (
            "nuclide.cr51.half_life.barinov-2021",
            "no reference data 'nuclide.cr51.half_life.barinov-2021': nuclide.cr51.half_life has no 'barinov-2021'. Did you mean 'barinov-2022'?",
        ),
        ("constant.electron_mass", "constant.electron_mass: expected time (s, h, d, y), but 'MeV' is a unit of energy"),
        ("nuclide.ge71.half_life.default", "nuclide.ge71.half_life.default is not a number"),
        ("nuclide.cr51.gamma", "nuclide.cr51.gamma is not a number; give one of: energy, branching_ratio"),
    ],
)
def test_keys_that_lead_nowhere(key: str, message: str) -> None:
    with pytest.raises(DataError) as caught:
        provenance.datum(key, "time")
    assert str(caught.value) == message


def test_files_that_do_not_exist() -> None:
    with pytest.raises(DataError, match=r"no reference data 'nuclide\.ar38'\. Did you mean 'nuclide\.ar37'\?"):
        provenance.load("nuclide.ar38")
    with pytest.raises(DataError, match="no reference data begins with 'nuclid.cr51'. Did you mean 'nuclide.cr51'"):
        provenance.all_data("nuclid.cr51")


@dataclass(frozen=True)
class Result:
    references: frozenset[str]


def test_citing_is_the_union_sorted_and_without_repetition() -> None:
    text = provenance.cite(Result(frozenset({"Barinov:2022wfh", "Barinov:2021asz"})), ["Barinov:2021asz"], provenance.datum("constant.electron_mass", "energy"))
    heads = [line for line in text.splitlines() if line.startswith("@")]
    assert heads == ["@article{Barinov:2021asz,", "@article{Barinov:2022wfh,", "@article{Mohr:2024kco,"]
    assert text.count("{") == text.count("}")
    assert "10.1103/PhysRevLett.128.232501" in text
    assert provenance.cite() == ""


def test_citing_what_is_not_there() -> None:
    with pytest.raises(DataError, match=r"cite: ref 'Barinov:2021' is not in references\.bib\. Did you mean 'Barinov:2021asz'\?"):
        provenance.cite(["Barinov:2021"])


def test_a_reference_as_text() -> None:
    assert str(provenance.references()["Hampel:1985zz"]) == "Hampel, W., Half-life of 71Ge, 1985"
    assert str(provenance.references()["Barinov:2021asz"]) == "BEST, Results from the Baksan Experiment on Sterile Transitions (BEST), 2022"
