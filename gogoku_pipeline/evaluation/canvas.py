"""The paper pictures are drawn on: size, colours, axes, and the small PNG they become. No global state.

Belongs here: what every picture shares. Does not belong here: a picture.
"""

from __future__ import annotations

import io

import numpy as np
import polars as pl
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.dates import AutoDateLocator, ConciseDateFormatter
from matplotlib.figure import Figure
from PIL import Image  # comes with matplotlib

from gogoku_pipeline.core.errors import EvaluationError
from gogoku_pipeline.evaluation.frames import require_columns

PALETTE = ("#1b4f8a", "#d9822b", "#2f855a", "#9b2c6f", "#718096", "#b7791f", "#2c7a7b", "#742a2a")
INK, FAINT = "#1a202c", "#cbd5e0"
WIDE = (7.2, 2.9)
_DPI = 100
_COLOURS = 96


def canvas(title: str, below: str, *, height: float = WIDE[1]) -> tuple[Figure, Axes]:
    """An empty picture: title on the left, words below, faint grid."""
    figure = Figure(figsize=(WIDE[0], height), dpi=_DPI, layout="constrained")
    axes = figure.subplots()
    axes.set_title(title, loc="left", fontsize=10, color=INK)
    axes.set_xlabel(below, fontsize=8)
    _quiet(axes)
    return figure, axes


def split_canvas(title: str, *, height: float, ratio: float) -> tuple[Figure, tuple[Axes, Axes]]:
    """Two pictures above each other on one horizontal axis; the upper is `ratio` times as high."""
    figure = Figure(figsize=(WIDE[0], height), dpi=_DPI, layout="constrained")
    upper, lower = figure.subplots(2, 1, sharex=True, height_ratios=(ratio, 1.0))
    upper.set_title(title, loc="left", fontsize=10, color=INK)
    for axes in (upper, lower):
        _quiet(axes)
    return figure, (upper, lower)


def _quiet(axes: Axes) -> None:
    """Faint grid, small marks, no box."""
    axes.grid(visible=True, color=FAINT, lw=0.5, alpha=0.6)
    axes.set_axisbelow(True)
    axes.tick_params(labelsize=8, length=2, color=FAINT)
    axes.spines[["top", "right"]].set_visible(False)
    axes.spines[["left", "bottom"]].set_color(FAINT)


def finished(figure: Figure, axes: Axes) -> bytes:
    """The picture as PNG bytes with few colours."""
    handles, names = axes.get_legend_handles_labels()
    if any(names):
        axes.legend(handles, names, fontsize=7.5, frameon=False, loc="best", ncols=1 + len(names) // 5)
    paper = FigureCanvasAgg(figure)
    paper.draw()  # type: ignore[no-untyped-call]
    pixels = np.asarray(paper.buffer_rgba())[:, :, :3]  # type: ignore[no-untyped-call]
    few = Image.fromarray(pixels).quantize(_COLOURS, method=Image.Quantize.FASTOCTREE, dither=Image.Dither.NONE)
    buffer = io.BytesIO()
    few.save(buffer, format="png", optimize=True)
    return buffer.getvalue()


def dates(axes: Axes) -> None:
    """Readable dates on the horizontal axis."""
    locator = AutoDateLocator(minticks=3, maxticks=7)  # type: ignore[no-untyped-call]
    axes.xaxis.set_major_locator(locator)
    axes.xaxis.set_major_formatter(ConciseDateFormatter(locator))  # type: ignore[no-untyped-call]


def by(frame: pl.DataFrame, column: str) -> list[tuple[str, pl.DataFrame]]:
    """The parts of a frame by one column, in the order they come."""
    return [(str(name[0]), part) for name, part in frame.group_by([column], maintain_order=True)]


def colour(place: int) -> str:
    """Colour of the n-th line."""
    return PALETTE[place % len(PALETTE)]


def need(frame: pl.DataFrame, columns: tuple[str, ...], what: str) -> None:
    """Refuse a frame without these columns or without rows; raises EvaluationError."""
    require_columns(frame, columns, what)
    if frame.is_empty():
        raise nothing(what)


def nothing(what: str) -> EvaluationError:
    """The error of a picture without anything to show."""
    return EvaluationError(what, got="no rows", want="something to draw", remedy="Leave the picture out.")
