"""What people know besides prices and volumes: results, flows, the option skew, and when balances are published."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

import numpy as np
import numpy.typing as npt

from gogoku_pipeline.simulator.crowding import balance_places
from gogoku_pipeline.simulator.flows import Flows, make_flows
from gogoku_pipeline.simulator.listings import Listings
from gogoku_pipeline.simulator.reports import Reports, make_reports
from gogoku_pipeline.simulator.volatility import draw_skew, known_skew


@dataclass(frozen=True)
class Background:
    """State that is drawn before the market trades, because no price has a say in it.

    Attributes:
        reports: disclosures of results and revisions.
        flows: weekly net buying of foreigners.
        skew: skew of the index options at each session, float32 [sessions].
        skew_known: skew as published by each evening, float32 [sessions].
        balances: place of the newest published margin balances at each evening, -1 for none, shape [sessions].
    """

    reports: Reports
    flows: Flows
    skew: npt.NDArray[np.float32]
    skew_known: npt.NDArray[np.float32]
    balances: npt.NDArray[np.int32]


def make_background(seed: int, sessions: list[date], listings: Listings) -> Background:
    """Draw everything that happens whatever prices do."""
    skew = draw_skew(seed, len(sessions))
    return Background(
        reports=make_reports(seed, sessions, listings),
        flows=make_flows(seed, sessions),
        skew=skew,
        skew_known=known_skew(skew),
        balances=balance_places(sessions),
    )
