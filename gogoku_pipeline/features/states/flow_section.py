"""Who bought and who sold in the stock's own market section, as known: the newest week, joined to each listed issue.

Belongs here: from a listing's market code to the publisher's section. Does not belong here: which version of a week
is in force (`flow_weeks`).

A section of its own begins with its first published week: from 2022-04-04 to the first week of the new sections
(published 2022-04-14) nothing is known about them, and nothing is borrowed from the old ones.
Source: features.md 3.9.
"""

from __future__ import annotations

import numpy as np
import polars as pl

from gogoku_pipeline.features.expressions import Values
from gogoku_pipeline.features.states.flow_weeks import readings
from gogoku_pipeline.features.states.state import Known, State

SECTION_OF_MARKET = {
    "0101": "TSE1st",
    "0102": "TSE2nd",
    "0104": "TSEMothers",
    "0106": "TSEJASDAQ",
    "0107": "TSEJASDAQ",
    "0111": "TSEPrime",
    "0112": "TSEStandard",
    "0113": "TSEGrowth",
}
"""Market code of a listing to the section under which the publisher counts it; others have none."""


def stage(known: Known) -> pl.DataFrame:
    """The own section's newest week of each listed issue, [session, code, columns of STATE]."""
    sections = tuple(dict.fromkeys(SECTION_OF_MARKET.values()))
    weeks = readings(known, sections, ("foreigners_balance_kjpy", "total_total_kjpy"), _read)
    section = pl.col("market_code").replace_strict(SECTION_OF_MARKET, default=None, return_dtype=pl.String)
    listed = known.universe.select("session", "code", section.alias("section"))
    return listed.join(weeks, on=["session", "section"], how="inner").drop("section", "age_sessions")


def _read(weeks: Values) -> dict[str, float]:
    newest = weeks[-1] if len(weeks) else np.full(2, np.nan)
    return {"frgn_net_kjpy": float(newest[0]), "total_kjpy": float(newest[1])}


STATE = State(
    alias="flow_section",
    axis="stock",
    tables=("investor_types",),
    columns={
        "frgn_net_kjpy": "Bought minus sold by foreigners in the newest week of the stock's section, thousand yen.",
        "total_kjpy": "Bought and sold by everybody in the newest week of the stock's section, thousand yen.",
    },
    stage=stage,
    history_sessions=None,
)
