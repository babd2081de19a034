"""How rows of published numbers are read, checked and chosen."""

import json
from dataclasses import replace
from typing import Any

import pytest

from megacurie.foundation import provenance
from megacurie.foundation.errors import DataError, UnitError
from megacurie.studies import published
from megacurie.studies.published import Row, check, reproduce, rows

RAW: dict[str, Any] = {
    "id": "test.inner", "what": "measured rate", "value": 54.9, "unit": "1/d", "ref": "Barinov:2021asz", "where": "Table I", "compute": "best.measured",
    "args": {"zone": "inner"}, "within": "0.05", "because": "half a digit", "status": "reproduced", "slow": False, "reached": "", "why": "",
}  # fmt: skip
ROW = Row(**{**RAW, "plus": None, "minus": None})
EXPLAINED = {"status": "explained", "reached": "54.9", "why": "a reason"}


# --- one row


def test_a_row_inside_its_tolerance_is_reproduced() -> None:
    found = check(ROW)
    assert (found.outcome, found.why) == ("reproduced", "half a digit")
    assert found.computed == pytest.approx(54.9, rel=1e-12)  # in the printed unit, 1/d
    assert found.deviation == pytest.approx(0, abs=1e-12)


@pytest.mark.parametrize(
    ("value", "within", "outcome"),
    [
        (54.95, "0.05", "reproduced"),
        (54.96, "0.05", "failed"),
        (54.84, "0.05", "failed"),
        (55.4, "1 %", "reproduced"),
        (55.5, "1%", "failed"),
        (60.0, "0.05", "failed"),
    ],
)
def test_a_row_outside_its_tolerance_fails(value: float, within: str, outcome: str) -> None:
    found = check(replace(ROW, value=value, within=within))
    assert found.outcome == outcome
    assert found.deviation == pytest.approx(54.9 / value - 1, rel=1e-9)
    if outcome == "failed":
        assert found.why == f"outside {within}: half a digit"


def test_a_tolerance_in_per_cent_is_of_the_size_of_the_value() -> None:
    assert replace(ROW, value=-50.0, within="0.3 %").tolerance == pytest.approx(0.15, rel=1e-12)
    assert replace(ROW, within="5e-3").tolerance == 0.005


@pytest.mark.parametrize("status", ["explained", "open"])
def test_a_row_that_is_explained_or_open_must_not_drift(status: str) -> None:
    row = replace(ROW, status=status, value=99.0, reached="54.9", why="a reason")
    assert (check(row).outcome, check(row).why) == (status, "a reason")
    for reached in ("54.95", "54.85"):  # within one part in a thousand
        assert check(replace(row, reached=reached)).outcome == status
    for reached in ("54.96", "54.83", "99"):
        found = check(replace(row, reached=reached))
        assert (found.outcome, found.why) == ("failed", f"drifted from {reached}, the value reached before. a reason")


def test_no_deviation_from_zero() -> None:
    assert check(replace(ROW, value=0.0, within="60")).deviation is None


def test_a_row_in_json() -> None:
    written = check(replace(ROW, plus=2.5, minus=2.4)).to_dict()
    assert json.loads(json.dumps(written, allow_nan=False)) == written
    assert set(written) == {"id", "what", "published", "plus", "minus", "unit", "computed", "deviation", "within", "status", "why", "ref", "where"}
    assert (written["published"], written["plus"], written["minus"], written["unit"], written["status"]) == (54.9, 2.5, 2.4, "1/d", "reproduced")


# --- the table


def given(monkeypatch: pytest.MonkeyPatch, *raw: dict[str, Any]) -> None:
    """Let the table be these rows."""
    names_in, read_toml = provenance.names_in, provenance.read_toml
    monkeypatch.setattr(provenance, "names_in", lambda folder: ("made-up",) if folder == "published" else names_in(folder))
    monkeypatch.setattr(provenance, "read_toml", lambda name: {"number": list(raw)} if name == "published/made-up.toml" else read_toml(name))


def test_rows_are_read_in_order(monkeypatch: pytest.MonkeyPatch) -> None:
    given(monkeypatch, RAW | {"plus": 2}, RAW | EXPLAINED | {"id": "test.other"})
    first, second = rows()
    assert (first.id, first.plus, first.minus, first.value) == ("test.inner", 2.0, None, 54.9)
    assert (second.id, second.status, second.reached) == ("test.other", "explained", "54.9")


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"status": "fine"}, "published/made-up.toml: test.inner: status 'fine': expected reproduced, explained or open"),
        ({"status": "explained"}, "published/made-up.toml: test.inner: explained without reached and why"),
        ({"status": "open", "reached": "54.9"}, "published/made-up.toml: test.inner: open without reached and why"),
        ({"status": "open", "why": "a reason"}, "published/made-up.toml: test.inner: open without reached and why"),
        ({"reason": "x"}, "published/made-up.toml: test.inner: reason: missing or not a key of a row"),
    ],
)
def test_malformed_rows_are_refused(monkeypatch: pytest.MonkeyPatch, changes: dict[str, Any], message: str) -> None:
    given(monkeypatch, RAW | changes)
    with pytest.raises(DataError) as caught:
        rows()
    assert str(caught.value) == message


@pytest.mark.parametrize("key", [key for key in RAW if key != "id"])
def test_rows_need_every_key(monkeypatch: pytest.MonkeyPatch, key: str) -> None:
    given(monkeypatch, {k: v for k, v in RAW.items() if k != key})
    with pytest.raises(DataError, match=f"published/made-up.toml: test.inner: {key}: missing or not a key of a row"):
        rows()


def test_references_and_units_of_rows_exist(monkeypatch: pytest.MonkeyPatch) -> None:
    given(monkeypatch, RAW | {"ref": "Nobody:1900"})
    with pytest.raises(DataError, match="Nobody:1900"):
        rows()
    given(monkeypatch, RAW | {"unit": "furlong"})
    with pytest.raises(UnitError, match="furlong"):
        rows()


# --- choosing rows

TABLE = (
    RAW,
    RAW | {"id": "test.inner.error", "value": 1.0},
    RAW | {"id": "test.innermost", "slow": True},
    RAW | EXPLAINED | {"id": "other.row", "value": 1.0},
)  # fmt: skip


def outcomes(*ids: str, slow: bool = False) -> dict[str, str]:
    return {one.row.id: one.outcome for one in reproduce(ids, slow=slow).rows}


def test_all_rows_and_their_summary(monkeypatch: pytest.MonkeyPatch) -> None:
    given(monkeypatch, *TABLE)
    assert outcomes() == {"test.inner": "reproduced", "test.inner.error": "failed", "test.innermost": "skipped", "other.row": "explained"}
    result = reproduce()
    assert result.summary == {"reproduced": 1, "explained": 1, "open": 0, "skipped": 1, "failed": 1}
    assert result.references == {"Barinov:2021asz"}
    written = result.to_dict()
    assert written["summary"] == result.summary
    assert [row["id"] for row in written["rows"]] == [one["id"] for one in TABLE]
    assert (written["rows"][2]["computed"], written["rows"][2]["deviation"]) == (None, None)


def test_slow_rows_are_computed_on_demand(monkeypatch: pytest.MonkeyPatch) -> None:
    given(monkeypatch, *TABLE)
    skipped = reproduce(["test"]).rows[2]
    assert (skipped.outcome, skipped.computed, skipped.why) == ("skipped", None, "needs more than two seconds: name it, or give --all")
    assert outcomes(slow=True)["test.innermost"] == "reproduced"
    assert outcomes("test.innermost") == {"test.innermost": "reproduced"}


def test_names_match_whole_words_from_the_left(monkeypatch: pytest.MonkeyPatch) -> None:
    given(monkeypatch, *TABLE)
    assert set(outcomes("test.inner")) == {"test.inner", "test.inner.error"}
    assert set(outcomes("test")) == {"test.inner", "test.inner.error", "test.innermost"}
    assert list(outcomes("other.row", "test.inner.error")) == ["test.inner.error", "other.row"]  # in the order of the table


@pytest.mark.parametrize(("asked", "nearest"), [("test.iner", "test.inner"), ("othr", "other"), ("test.inner.eror", "test.inner.error")])
def test_unknown_names_are_refused_before_anything_is_computed(monkeypatch: pytest.MonkeyPatch, asked: str, nearest: str) -> None:
    given(monkeypatch, *TABLE)
    asked_for: list[Any] = []
    with pytest.raises(DataError, match=f"no published number '{asked}'. Did you mean '{nearest}'?"):
        reproduce(["test.inner", asked], progress=lambda *state: asked_for.append(state))
    assert asked_for == []


def test_progress_names_each_row_before_it_is_computed(monkeypatch: pytest.MonkeyPatch) -> None:
    given(monkeypatch, *TABLE)
    told: list[Any] = []
    reproduce(["test"], progress=lambda *state: told.append(state))
    assert told == [(0, 3, "test.inner"), (1, 3, "test.inner.error"), (2, 3, "test.innermost")]


def test_the_shipped_table_can_be_asked_by_file() -> None:
    assert {one.row.id.split(".")[0] for one in reproduce(["haxton-rule-2023"]).rows} == {"haxton-rule-2023"}
    assert {row.status for row in published.rows()} <= {"reproduced", "explained", "open"}
