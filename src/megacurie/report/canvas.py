"""The surface on which figures are drawn: one style, saved with the data and the caption beside it, byte for byte the same each time."""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from contourpy import FillType, contour_generator
from matplotlib import style, ticker
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure as Canvas
from matplotlib.path import Path as Outline

from megacurie.foundation import units
from megacurie.report.output import as_csv, check_suffix, write_together

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from megacurie.foundation.parameters import Parameter
    from megacurie.statistics.results import Region

_ROW = 50  # characters in one row of a legend
styled = style.context("megacurie.report.megacurie", after_reset=True)  # used as a decorator only, which makes it anew for each call


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Figure:
    """A figure with the data and the words that belong to it.

    Attributes
    ----------
    axes : tuple of matplotlib axes
        From top to bottom; still open to changes.
    data : mapping of column head to tuple
        What is drawn, one row per point; heads carry the unit, as ``dm2_eV2``.
    caption : str
        With the works that entered.
    references : frozenset of str
        Their keys; ``cite(figure)`` prints them as BibTeX.
    """

    axes: tuple[Axes, ...]
    data: Mapping[str, tuple[str | float, ...]]
    caption: str
    references: frozenset[str] = field(default_factory=frozenset)

    def save(self, path: str | Path) -> None:
        """Write the figure (.pdf, .svg or .png), and beside it what is drawn (.csv) and the caption (.txt).

        The three files appear together, or none does. The same figure gives the same bytes.

        Raises
        ------
        RangeError
            Another suffix.
        StoreError
            If the folder is not there or a file cannot be written.

        Examples
        --------
        >>> import numpy as np
        >>> from megacurie.report import figures
        >>> figures.paths({"ball": (np.array([0.0, 1.0]), np.array([1.0, 1.0]))}).save("paths.jpg")
        Traceback (most recent call last):
            ...
        megacurie.foundation.errors.RangeError: paths.jpg: cannot draw '.jpg': expected .pdf, .svg or .png. Write 'paths.pdf'
        """
        target = Path(path)
        check_suffix(target)
        write_together(
            {
                target: self._drawn(target.suffix.lower()),
                target.with_suffix(".csv"): as_csv(self.data).encode(),
                target.with_suffix(".txt"): f"{self.caption}\n".encode(),
            }
        )

    @styled
    def _drawn(self, suffix: str) -> bytes:
        own: dict[str, dict[str, Any]] = {
            ".pdf": {"Subject": self.caption, "Creator": "megacurie", "Producer": None, "CreationDate": None},
            ".svg": {"Description": self.caption, "Creator": "megacurie", "Date": None},
            ".png": {"Description": self.caption, "Software": None},
        }
        drawn = io.BytesIO()
        canvas_of(self.axes[0]).savefig(drawn, format=suffix[1:], metadata=own[suffix])
        return drawn.getvalue()

    def _repr_png_(self) -> bytes:
        return self._drawn(".png")


def stacked_axes(rows: Sequence[int] = (1,)) -> tuple[Axes, ...]:
    """Axes above one another with a common x; ``rows`` are their relative heights."""
    canvas = Canvas()
    FigureCanvasAgg(canvas)
    axes = canvas.subplots(len(rows), 1, sharex=True, squeeze=False, height_ratios=rows)
    return tuple(axes[:, 0])


def canvas_of(ax: Axes) -> Canvas:
    """The matplotlib figure that axes belong to."""
    canvas = ax.figure
    assert isinstance(canvas, Canvas)  # not a subfigure
    return canvas


def legend_above(ax: Axes, handles: Mapping[str, Any], title: str = "") -> None:
    """A legend above the axes, where it hides nothing: short names in rows of four, else in two columns if they fit."""
    columns = min(len(handles), 4) if len("".join(handles)) < _ROW else 2 if max(map(len, handles)) < _ROW // 2 else 1
    canvas_of(ax).legend(handles.values(), handles.keys(), loc="outside upper center", ncols=columns, title=title or None)


def filled(region: Region) -> list[Outline]:
    """Outlines of the inside, closed along the edge of the grid; the same interpolation as ``Region.contours``."""
    x, y = (np.asarray(p.position(region.axes[p.name])) for p in region.parameters)
    generator: Any = contour_generator(x=x, y=y, z=region.delta_chi2.T, fill_type=FillType.OuterCode)
    points, codes = generator.filled(float(region.delta_chi2.min()) - 1, region.threshold) if region.inside.any() else ([], [])
    scale = [units.to_display(1.0, p.unit) for p in region.parameters]
    shown = [np.stack([size * np.asarray(p.at(xy[:, i])) for i, (p, size) in enumerate(zip(region.parameters, scale, strict=True))], -1) for xy in points]
    return [Outline(xy, code) for xy, code in zip(shown, codes, strict=True)]


def scale_axis(ax: Axes, name: str, parameter: Parameter, low: float, high: float) -> None:
    """Limits, scale and label of one axis from its parameter."""
    label = parameter.label or parameter.name + (f" [{parameter.unit}]" if parameter.unit else "")
    ax.set(**{f"{name}scale": "log" if parameter.scale == "log" else "linear", f"{name}lim": (low, high), f"{name}label": label})
    if parameter.scale == "log" and high / low < 1e5:
        axis = ax.xaxis if name == "x" else ax.yaxis
        axis.set_major_formatter(ticker.FuncFormatter(lambda value, _: f"{value:g}"))
        axis.set_minor_formatter(ticker.NullFormatter())
