"""Experiment files: every key, what it becomes, settings, schema, template."""

import math
import re
import tomllib

import jsonschema
import numpy as np
import pytest

import megacurie as mci
from megacurie.experiments import cards
from megacurie.foundation import units as u
from megacurie.foundation.errors import CardError
from megacurie.physics import materials
from megacurie.physics.channels.coherent_scattering import CoherentScattering
from megacurie.physics.channels.electron_scattering import ElectronScattering
from megacurie.physics.shapes import Ball, Cylinder, Difference, Shell, Union

EXACT = 1e-12  # the same numbers, multiplied in another order
SHAPE = 1e-4  # relative accuracy that a kernel is made for
MEASURED = ("best", "gallex-cr1", "gallex-cr2", "sage-ar", "sage-cr")
DESIGNS = ("jne-500t-cr51-center", "lif7-cr51")  # nothing measured yet
BEST = """\
name = "BEST"
[source]
nuclide = "51Cr"
lines = "four"                                    # four (default) | nine | two-seed-001 | two-seed-000
activity = "3.414 MCi"
at = "2019-07-05T14:02+03:00"
calibration = "calorimetric"                      # becomes the tag activity:calorimetric
shape = { kind = "cylinder", radius = "4.3 cm", height = "10.8 cm" }
[target]
material = "gallium"
channel = "ga71-capture"
cross_section = "bahcall-1997"
[[zone]]
name = "inner"
shape = { kind = "ball", radius = "66.75 cm" }
without = [{ kind = "ball", radius = "14.4 cm" }, { kind = "cylinder", radius = "6.8 cm", from = "0 cm", to = "top" }]
mean_path = "52.03 cm"                            # published: scales the weights; omit for pure shapes; `predict` prints both
[[zone]]
name = "outer"
shape = { kind = "cylinder", radius = "109 cm", bottom = "-110 cm", fill = { height = "211.2 cm" } }   # bottom from the source: assumed
without = [{ kind = "ball", radius = "67.25 cm" }, { kind = "cylinder", radius = "6.8 cm", from = "0 cm", to = "top" }]
mean_path = "54.41 cm"
[measurement]
quantity = "rate"                                 # rate | counts | ratio
values = { inner = { value = "54.9 1/d", plus = "2.5 1/d", minus = "2.4 1/d" }, outer = { value = "55.6 1/d", plus = "2.7 1/d", minus = "2.6 1/d" } }
pulls = [{ name = "best.systematic", absolute = "1.4 1/d", of = "reference" }, { name = "channel:ga71", from = "cross_section" }]
"""


@pytest.fixture
def make(tmp_path):
    """An experiment from the text of its zone and, where asked for, of other tables."""

    def experiment(zone, *, source="", material='material = "gallium"', more="", settings=None):
        path = tmp_path / "toy.toml"
        path.write_text(f'name = "toy"\n[source]\nnuclide = "51Cr"\nactivity = "1 MCi"\n{source}\n[target]\n{material}\n[[zone]]\nname = "a"\n{zone}\n{more}\n')
        return cards.load(path, settings)

    return experiment


@pytest.fixture
def shape(make):
    def of(zone, **others):
        return make(zone, **others).zones[0].shape

    return of


@pytest.fixture
def best(tmp_path):
    path = tmp_path / "best.toml"
    path.write_text(BEST)
    return path


# --- built-in cards, and BEST's of the architecture


@pytest.mark.parametrize("name", cards.built_in())
def test_built_in_cards_load(name):
    experiment = mci.load(name)
    assert experiment.source.history.reference_time
    # what was measured has its published path, and so has a flux that is stated at one distance; a design has neither
    assert (experiment.published is not None) == (name in MEASURED)
    stated = name in MEASURED or name.startswith("benato-2026/")
    assert all((zone.published_path is not None) == stated for zone in experiment.zones)
    assert bool(experiment.schedule) == (name not in MEASURED)
    assert experiment.counting().kernel().labels == tuple(zone.name for zone in experiment.zones)


def test_built_in_names():
    assert set(cards.built_in()) > {*MEASURED, *DESIGNS, "ciuffoli-2025/juno-center", "juno-zn65-outside", "borexino-sox-ce144"}
    assert list(cards.built_in()) == sorted(cards.built_in())


def test_best_of_the_architecture_has_the_kernel_of_the_built_in_card(best):
    ours, built_in = cards.load(best).kernel(), mci.load("best").kernel()
    assert ours.labels == built_in.labels
    assert ours.reach == built_in.reach
    for one, other in zip(ours.blocks, built_in.blocks, strict=True):
        assert (one.bins, one.tags, one.particle) == (other.bins, other.tags, other.particle)
        for name in ("energy", "baseline", "weight"):
            assert np.array_equal(getattr(one, name), getattr(other, name))


def test_an_absolute_pull_is_relative_to_the_own_prediction_where_none_was_published(best):
    experiment = cards.load(best)
    expected = experiment.kernel().without_new_physics()
    assert np.array(list(experiment.published.predicted.values())) == pytest.approx(expected, rel=EXACT)
    (pull,) = experiment.published.pulls
    assert pull.shape == pytest.approx(1.4 / u.day / expected, rel=EXACT)
    chi2 = [mci.gallium.datasets(only=[card]).likelihood(mci.Sterile()).null() for card in (str(best), "best")]
    assert chi2[0] == pytest.approx(chi2[1], rel=0.02)  # predictions 0.18 % apart, 4 sigma away: chi2 changes by 2 x .0018/.21


def test_tags_and_dates_of_the_source(best):
    source = cards.load(best).source
    assert source.tags == {"source:cr51", "activity:calorimetric"}
    assert source.history.reference_time == "2019-07-05T14:02+03:00"
    assert source.history.activity == pytest.approx(3.414 * u.MCi, rel=EXACT)
    assert source.activity_error == 0


def test_target_and_threshold_of_the_scattering_cards():
    jne, lif = (mci.load(name) for name in DESIGNS)
    assert isinstance(jne.channel, ElectronScattering)
    assert jne.detector.threshold == pytest.approx(200 * u.keV, rel=EXACT)
    assert isinstance(lif.channel, CoherentScattering)
    assert lif.detector.threshold == pytest.approx(20 * u.eV, rel=EXACT)
    assert set(lif.channel.isotopes) == {"7Li", "19F"}
    assert {"isotope:7li", "isotope:19f"} == {tag for block in lif.kernel().blocks for tag in block.tags if tag.startswith("isotope:")}
    # 500 t about a hole of 20 cm: the ball keeps its radius, the hole takes .03 m3
    ball = 500 * u.t / jne.material.density
    assert jne.zones[0].shape.volume == pytest.approx(ball - 4 / 3 * math.pi * (0.2 * u.m) ** 3, rel=EXACT)
    # the ring holds the kilogram that the source of the card speaks of
    assert lif.zones[0].shape.volume * lif.material.density == pytest.approx(u.kg, rel=0.01)  # its thickness is stated to 1/10 mm of 3.6


def test_coherent_scattering_needs_its_nuclei(make):
    zone = 'shape = { kind = "ball", radius = "1 m" }'
    with pytest.raises(CardError) as found:
        make(zone, material='channel = "cevns"')
    assert found.value.problems == ("target.material: missing; coherent scattering needs to know its nuclei",)


def test_a_doubtful_table_is_a_note(make):
    cavity = 'without = [{ kind = "ball", radius = "1 cm", status = "unverified" }]'
    zone = f'shape = {{ kind = "ball", radius = "1 m" }}\nstatus = "assumed"\nnote = "a guess"\n{cavity}'
    experiment = make(zone, source='status = "measured"')
    assert experiment.notes == ("† zone.a: assumed. a guess", "† zone.a.without.0: unverified.")
    assert make('shape = { kind = "ball", radius = "1 m" }').notes == ()


# --- shapes


def test_ball_about_the_source(shape):
    assert shape('shape = { kind = "ball", radius = "60 cm" }') == Ball(radius=u.parse("60 cm", "length"))


def test_ball_with_the_source_off_its_centre(make):
    experiment = make('shape = { kind = "ball", radius = "2 m" }\nsource_at = "1 m"')
    (zone,) = experiment.zones
    assert (zone.shape.radius, zone.shape.z) == (pytest.approx(2 * u.m, rel=EXACT), pytest.approx(-u.m, rel=EXACT))
    # R/2 [1 + (R^2 - d^2)/(2 R d) ln((R + d)/(R - d))] with R = 2, d = 1
    assert experiment.paths(zone).mean_path == pytest.approx((1 + 0.75 * math.log(3)) * u.m, rel=SHAPE)


def test_ball_with_the_source_outside(make):
    experiment = make('shape = { kind = "ball", radius = "1 m" }\nsource_at = "2 m"')
    assert experiment.paths(experiment.zones[0]).mean_path == pytest.approx((0.5 - 0.375 * math.log(3)) * u.m, rel=SHAPE)  # as above, |R - d|


def test_ball_of_a_mass(shape):
    found = shape('shape = { kind = "ball", mass = "10 t" }\nsource_at = "3 m"')
    assert found.volume * materials.material("gallium").density == pytest.approx(10 * u.t, rel=EXACT)
    assert found.z == pytest.approx(-3 * u.m, rel=EXACT)


def test_shell(shape):
    found = shape('shape = { kind = "shell", inner = "1 m", outer = "2 m" }\nsource_at = "50 cm"')
    assert isinstance(found, Shell)
    assert (found.inner, found.outer, found.z) == (pytest.approx(u.m), pytest.approx(2 * u.m), pytest.approx(-0.5 * u.m))


@pytest.mark.parametrize(
    ("text", "bottom", "top"),
    [
        ('radius = "1 m", height = "3 m" }', 0, 3),
        ('radius = "1 m", height = "3 m" }\nsource_at = "1 m"', -1, 2),
        ('radius = "1 m", height = "3 m", bottom = "-2 m" }', -2, 1),
        ('radius = "1 m", from = "-1 m", to = "4 m" }', -1, 4),
        ('radius = "1 m", bottom = "-2 m", fill = { height = "50 cm" } }', -2, -1.5),
        ('radius = "1 m", height = "3 m", fill = { height = "1 m" } }\nsource_at = "1 m"', -1, 0),
        ('radius = "1 m", from = "-1 m", to = "4 m", fill = { height = "2 m" } }', -1, 1),
    ],
)
def test_cylinders(shape, text, bottom, top):
    found = shape(f'shape = {{ kind = "cylinder", {text}')
    assert isinstance(found, Cylinder)
    assert found.radius == pytest.approx(u.m, rel=EXACT)
    # a height may be a difference of two others: absolute to the size of the tank
    assert (found.bottom / u.m, found.top / u.m) == (pytest.approx(bottom, abs=1e-9), pytest.approx(top, abs=1e-9))


@pytest.mark.parametrize("tank", ['height = "3 m"', 'bottom = "0 m"', 'from = "0 m", to = "3 m"'])
def test_fill_by_mass(shape, tank):
    found = shape(f'shape = {{ kind = "cylinder", radius = "1 m", {tank}, fill = {{ mass = "20 t" }} }}')
    assert found.volume * materials.material("gallium").density == pytest.approx(20 * u.t, rel=EXACT)
    assert found.bottom == 0


@pytest.mark.parametrize("tank", ['height = "3 m"', 'bottom = "0 m"'])
def test_fill_by_mass_beside_cavities(shape, tank):
    cavities = 'without = [{ kind = "cylinder", radius = "20 cm", from = "bottom", to = "top" }, { kind = "ball", radius = "30 cm" }]'
    found = shape(
        f'shape = {{ kind = "cylinder", radius = "1 m", {tank}, fill = {{ mass = "20 t" }} }}\nsource_at = "50 cm"\n{cavities}'.replace('"0 m"', '"-50 cm"')
    )
    assert found.volume * materials.material("gallium").density == pytest.approx(20 * u.t, rel=1e-9)  # the level is found by bisection
    assert found.target.bottom == pytest.approx(-0.5 * u.m, rel=EXACT)


def test_more_than_the_tank_holds_beside_its_cavities(make):
    with pytest.raises(CardError) as found:
        make('shape = { kind = "cylinder", radius = "1 m", height = "1 m", fill = { mass = "19 t" } }\nwithout = [{ kind = "ball", radius = "30 cm" }]')
    # pi m3 holds 19.1 t; half a ball of 30 cm takes .0565 m3 of it
    assert found.value.problems == ("zone[0]: fill volume: 3.11731 m3: expected more than 0 and at most the 3.08504 m3 beside the cavities.",)


def test_cavities_are_taken_out_and_reach_as_far_as_top_and_bottom(shape):
    well = 'without = [{ kind = "cylinder", radius = "50 cm", from = "bottom", to = "top" }]'
    found = shape(f'shape = {{ kind = "cylinder", radius = "1 m", height = "2 m" }}\n{well}')
    assert isinstance(found, Difference)
    assert found.without == Cylinder(radius=u.parse("50 cm", "length"), bottom=-math.inf, top=math.inf)
    assert found.volume == pytest.approx(math.pi * (1 - 0.25) * 2 * u.m**3, rel=EXACT)
    half = shape(f'shape = {{ kind = "cylinder", radius = "1 m", height = "2 m" }}\n{well}'.replace('"bottom"', '"1 m"'))
    assert half.volume == pytest.approx(math.pi * (2 - 0.25) * u.m**3, rel=EXACT)


def test_cavities_do_not_move_with_the_target(shape):
    found = shape('shape = { kind = "ball", radius = "2 m" }\nsource_at = "1 m"\nwithout = [{ kind = "ball", radius = "50 cm" }]')
    assert found.without == Ball(radius=u.parse("50 cm", "length"))


def test_a_cavity_of_a_mass_takes_that_mass_out(shape):
    found = shape('shape = { kind = "ball", mass = "10 t" }\nwithout = [{ kind = "ball", mass = "1 t" }]')
    assert found.volume * materials.material("gallium").density == pytest.approx(9 * u.t, rel=EXACT)


def test_several_shapes_are_one_target(shape):
    parts = '{ kind = "ball", radius = "1 m" }, { kind = "cylinder", radius = "10 cm", from = "0 m", to = "3 m" }'
    found = shape(f"shape = [{parts}]")
    assert isinstance(found, Union)
    # the ball, and the part of the pipe beyond its cap: from z = sqrt(1 - .01) on, less the cap between there and 1
    z = math.sqrt(0.99)
    cap = math.pi * (1 - z) ** 2 * (2 + z) / 3
    assert found.volume == pytest.approx((4 * math.pi / 3 + math.pi * 0.01 * (3 - z) - cap) * u.m**3, rel=1e-9)  # a difference of near numbers


def test_source_is_centred_about_the_origin(make):
    zone = 'shape = { kind = "ball", radius = "1 m" }'
    found = make(zone, source='shape = { kind = "cylinder", radius = "4 cm", height = "10 cm" }').zones[0].source_shape
    assert (found.bottom, found.top) == (pytest.approx(-5 * u.cm, rel=EXACT), pytest.approx(5 * u.cm, rel=EXACT))
    moved = make(zone, source='shape = { kind = "cylinder", radius = "4 cm", from = "0 cm", to = "10 cm" }').zones[0].source_shape
    assert (moved.bottom, moved.top) == (0, pytest.approx(10 * u.cm, rel=EXACT))
    assert make(zone, source='shape = { kind = "ball", radius = "4 cm" }').zones[0].source_shape == Ball(radius=u.parse("4 cm", "length"))
    assert make(zone).zones[0].source_shape is None


# --- paths, schedule, measurement


def test_a_published_path_scales_the_weights_and_nothing_else(tmp_path, best):
    pure = tmp_path / "pure.toml"
    pure.write_text(re.sub(r"(?m)^mean_path.*\n", "", BEST))
    ours, shapes = cards.load(best), cards.load(pure)
    for zone, free in zip(ours.zones, shapes.zones, strict=True):
        assert free.published_path is None
        assert ours.paths(zone).mean_path == shapes.paths(free).mean_path
    scale = ours.kernel().without_new_physics() / shapes.kernel().without_new_physics()
    assert scale == pytest.approx([0.5203 * u.m / shapes.paths(shapes.zones[0]).mean_path, 0.5441 * u.m / shapes.paths(shapes.zones[1]).mean_path], rel=EXACT)
    for one, other in zip(ours.kernel().blocks, shapes.kernel().blocks, strict=True):
        assert np.array_equal(one.baseline, other.baseline)


def test_error_of_a_path_is_the_larger_of_the_two(make):
    zone = 'shape = { kind = "ball", radius = "1 m" }\nmean_path = { value = "1 m", plus = "1 cm", minus = "2 cm" }'
    assert make(zone).zones[0].path_error == pytest.approx(0.02, rel=EXACT)


def test_counts_over_a_schedule(make):
    zone = 'shape = { kind = "ball", radius = "1 m" }'
    more = '[detector]\nefficiency = "30 %"\n[schedule]\nexposures = [{ start = "1 d", stop = "11 d" }, { start = "20 d", stop = "30 d", live_fraction = 0.5 }]'
    experiment = make(zone, more=more)
    assert (experiment.quantity, make(zone).quantity) == ("counts", "rate")
    rate = math.log(2) / experiment.source.half_life
    # A / lambda (exp(-lambda t1) - exp(-lambda t2)) n sigma <L> eps
    decays = u.MCi / rate * sum(f * (math.exp(-rate * a * u.day) - math.exp(-rate * b * u.day)) for a, b, f in ((1, 11, 1), (20, 30, 0.5)))
    sigma = experiment.channel.average(experiment.source).value * experiment.source.intensities.sum()
    expected = decays * experiment.material.number_density("71Ga") * sigma * u.m * 0.3
    assert experiment.kernel().without_new_physics() == pytest.approx([expected], rel=1e-9)  # a ball about its source: <L> = R to rounding


def test_measurement(make):
    zone = 'shape = { kind = "ball", radius = "1 m" }'
    more = """[measurement]
quantity = "rate"
cross_section = "kostensalo-2019"
values = { a = { value = "50 1/d", plus = "3 1/d", minus = "2 1/d" } }
predicted = { a = "70 1/d" }
pulls = [{ name = "x", absolute = "1.4 1/d", of = "prediction" }, { name = "y", relative = "5 %" }]
ref = "Barinov:2021asz"
"""
    published = make(zone, more=more).published
    assert (published.quantity, published.cross_section, published.ref) == ("rate", "kostensalo-2019", "Barinov:2021asz")
    assert [published.value["a"], published.plus["a"], published.minus["a"], published.predicted["a"]] == pytest.approx(
        np.array([50, 3, 2, 70]) / u.day, rel=EXACT
    )
    assert [(pull.name, pull.of, pull.shape[0]) for pull in published.pulls] == [("x", "prediction", pytest.approx(0.02, rel=EXACT)), ("y", "reference", 0.05)]
    assert not published.cross_section_error
    assert make(zone, more=more.replace("]\nref", ', { name = "channel:ga71", from = "cross_section" }]\nref')).published.cross_section_error


def test_a_ratio_is_relative_to_one(make):
    more = '[measurement]\nquantity = "ratio"\nvalues = { a = { value = "0.95", plus = "12 %", minus = "0.1" } }\n'
    published = make('shape = { kind = "ball", radius = "1 m" }', material="", more=more).published
    assert (published.value, published.predicted) == ({"a": 0.95}, {"a": 1.0})
    assert published.plus["a"] == pytest.approx(0.12, rel=EXACT)


def test_counts_are_compared_with_counts(make):
    schedule = '[schedule]\nexposures = [{ start = "0 d", stop = "10 d" }]\n'
    measured = '[measurement]\nquantity = "counts"\nvalues = { a = { value = "300", plus = "17", minus = "17" } }\n'
    experiment = make('shape = { kind = "ball", radius = "1 m" }', more=schedule + measured)
    assert experiment.published.predicted["a"] == pytest.approx(experiment.kernel().without_new_physics()[0], rel=EXACT)


# --- what is missing


def test_ratio_only_cards_know_what_is_missing():
    for name in ("gallex-cr1", "gallex-cr2"):
        experiment = mci.load(name)
        assert (experiment.quantity, experiment.rate_per_path()) == ("ratio", None)
        assert experiment.missing == ("target.material (number of targets per volume)",)
        assert experiment.kernel().without_new_physics() == pytest.approx([1], rel=EXACT)


def test_references_of_a_card_are_those_of_its_tables_and_of_its_inputs():
    references = mci.load("best").references
    assert {"Barinov:2022wfh", "Barinov:2021asz"} <= references  # the card
    assert {"Bahcall:1997eg", "Machlan:1986ga", "Acero:2007su"} <= references  # cross section, isotopes, lines


# --- settings


def test_no_settings_is_the_card_itself():
    assert cards.read("best", {}) == cards.read("best") == cards.read("best", None)


@pytest.mark.parametrize(
    ("settings", "activity"),
    [({"source.activity": "1 MCi"}, 1.0), ({"source.activity": '{ value = "2 MCi", plus = "1 kCi" }'}, 2.0), ({"source.activity.value": "3 MCi"}, 3.0)],
)
def test_activity(settings, activity):
    source = cards.load("best", settings).source
    assert source.history.activity == pytest.approx(activity * u.MCi, rel=EXACT)


def test_bare_text_loses_the_error_and_the_key_of_the_value_keeps_it():
    assert cards.load("best", {"source.activity": "3.414 MCi"}).source.activity_error == 0
    kept = cards.load("best", {"source.activity.plus": "0.1 MCi"}).source
    assert kept.activity_error == pytest.approx(0.1 / 3.414, rel=EXACT)


def test_a_key_of_every_zone_or_of_one():
    both = cards.load("best", {"zone.mean_path": "1 m"}).zones
    assert [zone.published_path for zone in both] == [pytest.approx(u.m, rel=EXACT)] * 2
    one = cards.load("best", {"zone.outer.mean_path": "1 m"}).zones
    assert [zone.published_path for zone in one] == [pytest.approx(0.5203 * u.m, rel=EXACT), pytest.approx(u.m, rel=EXACT)]
    assert [zone.path_error for zone in one] == [pytest.approx(0.18 / 52.03, rel=EXACT), 0]


def test_nested_keys_and_whole_tables():
    nested = cards.load("best", {"zone.inner.shape.radius": "60 cm"}).zones[0].shape
    assert nested.target == Ball(radius=u.parse("60 cm", "length"))
    table = cards.load("best", {"zone.inner.shape": '{ kind = "shell", inner = "20 cm", outer = "60 cm" }', "zone.inner.without": "[]"}).zones[0].shape
    assert isinstance(table, Shell)
    parts = (
        cards.load("best", {"zone.inner.shape": '[{ kind = "ball", radius = "20 cm" }, { kind = "ball", radius = "60 cm" }]', "zone.inner.without": "[]"})
        .zones[0]
        .shape
    )
    assert isinstance(parts, Union)


def test_numbers_and_tables_that_the_card_does_not_have():
    assert cards.load("best", {"detector.efficiency": "0.5"}).detector.efficiency == 0.5
    assert cards.load("best", {"detector.efficiency": "50 %"}).detector.efficiency == 0.5
    assert cards.load("best", {"schedule.exposures": '[{ start = "0 d", stop = "9 d" }]'}).quantity == "counts"


def test_a_setting_leaves_the_built_in_card_alone():
    before = cards.load("best").zones
    cards.load("best", {"source.activity": "1 MCi", "zone.mean_path": "1 m"})
    assert cards.load("best").zones == before


@pytest.mark.parametrize(
    ("key", "problem"),
    [
        ("zone.iner.mean_path", "zone.iner.mean_path: no zone 'iner'. Did you mean 'inner'?"),
        ("zone.inner", "zone.inner: a zone, not a key of one; expected such as zone.inner.mean_path"),
        ("zone.inner.meanpath", "zone[0].meanpath: not a key of a card. Did you mean 'mean_path'?"),
        ("sourc.activity", "sourc: not a key of a card. Did you mean 'source'?"),
    ],
)
def test_settings_that_lead_nowhere(key, problem):
    with pytest.raises(CardError) as found:
        cards.load("best", {key: "1 m"})
    assert (found.value.file, found.value.problems) == ("best", (problem,))


# --- reading


def test_a_file_may_begin_with_a_mark(tmp_path, best):
    path = tmp_path / "marked.toml"
    path.write_bytes(b"\xef\xbb\xbf" + BEST.encode())
    assert cards.read(path)[1] == cards.read(best)[1]


def test_a_name_without_ending_may_be_a_file(tmp_path, best, monkeypatch):
    monkeypatch.chdir(tmp_path)
    best.rename("mine")
    assert cards.load("mine").name == "BEST"


def test_a_built_in_name_is_that_card_and_a_path_of_that_name_the_file(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "best").write_text('name = "mine"\n[source]\nnuclide = "51Cr"\n[[zone]]\nname = "a"\nshape = { kind = "ball", radius = "1 m" }\n')
    assert cards.load("best").name == "BEST"
    assert cards.load(tmp_path / "best").name == "mine"


# --- schema and template


@pytest.fixture(scope="module")
def validator():
    jsonschema.Draft202012Validator.check_schema(cards.schema())
    return jsonschema.Draft202012Validator(cards.schema())


@pytest.mark.parametrize("name", cards.built_in())
def test_schema_accepts_the_built_in_cards(validator, name):
    validator.validate(cards.read(name)[1])


def test_schema_accepts_the_architecture_and_the_template(validator):
    validator.validate(tomllib.loads(BEST))
    validator.validate(tomllib.loads(_complete(cards.template("gallium"))))


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("nam", "x"),
        ("source.nuclid", "51Cr"),
        ("source.activity", 3),
        ("zone", []),
        ("zone.0.shape.kind", "cube"),
        ("zone.0.shape.radius", 3),
        ("detector", 0.5),
        ("measurement.quantity", "rates"),
    ],
)
def test_schema_refuses_wrong_cards(validator, key, value):
    raw = cards.read("best")[1]
    *path, last = key.split(".")
    table = raw
    for step in path:
        table = table[int(step)] if step.isdigit() else table[step]
    table[last] = value
    assert not validator.is_valid(raw)


def test_schema_needs_what_a_card_needs(validator):
    for key in ("name", "source", "zone"):
        assert not validator.is_valid({name: value for name, value in cards.read("best")[1].items() if name != key})


def _complete(text):
    """A template with all of its commented keys in force."""
    return re.sub(r"(?m)^# (?=\[|\w+ = )", "", text)


@pytest.mark.parametrize("name", cards.templates())
def test_template_loads_and_every_key_in_its_comments_is_real(tmp_path, name):
    text, path = cards.template(name), tmp_path / "my.toml"
    path.write_text(text)
    plain = cards.load(path)
    path.write_text(_complete(text))
    whole = cards.load(path)
    assert (plain.published, plain.zones[0].source_shape, plain.zones[0].published_path) == (None, None, None)
    if name == "gallium":  # only what was measured has values to compare with
        assert whole.published is not None
        assert whole.zones[0].source_shape is not None
        assert whole.zones[0].published_path is not None
        assert mci.fit(mci.gallium.datasets(only=[str(path)]).likelihood(mci.ActivityScale())).dof == 1
    else:  # the axes of bins, the cut and the base are in force
        assert whole.published is None
        assert whole.detector.least > plain.detector.least == 0  # only electrons that give light
        assert whole.dm2_max == pytest.approx(20 * u.eV**2, rel=EXACT)
        assert whole.zones[0].shape.volume < plain.zones[0].shape.volume


IRRADIATED = '[source]\nnuclide = "{nuclide}"\n{more}\nirradiate = {{ mass = "1 kg", flux = "1.5e15 1/(cm2 s)", duration = "61 d"{rest} }}\n'


def irradiated(path, rest="", nuclide="51Cr", more=""):
    path.write_text(
        'name = "toy"\n'
        + IRRADIATED.format(rest=f", {rest}" if rest else "", nuclide=nuclide, more=more)
        + '[[zone]]\nname = "a"\nshape = { kind = "ball", radius = "1 m" }\n'
    )
    return cards.load(path).source


def test_a_source_may_be_irradiated_instead(tmp_path):
    made = irradiated(tmp_path / "my.toml")
    # 15 b, 61 d, target burning: 1.973e17 Bq (note)
    assert made.history.activity == pytest.approx(1.973e17 * u.Bq, rel=3e-4)
    assert "Benato:2026cevns" in made.references
    cooled = irradiated(tmp_path / "my.toml", 'cooling = "27.704 d"')
    assert cooled.history.activity == pytest.approx(0.5 * made.history.activity, rel=1e-4)
    argon = irradiated(tmp_path / "my.toml", nuclide="37Ar").history.activity
    kept = irradiated(tmp_path / "my.toml", "destruction = false", nuclide="37Ar").history.activity
    assert kept > 5 * argon  # destroyed seven times as fast as it decays


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"more": 'activity = "1 MCi"'}, "activity and irradiate: expected one of them"),
        ({"nuclide": "65Zn"}, "irradiate: no production data for 65Zn. Known: 37Ar, 51Cr"),
        ({"rest": 'cooling = "-3 d"'}, "source.irradiate.cooling: '-3 d': expected zero or more"),
        ({"rest": "shielding = 0"}, "shielding = 0.0: expected the mean flux over the unperturbed one"),
    ],
)
def test_irradiations_that_are_refused(tmp_path, change, message):
    with pytest.raises(CardError, match=re.escape(message)):
        irradiated(tmp_path / "my.toml", **change)


def test_template_names_every_kind_of_shape_and_every_choice():
    text = cards.template("gallium")
    assert "ball | shell | cylinder" in text
    assert "rate | counts | ratio" in text
