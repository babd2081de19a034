"""``megacurie data``."""

import pytest

from megacurie.foundation import provenance

KEYS = {"key", "value", "plus", "minus", "unit", "printed", "ref", "where", "status", "note"}


def test_every_number_has_a_source_and_a_place(megacurie):
    rows = megacurie("data", "--json").json["data"]
    assert len(rows) == len(provenance.all_data())
    for row in rows:
        assert row.keys() == KEYS
        assert row["ref"] in provenance.references()
        assert row["where"]


def test_key_is_the_beginning_of_names_and_values_are_in_the_printed_unit(megacurie):
    rows = {row["key"]: row for row in megacurie("data", "nuclide.cr51.half_life", "--json").json["data"]}
    assert all(key.startswith("nuclide.cr51.half_life") for key in rows)
    best = rows["nuclide.cr51.half_life.barinov-2022"]
    assert (best["printed"], best["unit"], best["ref"]) == ("27.704", "d", "Barinov:2022wfh")
    assert best["value"] == pytest.approx(27.704, rel=1e-12)  # there and back between units


def test_text_names_value_error_and_source(megacurie):
    out = megacurie("data", "nuclide.cr51.half_life").out
    head, columns, rule, first, *_ = out.splitlines()
    assert head == "Reference data nuclide.cr51.half_life"
    assert columns.split() == ["key", "value", "reference", "where"]
    assert set(rule) == {" ", "-"}
    assert first.split()[:4] == ["nuclide.cr51.half_life.barinov-2022", "27.704", "+-0.003", "d†"]
    assert out.splitlines()[-1].strip() == "† assumed or unverified"


@pytest.mark.parametrize("key", ["channel.ga71", "conventions", "material", "constant"])
def test_keys_that_help_texts_name_are_there(megacurie, key):
    run = megacurie("data", key)
    assert (run.code, run.err) == (0, "")
    assert run.out.startswith(f"Reference data {key}\n")
