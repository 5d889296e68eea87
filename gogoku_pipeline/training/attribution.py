"""Why this stock: what each feature added to the score of a stock on one session.

A score only orders the stocks of a day, so contributions are told in standard deviations of the day's scores, and a
stock's place is its distance from the day's mean in the same unit:
    place = baseline + sum of the contributions of its features (+ those of its companions) + missed
| family | how | compared with (its place is the baseline) |
|---|---|---|
| LightGBM | TreeSHAP, exact | the day's average stock: contributions minus their mean over the day; baseline 0 |
| networks | integrated gradients over the look-back | a stock whose every input is at the day's mean |
| blends | the parts', by their weights | what the parts are compared with |
Seeds are averaged. What a network attended to (sessions, companions, selected features) is told beside it: attention
says where a network looked, not what it concluded (Jain & Wallace 2019). Sources: `models.boosted`,
`integrated_gradients`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date

import numpy as np
import polars as pl
import torch

from gogoku_pipeline.core.errors import DatasetError
from gogoku_pipeline.dataset.batches import DayWindow, TrainingData
from gogoku_pipeline.models.atft_gat_fan import AtftGatFan
from gogoku_pipeline.models.network import DayInputs, Network
from gogoku_pipeline.store.artefacts import Artefact
from gogoku_pipeline.training.device import repeatable
from gogoku_pipeline.training.integrated_gradients import Floats, PathGradients, path_gradients
from gogoku_pipeline.training.predict import fits_of
from gogoku_pipeline.training.recipe_blend import FittedBlend
from gogoku_pipeline.training.recipe_boosted import FittedBoosted
from gogoku_pipeline.training.recipe_network import FittedNetwork
from gogoku_pipeline.training.recipes import Fitted
from gogoku_pipeline.training.selection import served_data

FEATURE, COMPANION, SESSION, SELECTION, BASELINE, MISSED = (
    "feature",
    "companion",
    "session",
    "selection",
    "baseline",
    "missed",
)
PARTS = (FEATURE, COMPANION, SESSION, SELECTION, BASELINE, MISSED)
"""What a row of an explanation is about. Sessions tell the features' contributions again, by when they were read."""

ATTRIBUTION = pl.Schema(
    {
        "code": pl.String,
        "part": pl.String,
        "name": pl.String,
        "contribution": pl.Float64,
        "attention": pl.Float64,
    }
)


@dataclass(frozen=True)
class _Asked:
    """One session and the stocks that are asked about, as rows of its cross-section."""

    data: TrainingData
    session: date
    codes: tuple[str, ...]
    rows: tuple[int, ...]


def attributed(kept: Artefact, data: TrainingData, session: date, codes: Sequence[str]) -> pl.DataFrame:
    """What carried the scores of some stocks, mean over the version's seeds.

    Args:
        kept: the version.
        data: panel with the session and the look-back before it.
        session: the decision.
        codes: stocks of its cross-section.

    Returns:
        `ATTRIBUTION` rows, sorted by code, part and name: contribution of each feature, companion and session, of the
        baseline and of what was missed; attention in (0, 1] where the family attends, null elsewhere.

    Raises:
        DatasetError: a stock that is not scored on the session, a family without contributions, scores that do not
            tell stocks apart, or a panel of other features.
    """
    asked = _asked(data, session, codes)
    found = pl.concat([_of(fitted, asked) for _, fitted in fits_of(kept)])
    return _mean(found, len(kept.manifest["seeds"]))


def _of(fitted: Fitted, asked: _Asked) -> pl.DataFrame:
    """Rows of one fit."""
    if isinstance(fitted, FittedBoosted):
        return _of_trees(fitted, asked)
    if isinstance(fitted, FittedNetwork):
        return _of_network(fitted, asked)
    if isinstance(fitted, FittedBlend):
        parts = [
            _of(part, asked).with_columns(pl.col("contribution") * weight, pl.col("attention") * weight)
            for (_, part), weight in zip(fitted.parts, fitted.weights, strict=True)
        ]
        return _mean(pl.concat(parts), 1)
    raise DatasetError(
        f"why a score of {asked.session}",
        got="a naive rule, which has no contributions",
        want="LightGBM, a network, or a blend of them",
        remedy="Read the rule itself in models/naive.py.",
    )


def _of_trees(fitted: FittedBoosted, asked: _Asked) -> pl.DataFrame:
    fitted.identity.check(asked.data.panel)
    read = served_data(asked.data, fitted.identity.settings)
    table = read.table([asked.session])
    told = fitted.boosted.contributions(table.values, threads=fitted.threads)  # [n, F + 1]
    spread = _spread(told.sum(axis=1), asked)
    own = (told[:, :-1] - told[:, :-1].mean(axis=0))[list(asked.rows)] / spread
    nothing = np.zeros(len(asked.codes))
    return pl.concat([_matrix(asked.codes, FEATURE, read.names, own), _ends(asked.codes, nothing, nothing)])


def _of_network(fitted: FittedNetwork, asked: _Asked) -> pl.DataFrame:
    network, source = fitted.opened(asked.data, [asked.session])
    asked = replace(asked, data=source.data)
    window = asked.data.day(asked.session, source.look_back)
    with repeatable(0, fitted.threads):
        inputs = source.inputs([window])
        found = path_gradients(network, inputs, asked.rows, source.judged)
        attention = _attention(network, inputs, window, asked)
    spread = _spread(found.day, asked)
    parts = [_contributions(found, window, asked, spread)]
    together = pl.concat(parts).join(attention, on=["code", "part", "name"], how="full", coalesce=True)
    ends = _ends(asked.codes, (found.average - found.day.mean()) / spread, found.missed / spread)
    return pl.concat([together.select(ATTRIBUTION.names()), ends])


def _contributions(found: PathGradients, window: DayWindow, asked: _Asked, spread: float) -> pl.DataFrame:
    """[code, part, name, contribution] of features, sessions and companions."""
    days, others = _names(asked, window, found.own.shape[1])
    parts = [
        _matrix(asked.codes, FEATURE, asked.data.names, found.own.sum(axis=1) / spread),
        _matrix(asked.codes, SESSION, days, found.own.sum(axis=2) / spread),
        _matrix(asked.codes, COMPANION, others, found.others / spread).filter(pl.col("contribution") != 0.0),
    ]
    return pl.concat(parts).drop("attention")


def _attention(network: Network, inputs: DayInputs, window: DayWindow, asked: _Asked) -> pl.DataFrame:
    """[code, part, name, attention]: where a network looked; no rows for one that does not say."""
    if not isinstance(network, AtftGatFan):
        return pl.DataFrame(schema={name: ATTRIBUTION[name] for name in ("code", "part", "name", "attention")})
    network.eval()
    with torch.no_grad():
        told = {name: value.cpu() for name, value in network.explain(inputs).items()}
    rows, (days, others) = list(asked.rows), _names(asked, window, network.look_back)
    parts = [_matrix(asked.codes, SESSION, days, told["sessions"][rows].double().numpy())]
    if "variables" in told:
        names = [held[0] if len(held) == 1 else held[0].split("_")[0] for held in network.variables]
        parts.append(_matrix(asked.codes, SELECTION, names, told["variables"][rows].double().numpy()))
    if "companions" in told:
        heard = np.zeros((len(rows), len(others)))
        for slot, row in enumerate(rows):
            into = (told["pairs"][1] == row) & (told["pairs"][0] != row)
            heard[slot, told["pairs"][0][into].numpy()] = told["companions"][into].double().numpy()
        parts.append(_matrix(asked.codes, COMPANION, others, heard).filter(pl.col("contribution") > 0.0))
    return pl.concat(parts).select("code", "part", "name", pl.col("contribution").alias("attention"))


def _names(asked: _Asked, window: DayWindow, look_back: int) -> tuple[list[str], list[str]]:
    """Sessions of the look-back as ISO dates, and codes of the day's stocks."""
    panel = asked.data.panel
    stop = panel.index(asked.session) + 1
    days = [day.isoformat() for day in panel.sessions[stop - look_back : stop]]
    return days, [panel.codes[place] for place in window.stocks]


def _asked(data: TrainingData, session: date, codes: Sequence[str]) -> _Asked:
    """The stocks' rows; raises DatasetError for one that is not scored."""
    places = {data.panel.codes[place]: row for row, place in enumerate(data.members(session))}
    if missing := [code for code in codes if code not in places]:
        raise DatasetError(
            f"why a score of {session}",
            got=f"{missing}, which {'is' if len(missing) == 1 else 'are'} not scored on that session",
            want=f"some of the {len(places)} stocks that could be traded",
            remedy="Choose another stock or another session.",
        )
    return _Asked(data, session, tuple(codes), tuple(places[code] for code in codes))


def _spread(scores: Floats, asked: _Asked) -> float:
    """Standard deviation of a day's scores; raises DatasetError where there is none."""
    spread = float(scores.std())
    if not (np.isfinite(spread) and spread > 0.0):
        raise DatasetError(
            f"why a score of {asked.session}",
            got="scores that are all alike",
            want="scores that tell stocks apart",
            remedy="Look at the model: gogoku evaluate.",
        )
    return spread


def _matrix(codes: Sequence[str], part: str, names: Sequence[str], values: Floats) -> pl.DataFrame:
    """A matrix [codes, names] as ATTRIBUTION rows without attention."""
    return pl.DataFrame(
        {
            "code": np.repeat(np.asarray(codes, dtype=object), len(names)),
            "part": [part] * values.size,
            "name": list(names) * len(codes),
            "contribution": values.reshape(-1),
            "attention": [None] * values.size,
        },
        schema=ATTRIBUTION,
    )


def _ends(codes: Sequence[str], baseline: Floats, missed: Floats) -> pl.DataFrame:
    """Baseline and what was missed."""
    parts = [(BASELINE, baseline), (MISSED, missed)]
    return pl.concat([_matrix(codes, part, [part], np.asarray(values)[:, None]) for part, values in parts])


def _mean(found: pl.DataFrame, count: int) -> pl.DataFrame:
    """Mean over `count` fits, those that do not have a row counting as 0; a figure nobody told stays null."""
    figures = [
        pl.when(pl.col(name).count() > 0).then(pl.col(name).sum() / count).alias(name)
        for name in ("contribution", "attention")
    ]
    order = {part: place for place, part in enumerate(PARTS)}
    return (
        found.group_by("code", "part", "name", maintain_order=True)
        .agg(figures)
        .sort("code", pl.col("part").replace_strict(order), "name")
    )
