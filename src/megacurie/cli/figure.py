"""``megacurie figure``: the standard figures."""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from megacurie.cli.campaign_figures import CAMPAIGN_FIGURES
from megacurie.cli.options import Conventions, CrossSection, check_output, emit
from megacurie.foundation.errors import DataError, did_you_mean

if TYPE_CHECKING:
    from megacurie.foundation.arrays import Array
    from megacurie.report.figures import Figure
    from megacurie.statistics.results import Region


def figure(
    name: Annotated[str | None, typer.Argument(help="As --list has them, such as ratios or regions.", metavar="NAME")] = None,
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="PDF, SVG or PNG; a CSV of what is drawn and the caption stand beside it.", metavar="FILE")
    ] = None,
    listing: Annotated[bool, typer.Option("--list", help="Names and what they show.")] = False,
    cross_section: CrossSection = "bahcall-1997",
    conventions: Conventions = "schwetz-2023",
    campaign: Annotated[
        str | None, typer.Option(help="Of which the figure is drawn, a folder or best-2022 (the default): for figures of countings.", metavar="CAMPAIGN")
    ] = None,
) -> None:
    """Draw a standard figure, with the data drawn and a caption with its sources beside it."""
    if listing:
        emit("\n".join(f"{key:16s}  {(draw.__doc__ or '').strip()}" for key, draw in (*_FIGURES.items(), *CAMPAIGN_FIGURES.items())), None)
        return
    if name is None or output is None:
        raise DataError("figure needs a NAME and -o FILE: expected such as 'megacurie figure regions -o regions.pdf'; --list shows the names")
    if name not in (*_FIGURES, *CAMPAIGN_FIGURES):
        raise DataError(f"no figure {name!r}. {did_you_mean(name, (*_FIGURES, *CAMPAIGN_FIGURES))}")
    if campaign is not None and name in _FIGURES:
        raise DataError(f"--campaign: {name} is not drawn of a campaign. Those that are: {', '.join(CAMPAIGN_FIGURES)}")
    check_output(output)
    from megacurie.report.output import check_suffix

    check_suffix(output)  # before anything is computed
    if name in _FIGURES:
        _FIGURES[name](cross_section, conventions).save(output)
        return
    from megacurie.cli.count import is_hidden, load

    found = load(campaign or "best-2022")
    CAMPAIGN_FIGURES[name](found, is_hidden(campaign or "best-2022", found)).save(output)


def _datasets(cross_section: str, conventions: str) -> Any:
    from megacurie.studies import gallium

    return gallium.datasets(cross_section=cross_section, conventions=conventions)


def _ratios(cross_section: str, conventions: str) -> Figure:
    """The six measured ratios and their mean."""
    from megacurie.report import figures
    from megacurie.studies import gallium

    data = _datasets(cross_section, conventions)
    return figures.ratios(data, mean=gallium.mean_ratio(data))


def _regions(cross_section: str, conventions: str) -> Figure:
    """Allowed regions of 3+1 oscillation at 1, 2 and 3 sigma (Wilks)."""
    from megacurie.foundation.parameters import geomspace, linspace
    from megacurie.physics.hypotheses import Sterile
    from megacurie.report import figures
    from megacurie.statistics.inference import fit, scan

    likelihood = _datasets(cross_section, conventions).likelihood(Sterile())
    best = fit(likelihood)
    grid = scan(likelihood, {"sin2_2theta": linspace(0, 1, 301), "dm2": geomspace("0.1 eV2", "30 eV2", 401)})
    family = "gallium"
    return figures.regions(best={family: best}, **{f"{family}_{n}": grid.region(sigma=n, minimum=best.chi2) for n in (1, 2, 3)})


def _fc(cross_section: str, conventions: str) -> Figure:
    """The same at 90 % from toys (Feldman-Cousins) beside Wilks."""
    from megacurie.foundation.parameters import geomspace, linspace
    from megacurie.physics.hypotheses import Sterile
    from megacurie.report import figures
    from megacurie.statistics.confidence import feldman_cousins

    likelihood = _datasets(cross_section, conventions).likelihood(Sterile())
    axes = {"sin2_2theta": linspace(0, 1, 51), "dm2": geomspace("0.1 eV2", "30 eV2", 121)}
    found = feldman_cousins(likelihood, axes, toys=10_000, seed=_TOY_SEED)
    return figures.regions(wilks=found.wilks(confidence=0.9), fc=found.region(confidence=0.9))


def _paths(cross_section: str, conventions: str) -> Figure:
    """Target met at each distance from the source, for every zone."""
    import numpy as np

    from megacurie.experiments import cards
    from megacurie.report import figures

    curves: dict[str, tuple[Array, Array]] = {}
    references: frozenset[str] = frozenset()
    for card in ("best", "sage-cr", "gallex-cr1"):
        experiment = cards.load(card)
        references |= experiment.references
        for zone in experiment.zones:
            distance = np.linspace(0, 1.1 * zone.shape.reach, 1001)[1:]  # past the end, so that the curve is seen to fall to zero
            curves[experiment.name if len(experiment.zones) == 1 else f"{experiment.name} {zone.name}"] = (distance, experiment.fraction(zone, distance))
    return figures.paths(curves, references=references)


def _history(cross_section: str, conventions: str) -> Figure:
    """The anomaly through time: mean ratio and significance after each experiment."""
    from megacurie.report import figures
    from megacurie.studies import gallium

    data = _datasets(cross_section, conventions)
    return figures.history(gallium.history(data), references=data.references)


def _explanations(cross_section: str, conventions: str) -> Figure:
    """What each explanation of the deficit predicts for BEST, electron scattering and coherent scattering (half a minute)."""
    from megacurie.experiments import cards
    from megacurie.report import figures
    from megacurie.studies import explanations

    experiments = [cards.load(card) for card in explanations.EXPERIMENTS]
    return figures.explanations(explanations.compare(experiments, explanations.explanations(_datasets(cross_section, conventions))))


_TOY_SEED = 20220611
_TWO_SIGMA = math.erf(math.sqrt(2))
_SIX = {
    "JNE 1 t centre": "jne-1t-cr51-center", "JNE 1 t outside": "jne-1t-cr51-outside", "JNE 500 t centre": "jne-500t-cr51-center",
    "JNE 500 t outside": "jne-500t-cr51-outside", "JUNO centre": "juno-cr51-center", "JUNO outside": "juno-cr51-outside",
}  # fmt: skip


def _recoil_spectra(cross_section: str, conventions: str) -> Figure:
    """Recoil spectra of 51Cr in JNE 500 t with and without resolution: the step at 270 keV."""
    from megacurie.experiments import cards
    from megacurie.report import figures
    from megacurie.studies.prediction import predict

    fine = {"detector.bins.recoil": "80"}
    card = "jne-500t-cr51-center"
    sharp = {**fine, "detector.resolution": "0 %"}
    return figures.recoils({"5 %/√E": predict(cards.load(card, fine)), "perfect resolution": predict(cards.load(card, sharp))})


def _significance(cross_section: str, conventions: str) -> Figure:
    """Significance of a deficit of 20 % against the activity, for the six configurations of JNE and JUNO."""
    from megacurie.report import figures
    from megacurie.studies import design

    values = [0.03 * 10 ** (i / 4) for i in range(11)]
    return figures.significance({name: design.vary(card, "activity", values, study=design.deficit) for name, card in _SIX.items()})


def _sterile_reach(cross_section: str, conventions: str) -> Figure:
    """Sterile reach of the six configurations of JNE and JUNO over the region that gallium allows."""
    from megacurie.experiments import cards
    from megacurie.foundation.parameters import geomspace
    from megacurie.physics.hypotheses import Sterile
    from megacurie.report import figures
    from megacurie.studies import design

    dm2 = geomspace("0.1 eV2", "20 eV2", 121)
    curves = {name: design.exclusion(cards.load(card), Sterile(), dm2) for name, card in _SIX.items()}
    return figures.sensitivity(curves, region=_allowed(cross_section, conventions))


def _bolometer_reach(cross_section: str, conventions: str) -> Figure:
    """Sterile reach of 6LiF, 1 kg above 20 eV and 5 kg above 100 eV, beside 51Cr and 37Ar, over the region that gallium allows."""
    from megacurie.experiments import cards
    from megacurie.foundation.parameters import geomspace
    from megacurie.physics.hypotheses import Sterile
    from megacurie.report import figures
    from megacurie.studies import design

    dm2 = geomspace("0.1 eV2", "20 eV2", 241)
    curves = {}
    for kilograms, threshold in ((1, "20 eV"), (5, "100 eV")):
        for nuclide in ("cr51", "ar37"):
            settings = {"zone.shape.mass": f"{kilograms} kg", "detector.threshold": threshold}
            card = cards.load(f"benato-2026/lif6-{nuclide}", settings)
            curves[f"{card.source.nuclide}, {kilograms} kg, {threshold}"] = design.exclusion(card, Sterile(), dm2, level=_TWO_SIGMA, dof=2)
    return figures.sensitivity(curves, region=_allowed(cross_section, conventions))


def _allowed(cross_section: str, conventions: str) -> Region:
    """What gallium allows at 2 sigma."""
    from megacurie.foundation.parameters import geomspace, linspace
    from megacurie.physics.hypotheses import Sterile
    from megacurie.statistics.inference import fit, scan

    likelihood = _datasets(cross_section, conventions).likelihood(Sterile())
    grid = scan(likelihood, {"sin2_2theta": linspace(0, 1, 201), "dm2": geomspace("0.1 eV2", "20 eV2", 301)})
    return grid.region(sigma=2, minimum=fit(likelihood).chi2)


_CRYSTALS = ("lif6", "lif7", "li2wo4-6", "li2wo4-7")


def _recoil_rates(cross_section: str, conventions: str) -> Figure:
    """Nuclear recoils in 1 kg of each lithium crystal in 90 days beside 51Cr: kinks at the end points."""
    from megacurie.experiments import cards
    from megacurie.foundation import units
    from megacurie.foundation.parameters import geomspace
    from megacurie.report import figures
    from megacurie.studies.prediction import predict

    edges = ", ".join(f'"{units.to_display(float(x), "eV"):.6g} eV"' for x in geomspace("1 eV", "250 eV", 401))
    setting = {"detector.threshold": "1 eV", "detector.bins.recoil": f"[{edges}]"}
    return figures.recoils({crystal: predict(cards.load(f"benato-2026/{crystal}-cr51", setting)) for crystal in _CRYSTALS})


def _flux_precision(cross_section: str, conventions: str) -> Figure:
    """Precision on the flux of 51Cr against the mass of lithium crystals, above 20 and 100 eV."""
    import functools

    from megacurie.report import figures
    from megacurie.studies import design

    study = functools.partial(design.measure, name="flux")
    values = [0.1 * 10 ** (i / 5) for i in range(13)]
    curves = {
        f"{crystal}, {threshold}": design.vary(f"benato-2026/{crystal}-cr51", "mass", values, study=study, settings={"detector.threshold": threshold})
        for crystal in _CRYSTALS
        for threshold in ("20 eV", "100 eV")
    }
    return figures.precision(curves)


def _target_rates(cross_section: str, conventions: str) -> Figure:
    """Recoils above a threshold in 1 kg of lithium crystals and of heavier targets about 51Cr in 90 days."""
    from megacurie.experiments import cards
    from megacurie.foundation import units
    from megacurie.foundation.parameters import geomspace
    from megacurie.report import figures
    from megacurie.studies.prediction import predict

    edges = ", ".join(f'"{units.to_display(float(x), "eV"):.6g} eV"' for x in geomspace("1 eV", "220 eV", 301))
    setting = {"detector.threshold": "1 eV", "detector.bins.recoil": f"[{edges}]"}
    targets = ("lif6", "li2wo4-6", "sapphire", "silicon", "germanium", "cawo4", "pbwo4")
    return figures.above({name: predict(cards.load("lif6-cr51", {**setting, "target.material": name})) for name in targets})


def _activity_mass(cross_section: str, conventions: str) -> Figure:
    """Activity of 51Cr and 37Ar after 60 days in 1.5e15 neutrons/(cm2 s) against the mass of the target: self-shielding, destruction."""
    from megacurie.foundation import provenance, units
    from megacurie.foundation.parameters import geomspace
    from megacurie.report import figures
    from megacurie.studies.irradiation import activity_against_mass

    masses = geomspace("10 g", "10 kg", 61)
    flux, duration = provenance.datum("activation.reactor-flux", "flux").value, 60 * units.day
    curves = {
        "51Cr, solid ball": activity_against_mass("51Cr", masses, flux=flux, duration=duration),
        "51Cr, every atom in the full flux": activity_against_mass("51Cr", masses, shielded=False, flux=flux, duration=duration),
        "37Ar, gas in the full flux": activity_against_mass("37Ar", masses, shielded=False, flux=flux, duration=duration),
        "37Ar, not destroyed": activity_against_mass("37Ar", masses, shielded=False, destruction=False, flux=flux, duration=duration),
    }
    return figures.activities(curves)


_FIGURES: dict[str, Callable[[str, str], Figure]] = {
    "ratios": _ratios,
    "regions": _regions,
    "fc": _fc,
    "paths": _paths,
    "history": _history,
    "explanations": _explanations,
    "recoil-spectra": _recoil_spectra,
    "significance": _significance,
    "sterile-reach": _sterile_reach,
    "recoil-rates": _recoil_rates,
    "flux-precision": _flux_precision,
    "bolometer-reach": _bolometer_reach,
    "target-rates": _target_rates,
    "activity-mass": _activity_mass,
}
