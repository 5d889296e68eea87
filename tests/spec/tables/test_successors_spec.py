"""Codes that end and begin: which pairs are hinted at, and which are not."""

from __future__ import annotations

from datetime import date

import polars as pl
import pytest

from gogoku_pipeline.schema.listed_issues import SNAPSHOT
from gogoku_pipeline.tables.master import build_security_master
from gogoku_pipeline.tables.successors import POSSIBLE_SUCCESSORS, possible_successors

TUESDAY, WEDNESDAY, THURSDAY, FRIDAY = (date(2024, 5, day) for day in (7, 8, 9, 10))


def listing(session, *issues):
    """Snapshot rows from (code, name, sector33)."""
    rows = [
        {column.name: "x" for column in SNAPSHOT.columns if column.dtype == pl.String}
        | {"session": session, "code": code, "name": name, "sector33_code": sector, "available_at": None}
        for code, name, sector in issues
    ]
    frame = pl.DataFrame(rows, schema=SNAPSHOT.polars_schema)
    return frame.with_columns(
        pl.lit(session).dt.combine(pl.time(8)).dt.replace_time_zone("Asia/Tokyo").alias("available_at")
    ).cast(SNAPSHOT.polars_schema)


def hinted(before, after, gap=False):
    steady = ("99990", "Steady", "9050")
    days = [listing(TUESDAY, steady, *before)]
    days += [listing(WEDNESDAY, steady)] if gap else []
    days += [listing(THURSDAY if gap else WEDNESDAY, steady, *after)]
    found = possible_successors(build_security_master(pl.concat(days)))
    assert found.schema == POSSIBLE_SUCCESSORS.polars_schema
    return found.select("ended_code", "began_code", "has_same_name").rows()


@pytest.mark.parametrize(
    ("before", "after", "pairs"),
    [
        ([("10000", "A", "3700")], [("10010", "A", "3700")], [("10000", "10010", True)]),
        ([("10000", "A", "3700")], [("10010", "A Holdings", "3700")], [("10000", "10010", False)]),
        ([("10000", "A", "3700")], [("10010", "A", "3650")], []),
        ([("10000", "A", "3700")], [("10010", "B", "3700"), ("10020", "C", "3700")], []),
        ([("10000", "A", "3700")], [("10010", "A", "3700"), ("10020", "C", "3700")], [("10000", "10010", True)]),
        ([("10000", "Fund A", "9999")], [("10010", "Fund B", "9999")], []),
        ([("10000", "A", "3700")], [("10000", "A", "3650")], []),
    ],
    ids=["same name", "alone", "other sector", "two candidates", "name decides", "funds", "no change of code"],
)
def test_a_pair_needs_the_next_session_the_sector_and_a_name_or_no_rival(before, after, pairs):
    assert hinted(before, after) == pairs


def test_a_pause_between_the_codes_is_not_bridged():
    assert hinted([("10000", "A", "3700")], [("10010", "A", "3700")], gap=True) == []


def test_a_hint_is_known_from_the_first_listing_of_the_new_code():
    old, new = listing(TUESDAY, ("10000", "A", "3700")), listing(WEDNESDAY, ("10010", "A", "3700"))
    (hint,) = possible_successors(build_security_master(pl.concat([old, new]))).iter_rows(named=True)
    assert (hint["last_session"], hint["first_session"]) == (TUESDAY, WEDNESDAY)
    assert hint["available_at"].date() == WEDNESDAY
