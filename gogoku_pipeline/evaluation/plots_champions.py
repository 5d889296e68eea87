"""The champion's story in one picture: who served, who was champion, what its live record proves. A small PNG."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from itertools import groupby

import numpy as np
import polars as pl
from matplotlib.axes import Axes
from matplotlib.lines import Line2D
from matplotlib.patches import Patch

from gogoku_pipeline.evaluation.canvas import INK, PALETTE, colour, dates, finished, need, split_canvas

SERVER, CHAMPION = 0.0, 1.0
MARKS = {"promote": ("^", PALETTE[2]), "reject": ("v", "#c53030"), "inconclusive": ("o", PALETTE[5]),
         "passed_over": ("D", PALETTE[1])}  # fmt: skip
SUSPENDED = "#c53030"
FLOOR = 1e-2
"""Evidence below a hundredth is none: a logarithmic axis must begin somewhere."""


def champion_timeline(timeline: pl.DataFrame, verdicts: pl.DataFrame | None = None) -> bytes:
    """Above: champion and server as bands, verdicts as marks, suspended spells hatched. Below: the live evidence.

    Args:
        timeline: [session, champion, server, state, evidence, threshold], ascending, one row per session; `state` is
            serves, suspended, baseline or unwatched. A null server is a session without a list.
        verdicts: [decided_for, model, decision] of the gate; None for none.
    """
    need(timeline, ("session", "champion", "server", "state", "evidence", "threshold"), "champion timeline")
    figure, (bands, proof) = split_canvas("Champion and server", height=3.9, ratio=1.0)
    names = list(
        dict.fromkeys([*timeline["champion"].unique().sort(), *timeline["server"].drop_nulls().unique().sort()])
    )
    tints = {name: colour(place) for place, name in enumerate(names)}
    days = timeline["session"].to_list()
    for lane, column in ((CHAMPION, "champion"), (SERVER, "server")):
        for low, high, name in _spells(timeline[column].to_list()):
            if name is not None:
                _band(bands, days, (low, high), lane, color=tints[name])
    for low, high, state in _spells(timeline["state"].to_list()):
        if state == "suspended":
            _band(bands, days, (low, high), CHAMPION, facecolor="none", edgecolor="white", hatch="///", lw=0.0)
    marked = _verdicts(bands, verdicts, days)
    bands.set_yticks([SERVER, CHAMPION], ["served", "champion"])
    bands.set_ylim(-0.55, 2.05)
    bands.grid(visible=False)
    keys = [Patch(color=tint, label=name) for name, tint in tints.items()]
    if "suspended" in timeline["state"].to_list():
        keys.append(Patch(facecolor=PALETTE[4], edgecolor="white", hatch="///", label="suspended"))
    figure.legend(handles=[*keys, *marked], loc="outside upper right", fontsize=7.5, frameon=False, ncols=6)
    _evidence(proof, timeline)
    dates(proof)
    return finished(figure, bands)


def _band(axes: Axes, days: Sequence[date], spell: tuple[int, int], lane: float, **look: object) -> None:
    """A coloured strip from one session to the one after the spell."""
    low, high = spell
    end = days[min(high + 1, len(days) - 1)]
    axes.fill_between([days[low], end], lane - 0.3, lane + 0.3, **look)  # type: ignore[arg-type]


def _spells(states: Sequence[str | None]) -> list[tuple[int, int, str | None]]:
    """First and last place of each run of equal states."""
    found, at = [], 0
    for state, run in groupby(states):
        size = len(list(run))
        found.append((at, at + size - 1, state))
        at += size
    return found


def _verdicts(axes: Axes, verdicts: pl.DataFrame | None, days: Sequence[date]) -> list[Line2D]:
    """A mark per verdict above the bands, and its key."""
    if verdicts is None or verdicts.is_empty():
        return []
    shown = verdicts.filter(pl.col("decided_for").is_between(days[0], days[-1]))
    keys = []
    for decision, (mark, tint) in MARKS.items():
        at = shown.filter(decision=decision)["decided_for"].unique().sort()
        if at.len():
            axes.scatter(at.to_list(), np.full(at.len(), 1.7), marker=mark, s=34, color=tint, zorder=3)
            keys.append(Line2D([], [], marker=mark, ls="", color=tint, label=decision))
    return keys


def _evidence(axes: Axes, timeline: pl.DataFrame) -> None:
    """Evidence on each evening against the threshold at which the champion steps back, or returns."""
    axes.set_ylabel("evidence", fontsize=8)
    watched = timeline.filter(pl.col("evidence").is_not_null())
    if watched.is_empty():
        axes.set_yticks([])
        axes.text(0.5, 0.5, "no champion is watched: the baseline serves", transform=axes.transAxes, ha="center",
                  va="center", fontsize=8.5, color=PALETTE[4])  # fmt: skip
        return
    days = timeline["session"].to_numpy()
    for state, tint, words in (("serves", PALETTE[0], "of decline"), ("suspended", SUSPENDED, "of recovery")):
        mine = timeline["state"].to_numpy() == state
        if mine.any():
            value = np.maximum(timeline["evidence"].fill_null(np.nan).to_numpy(), FLOOR)
            axes.plot(days, np.where(mine, value, np.nan), color=tint, lw=1.4, label=f"evidence {words}")
    limit = timeline["threshold"].fill_null(np.nan).to_numpy()
    axes.plot(days, limit, color=INK, lw=0.9, ls="--", label="turns here")
    axes.set_yscale("log")
    axes.legend(fontsize=7, frameon=False, loc="lower left", bbox_to_anchor=(0, 0.99), ncols=3, borderpad=0)
