"""The stages of the road in order, and which sessions each of them fills."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

import dagster as dg


@dataclass(frozen=True)
class Stage:
    """Assets that are filled together.

    Attributes:
        title: for people.
        selection: assets.
        sessions: partitions to fill, ascending; for assets without partitions they say nothing.
    """

    title: str
    selection: dg.AssetSelection
    sessions: tuple[date, ...]


def stages(sessions: Sequence[date]) -> list[Stage]:
    """The road over a closed history.

    Args:
        sessions: every session of the market, ascending; the last one is the evening of the demo.
    """
    every, tonight = tuple(sessions), tuple(sessions[-1:])
    groups, assets = dg.AssetSelection.groups, dg.AssetSelection.assets
    overnight = assets("raw_jquants__overnight")
    return [
        Stage("fetch over HTTP", groups("raw") - overnight, every),
        Stage("fetch what the nights brought", overnight, every[:-1]),
        Stage("point-in-time tables", groups("core"), every),
        Stage("features", groups("features"), every),
        Stage("correlation graphs", groups("graph"), every),
        Stage("labels and panel", assets("data__labels", "data__panel"), tonight),
        Stage("train LightGBM", assets("model__lightgbm"), tonight),
        Stage("train APEX-Ranker", assets("model__apex_ranker"), tonight),
        Stage("train ATFT-GAT-FAN", assets("model__atft_gat_fan"), tonight),
        Stage("walk forward and judge", assets("eval__gate"), tonight),
        Stage("write the verdict down", assets("registry__champions"), tonight),
        Stage("tonight's ranking", assets("pred__daily"), tonight),
        Stage("trade the scores on paper", assets("eval__backtest"), tonight),
        Stage("explain the ranking", assets("pred__explained"), tonight),
        Stage("report", assets("report__evening"), tonight),
    ]
