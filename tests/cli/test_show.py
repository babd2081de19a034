"""``megacurie show``."""

import json
import tomllib

import pytest

from megacurie.experiments import cards

ZONES = {
    "best": ["inner", "outer"], "gallex-cr1": ["tank"], "gallex-cr2": ["tank"], "jne-500t-cr51-center": ["scintillator"], "lif7-cr51": ["crystals"],
    "ciuffoli-2025/juno-center": ["scintillator"], "borexino-sox-ce144": ["inner vessel"], "sage-ar": ["reactor"], "sage-cr": ["reactor"],
}  # fmt: skip


def test_without_a_card_lists_the_built_in_ones(megacurie):
    found = megacurie("show", "--json").json
    assert found.keys() == {"cards"}
    assert [one["card"] for one in found["cards"]] == list(cards.built_in())
    assert ZONES.items() <= {one["card"]: one["zones"] for one in found["cards"]}.items()
    title, head, _, *rows = megacurie("show").out.splitlines()
    assert title == "Built-in experiments ('megacurie show CARD' for one)"
    assert head.split() == ["card", "name", "source", "activity", "zones"]
    assert ["best", "BEST", "51Cr", "3.414", "MCi", "inner,", "outer"] in [row.split() for row in rows]
    assert len(rows) == len(cards.built_in())


def test_best(megacurie):
    lines = megacurie("show", "best").out.splitlines()
    assert lines[0] == "BEST"
    rows = dict((part.strip() for part in line.strip().split("  ", 1)) for line in lines[1:] if "  " in line.strip())
    assert rows["activity"] == "3.414 MCi +- 0.008 MCi at 2019-07-05T14:02+03:00"
    assert rows["cross section"] == "capture on 71Ga, bahcall-1997: 5.81e-45 +2.1e-46 -1.6e-46 cm2"
    assert rows["inner: mean path"].endswith("from the shape; published and used 52.03 cm")
    assert rows["inner: expected"] == "69.286 1/d at the reference time"
    assert rows["outer: expected"] == "72.455 1/d at the reference time"
    assert float(rows["inner: mass"].removesuffix(" t")) == pytest.approx(7.4691, rel=5e-3)  # published 7.4691 t; the cavity is fitted to it
    assert float(rows["outer: mass"].removesuffix(" t")) == pytest.approx(39.9593, rel=1e-2)  # published 39.9593 t; the level is rounded


def test_doubts_of_the_card_stand_below(megacurie):
    lines = [line.strip() for line in megacurie("show", "jne-500t-cr51-center").out.splitlines()]
    assert [line for line in lines if line.startswith("† zone.scintillator: assumed. a shield of 0.2 m about the source")]
    assert lines[-1] == "† assumed or unverified; 'megacurie data' says why"


def test_json_is_that_of_predict_and_the_references(megacurie):
    found = megacurie("show", "best", "--json").json
    assert found.keys() == {*megacurie("predict", "best", "--json").json, "references"}
    assert found["references"] == sorted(found["references"])
    assert {"Barinov:2022wfh", "Barinov:2021asz", "Bahcall:1997eg"} <= set(found["references"])


def test_what_is_missing_is_named(megacurie):
    lines = [line.split() for line in megacurie("show", "gallex-cr1").out.splitlines()]
    assert ["tank:", "expected", "null:", "missing", "target.material", "(number", "of", "targets", "per", "volume)"] in lines


def test_settings_change_the_card(megacurie):
    out = megacurie("show", "best", "--set", "source.activity=1 MCi", "--set", "zone.inner.mean_path=26.015 cm").out
    assert "activity              1 MCi at 2019" in out
    assert f"inner: expected       {69.2858 / 3.414 / 2:.3f} 1/d" in out  # half the path, less activity


def test_schema_is_json_schema(megacurie):
    assert megacurie("show", "--schema").json == json.loads(json.dumps(cards.schema()))


@pytest.mark.parametrize(("template", "name"), [("gallium", "my gallium experiment"), ("scintillator", "my scintillator")])
def test_template_is_a_card_that_loads(megacurie, folder, template, name):
    run = megacurie("show", "--template", template, "-o", "my.toml")
    assert (run.code, run.out, run.written) == (0, "", {"my.toml"})
    assert tomllib.loads((folder / "my.toml").read_text())["name"] == name
    assert megacurie("show", "my.toml").code == 0
