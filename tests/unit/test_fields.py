"""Field types of experiment files: what they read, and what they say of what they cannot."""

import math
from datetime import UTC, date, datetime
from typing import Annotated

import pytest
from pydantic import BaseModel, TypeAdapter, ValidationError

from megacurie.experiments import fields
from megacurie.foundation import units as u


def read(kind, raw):
    return TypeAdapter(kind).validate_python(raw)


def message(kind, raw):
    with pytest.raises(ValidationError) as found:
        read(kind, raw)
    (problem,) = found.value.errors()
    return problem["msg"].removeprefix("Value error, ")


@pytest.mark.parametrize(
    ("kind", "text", "value"),
    [
        (fields.Length, "2.5 cm", 2.5 * u.cm),
        (fields.Mass, "3 t", 3 * u.t),
        (fields.Time, "-2 d", -2 * u.day),
        (fields.Activity, "3.414 MCi", 3.414 * u.MCi),
        (fields.ActivityError, "0 Ci", 0.0),
        (fields.Height, "-110 cm", -110 * u.cm),
        (fields.Height, "top", math.inf),
        (fields.Height, "bottom", -math.inf),
    ],
)
def test_quantities(kind, text, value):
    assert read(kind, text) == pytest.approx(value, rel=1e-12)  # one multiplication in another order


@pytest.mark.parametrize(
    ("kind", "raw", "text"),
    [
        (fields.Length, "1 s", "'1 s': expected length (m, cm, mm), but 's' is a unit of time"),
        (fields.Length, "0 m", "'0 m': expected a positive value"),
        (fields.Length, "top", "'top': expected a finite number with a unit of length, such as '1 m'"),
        (fields.Length, 3, '3: expected text with a unit of length, such as "1 m"'),
        (fields.Length, None, 'None: expected text with a unit of length, such as "1 m"'),
        (fields.Mass, "-1 kg", "'-1 kg': expected a positive value"),
        (fields.Activity, "-1 MCi", "'-1 MCi': expected a positive value"),
        (fields.ActivityError, "-1 MCi", "'-1 MCi': expected zero or more"),
        (fields.Height, "middle", "'middle': expected a finite number with a unit of length, such as '1 m'"),
        (fields.AnyQuantity, 54.9, '54.9: expected text with a unit, such as "54.9 1/d"; a pure number also stands as text'),
        (fields.AnyQuantity, "54.9 1/dd", "'54.9 1/dd': 'dd' is not a known unit. Did you mean 'd'?"),
        (fields.Moment, "noon", "'noon': expected a date and time, such as \"2019-07-05T14:02+03:00\""),
        (fields.Reference, "Barinov:2021as", "'Barinov:2021as' is not a known key of references.bib. Did you mean 'Barinov:2021asz'?"),
    ],
)
def test_messages(kind, raw, text):
    assert message(kind, raw) == text


@pytest.mark.parametrize(("raw", "value"), [(0, 0), (1, 1), (0.3, 0.3), ("0.3", 0.3), ("30 %", 0.3)])
def test_fractions(raw, value):
    found = read(fields.Fraction, raw)
    assert isinstance(found, float)
    assert found == pytest.approx(value, rel=1e-12)  # per cent divide by 100


@pytest.mark.parametrize("raw", [1.2, -0.1, math.nan, math.inf, True, "120 %", None, [0.5]])
def test_what_is_no_fraction(raw):
    assert message(fields.Fraction, raw) == f"{raw} is outside [0, 1]"


@pytest.mark.parametrize(
    ("raw", "text"),
    [
        ("2019-07-05T14:02+03:00", "2019-07-05T14:02+03:00"),
        (datetime(2019, 7, 5, 14, 2, tzinfo=UTC), "2019-07-05T14:02+00:00"),  # what TOML makes of a bare date and time
        (date(2019, 7, 5), "2019-07-05T00:00"),
    ],
)
def test_moments(raw, text):
    assert read(fields.Moment, raw) == text


def test_any_quantity_stays_text_until_its_dimension_is_known():
    assert read(fields.AnyQuantity, "54.9 1/d") == "54.9 1/d"
    assert read(fields.AnyQuantity, "0.95") == "0.95"


def test_one_of_asks_for_names_when_it_reads():
    names = ["ball"]
    kind = Annotated[str, fields.one_of(lambda: tuple(names), "shape")]
    assert message(kind, "shell") == "'shell' is not a known shape. Known: ball."
    names.append("shell")
    assert read(kind, "shell") == "shell"
    assert message(kind, 3) == "3 is not a known shape. Known: ball, shell."


def test_schema_of_a_field():
    assert TypeAdapter(fields.Length).json_schema() == {"type": "string", "description": "number and unit of length", "examples": ["1 m"]}
    assert TypeAdapter(fields.Height).json_schema()["examples"] == ["1 m", "top", "bottom"]
    assert TypeAdapter(fields.Fraction).json_schema()["type"] == ["number", "string"]


class _Table(BaseModel):
    value: int
    plus: int = 0


def test_the_value_alone_stands_for_its_table():
    kind = Annotated[_Table, fields.Value]
    assert read(kind, 3) == read(kind, {"value": 3}) == _Table(value=3)
    assert read(kind, {"value": 3, "plus": 1}).plus == 1
    assert TypeAdapter(kind).json_schema()["anyOf"] == [{"type": "string", "description": "the value alone"}, {"$ref": "#/$defs/_Table"}]


def test_one_table_stands_for_a_list_of_one():
    kind = Annotated[tuple[_Table, ...], fields.One]
    assert read(kind, {"value": 3}) == read(kind, [{"value": 3}]) == (_Table(value=3),)
    one, several = TypeAdapter(kind).json_schema()["anyOf"]
    assert one == several["items"] == {"$ref": "#/$defs/_Table"}
