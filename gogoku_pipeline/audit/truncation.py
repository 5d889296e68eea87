"""Part 1, truncation: what is made at t is the same bit for bit whether or not later rows exist, stage by stage."""

from __future__ import annotations

from datetime import date

import numpy as np
import polars as pl

from gogoku_pipeline.audit.case import Answer, Case
from gogoku_pipeline.dataset.panel_map import Panel, unpack
from gogoku_pipeline.features.laws import KEY, Violation, compare
from gogoku_pipeline.graph import laws as graph_laws

MASKS = ("in_universe", "is_tradable")


def truncation_of_prices(case: Case) -> Answer:
    """Staged prices and the universe up to the session are the ones that could be made at its cutoff."""
    found: list[Violation] = []
    compared = 0
    for moment in case.moments:
        for name, then, now in (
            ("prices", moment.then.prices.filter(~pl.col("is_gap")), moment.now.prices.filter(~pl.col("is_gap"))),
            ("universe", moment.then.universe, moment.now.universe),
        ):
            past = now.filter(pl.col("session") <= moment.session).sort(KEY)
            compared += past.height
            found += same_rows("truncation_of_prices", name, moment.session, then.sort(KEY), past)
    return found, compared


def truncation_of_features(case: Case) -> Answer:
    """Features up to the session are equal to the bit on both sides."""
    found: list[Violation] = []
    compared = 0
    for moment, then, now in case.pairs:
        today, early = (walk.features.filter(pl.col("session") <= moment.session) for walk in (now, then))
        found += compare("truncation_of_features", case.road.names, today, early)
        compared += known_cells(early, case.road.names)
    return found, compared


def truncation_of_scaler(case: Case) -> Answer:
    """Normalised features up to the session are equal to the bit: the ruler was not made from later sessions."""
    found: list[Violation] = []
    compared = 0
    for moment, then, now in case.pairs:
        today, early = (walk.normalised.frame.filter(pl.col("session") <= moment.session) for walk in (now, then))
        found += compare("truncation_of_scaler", case.road.names, today, early)
        compared += known_cells(early, case.road.names)
        for walk in (then, now):
            fitted = walk.normalised.fitted_through
            if fitted is not None and fitted >= moment.session:
                found.append(_violation("truncation_of_scaler", "fitted_through", moment.session, f"is {fitted}"))
    return found, compared


def truncation_of_graph(case: Case) -> Answer:
    """Edges and node features of the session are equal to the bit on both sides."""
    found: list[Violation] = []
    compared = 0
    for moment, then, now in case.pairs:
        if moment.session not in then.returns["session"]:
            found.append(_violation("truncation_of_graph", "returns", moment.session, "none were known at the cutoff"))
            continue
        graphs = [walk.drawn([moment.session]) for walk in (now, then)]
        found += graph_laws.compare("truncation_of_graph", *graphs)
        compared += graphs[1][0].height
    return found, compared


def truncation_of_panel(case: Case) -> Answer:
    """The memory map models read (features, graph, masks) is equal to the bit up to the newest sampled session."""
    moment, then, now = case.pairs[-1]
    found, compared = same_panels("truncation_of_panel", then.panel, now.panel, moment.session)
    if case.stored is None or not case.market.is_whole or case.market.is_revised(moment.session):
        return found, compared  # a stored panel is made of other stocks, or of rows corrected since
    made, stored = then.panel, case.stored.panel
    # a trailing ruler adds up from its first session on, so its last bits agree only where histories begin together
    apart = made.sessions[0] != stored.sessions[0]
    trailing = {one.name for one in then.catalogue.features if apart and one.role == "market"}
    more, rows = same_panels("truncation_of_panel", made, stored, moment.session, days=1)
    return [*found, *(one for one in more if one.feature not in trailing)], compared + rows


def truncation_of_scores(case: Case) -> Answer:
    """A version trained at the session gives it the same scores whether or not later rows and labels are there."""
    moment, then, now = case.pairs[-1]
    found: list[Violation] = []
    compared = 0
    for recipe in case.road.recipes:
        early, late = (walk.scores(recipe, moment.session) for walk in (then, now))
        compared += early.height
        found += same_rows("truncation_of_scores", recipe.name, moment.session, early, late)
        others = early["horizon_d"].unique().to_list()
        if others != [case.road.horizon_d]:
            words = f"scores for horizons {others}, want {case.road.horizon_d}"
            found.append(_violation("truncation_of_scores", recipe.name, moment.session, words))
    return found, compared


def cross_section(case: Case) -> Answer:
    """Who is learnt from and scored on a session is the universe that could be chosen at its cutoff."""
    found: list[Violation] = []
    compared = 0
    for moment, then, now in case.pairs:
        if moment.session not in now.sessions:
            continue
        chosen = moment.then.universe.filter((pl.col("session") == moment.session) & pl.col("is_tradable"))["code"]
        wanted = set(chosen) & set(then.features["code"])
        seen = now.members(moment.session)
        compared += len(wanted)
        for words, codes in (("was not in the universe", seen - wanted), ("is left out", wanted - seen)):
            if codes:
                said = f"{len(codes)} of {len(wanted)} stocks: {words}"
                found.append(Violation("cross_section", "universe", moment.session, min(codes), said))
    return found, compared


def same_panels(law: str, then: Panel, now: Panel, until: date, days: int | None = None) -> Answer:
    """Cells, validity bits and masks of two panels up to a session, stock by stock; `days` compares the newest only."""
    sessions = [day for day in then.sessions if day <= until and day in set(now.sessions)][-(days or 10_000) :]
    codes = [code for code in then.codes if code in now.places]
    if not sessions or not codes:
        return [], 0
    sides = [_cells(panel, sessions, codes) for panel in (then, now)]
    found: list[Violation] = []
    for name, a, b in zip((*then.names, *MASKS), sides[0], sides[1], strict=True):
        if not np.array_equal(a, b):
            day, stock = np.argwhere(a != b)[0]
            words = f"{int((a != b).sum())} of {a.size} cells differ"
            found.append(Violation(law, name, sessions[int(day)], codes[int(stock)], words))
    if then.names != now.names:
        found.append(_violation(law, "names", until, "other features"))
    return found, len(sessions) * len(codes) * len(then.names)


def same_rows(law: str, name: str, session: date, then: pl.DataFrame, now: pl.DataFrame) -> list[Violation]:
    """A violation when two frames are not the same rows, bit for bit; both sorted by key, same columns."""
    if then.equals(now, null_equal=True):
        return []
    left = then.join(now, on=then.columns, how="anti", nulls_equal=True)
    right = now.join(then, on=then.columns, how="anti", nulls_equal=True)
    first = pl.concat([left, right]).sort(KEY).head(1)
    day, code = first.select(KEY).row(0) if first.height else (session, "")
    return [Violation(law, name, day, code, f"{left.height} rows then and {right.height} rows now differ")]


def known_cells(frame: pl.DataFrame, names: tuple[str, ...]) -> int:
    """How many values a frame of features holds."""
    return sum(frame.height - frame[name].null_count() for name in names)


def _cells(panel: Panel, sessions: list[date], codes: list[str]) -> list[np.ndarray]:
    """Bits of every feature and mask on [sessions, codes]; a missing value is a number no float16 is stored as."""
    rows = np.ix_([panel.index(day) for day in sessions], [panel.places[code] for code in codes])
    known = unpack(panel.valid_bits[rows], len(panel.names))
    bits = np.where(known, panel.values[rows].view(np.int16).astype(np.int32), -(2**20))
    return [*np.moveaxis(bits, -1, 0), panel.in_universe[rows], panel.is_tradable[rows]]


def _violation(law: str, name: str, session: date, words: str) -> Violation:
    return Violation(law, name, session, "", words)
