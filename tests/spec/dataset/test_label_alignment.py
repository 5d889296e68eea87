"""Labels on tiny markets: values in, values out. These tables are the manual of `dataset/labels`."""

from datetime import date, datetime

import polars as pl
import pytest
from scipy.stats import norm

from gogoku_pipeline.core.clocks import JST
from gogoku_pipeline.core.errors import DatasetError
from gogoku_pipeline.core.sessions import tse_calendar
from gogoku_pipeline.dataset.checks import check_labels
from gogoku_pipeline.dataset.labels import LABELS, build_labels

CALENDAR = tse_calendar(date(2020, 1, 1), date(2020, 12, 30))
DAYS = CALENDAR.between(date(2020, 9, 1), date(2020, 10, 30))


def prices(table):
    """{code: [open per session or None; "-" = not listed]} -> stage_prices columns the labels read (close = open)."""
    rows = [
        {"session": DAYS[row], "code": code, "open": value, "close": value, "is_gap": False}
        for code, values in table.items()
        for row, value in enumerate(values)
        if value != "-"
    ]
    schema = {"session": pl.Date, "code": pl.String, "open": pl.Float64, "close": pl.Float64, "is_gap": pl.Boolean}
    return pl.DataFrame(rows, schema=schema)


def labels(table, *, horizons=(2,), betas=None, sectors=None, topix=None, untradable=()):
    frame = prices(table)
    universe = frame.select(
        "session",
        "code",
        pl.col("code").replace_strict(sectors or {}, default="0050").alias("sector33_code"),
        pl.lit(True).alias("is_in_universe"),
        (~pl.col("code").is_in(list(untradable))).alias("is_tradable"),
    )
    index = topix or [1000.0] * len(DAYS)
    market = pl.DataFrame(
        {"session": DAYS[: len(index)], "open_points": index, "close_points": index, "is_market_halt": False},
        schema_overrides={"open_points": pl.Float64, "close_points": pl.Float64},
    )
    beta = frame.select("session", "code", pl.col("code").replace_strict(betas or {}, default=1.0).alias("beta_60d"))
    return build_labels(frame, universe, market, beta, CALENDAR, horizons)


def row(frame, code, day, horizon=2):
    return frame.row(
        by_predicate=(pl.col("code") == code) & (pl.col("session") == DAYS[day]) & (pl.col("horizon_d") == horizon),
        named=True,
    )


def test_a_decision_enters_at_the_next_open_and_leaves_h_opens_later():
    found = row(labels({"10010": [100, 110, 120, 132, 140]}), "10010", 0)
    assert found["ret_open"] == pytest.approx(132 / 110 - 1)
    assert (found["entry_session"], found["exit_session"]) == (DAYS[1], DAYS[3])
    assert found["ret_close"] == pytest.approx(120 / 100 - 1)
    assert found["reason"] is None
    assert found["available_at"] == datetime(DAYS[3].year, DAYS[3].month, DAYS[3].day, 16, 30, tzinfo=JST)


def test_a_split_changes_nothing_because_prices_are_on_one_basis():
    # 200, 220 raw before a 1:2 split, 120, 132 after it; the forward factor brings 120 -> 240 and 132 -> 264.
    found = row(labels({"10010": [200, 220, 240, 264, 270]}), "10010", 0)
    assert found["ret_open"] == pytest.approx(264 / 220 - 1)


@pytest.mark.parametrize("why", ["halt", "locked at the limit without a trade"])
def test_no_open_at_entry_is_no_entry(why):
    found = row(labels({"10010": [100, None, 120, 132, 140, 150]}), "10010", 0)
    assert found["ret_open"] is None and found["reason"] == "no_entry", why
    assert found["available_at"].date() == DAYS[1]


def test_no_open_at_exit_waits_for_the_next_open_within_five_sessions():
    found = row(labels({"10010": [100, 110, 120, None, None, 165, 170]}), "10010", 0)
    assert found["ret_open"] == pytest.approx(165 / 110 - 1)
    assert (found["reason"], found["exit_session"]) == ("late_exit", DAYS[5])
    assert found["available_at"].date() == DAYS[5]


def test_the_fifth_late_session_counts_and_the_sixth_does_not():
    fifth = row(labels({"10010": [100, 110, 120, *[None] * 5, 165, 170, 171]}), "10010", 0)
    sixth = row(labels({"10010": [100, 110, 120, *[None] * 6, 165, 170, 171]}), "10010", 0)
    assert (fifth["reason"], fifth["exit_session"]) == ("late_exit", DAYS[8])
    assert (sixth["reason"], sixth["ret_open"]) == ("no_exit", None)


def test_a_delisted_stock_leaves_at_its_last_traded_price_known_one_session_later():
    market = {"10010": [100, 110, 55, "-", "-", "-"], "10020": [50, 50, 50, 50, 50, 50]}
    found = row(labels(market), "10010", 0)
    assert found["ret_open"] == pytest.approx(55 / 110 - 1)
    assert (found["reason"], found["exit_session"]) == ("delisted", DAYS[2])
    assert found["available_at"].date() == DAYS[3]


def test_a_stock_halted_until_its_delisting_ends_at_its_last_print():
    market = {"10010": [100, 110, 30, None, None, "-", "-", "-"], "10020": [50.0] * 8}
    found = row(labels(market), "10010", 0)
    assert (found["reason"], found["exit_session"]) == ("delisted", DAYS[2])
    assert found["ret_open"] == pytest.approx(30 / 110 - 1)
    assert found["available_at"].date() == DAYS[5]


def test_an_exit_beyond_the_data_is_not_yet():
    found = labels({"10010": [100, 110, 120, 130]})
    assert row(found, "10010", 0)["reason"] is None
    for day in (1, 2, 3):
        late = row(found, "10010", day)
        assert (late["ret_open"], late["reason"], late["available_at"]) == (None, "not_yet", None)
        assert late["exit_session"] == DAYS[day + 3]


def test_a_missing_exit_is_not_yet_while_an_open_may_still_come():
    found = row(labels({"10010": [100, 110, 120, None, None]}), "10010", 0)
    assert (found["reason"], found["ret_open"]) == ("not_yet", None)


def test_the_session_without_trades_occupies_a_place():
    outage = DAYS.index(date(2020, 10, 1))
    opens = [float(100 + day) for day in range(outage + 6)]
    opens[outage] = None
    found = labels({"10010": opens}, horizons=(1, 2))
    assert row(found, "10010", outage - 1, 1)["reason"] == "no_entry"
    late = row(found, "10010", outage - 2, 1)
    assert (late["reason"], late["exit_session"]) == ("late_exit", date(2020, 10, 2))


def test_excess_is_the_return_minus_the_mean_of_the_tradable_universe():
    market = {"10010": [1, 100, 100, 110], "10020": [1, 100, 100, 120], "10030": [1, 100, 100, 190]}
    found = labels(market, untradable=("10030",))
    assert row(found, "10010", 0)["excess_open"] == pytest.approx(0.10 - 0.15)
    assert row(found, "10030", 0)["excess_open"] == pytest.approx(0.90 - 0.15)
    assert row(found, "10030", 0)["gauss_open"] is None


def test_residual_takes_away_the_other_members_of_the_sector_then_beta_times_topix():
    market = {
        "10010": [1, 100, 100, 110],
        "10020": [1, 100, 100, 120],
        "10030": [1, 100, 100, 140],
        "10040": [1, 9, 9, 9],
    }
    found = labels(
        market,
        sectors={"10040": "3050"},
        betas={"10010": 0.5},
        topix=[1000.0, 1000.0, 1000.0, 1020.0],
    )
    assert row(found, "10010", 0)["residual_open"] == pytest.approx(0.10 - (0.20 + 0.40) / 2 - 0.5 * 0.02)
    assert row(found, "10040", 0)["residual_open"] is None, "alone in its sector"


def test_gauss_is_the_normal_score_of_the_average_tie_rank():
    market = {code: [1, 100, 100, 100 + gain] for code, gain in zip("ABCD", (1, 2, 2, 9), strict=True)}
    found = labels(market)
    shares = [0.5 / 4, 2.0 / 4, 2.0 / 4, 3.5 / 4]
    assert [row(found, code, 0)["gauss_open"] for code in "ABCD"] == pytest.approx(norm.ppf(shares).tolist())


def test_a_large_move_is_kept():
    assert row(labels({"10010": [1, 100, 180, 440]}), "10010", 0)["ret_open"] == pytest.approx(3.4)


def test_more_data_turns_not_yet_into_a_label_and_changes_nothing_else():
    opens = {
        "10010": [100, 110, 120, None, 130, 150, 160],
        "10020": [50, 51, 52, 53, "-", "-", "-"],
        "10030": [9.0] * 7,
    }
    late = labels(opens)
    for cut in range(3, 7):
        early = labels({code: values[:cut] for code, values in opens.items()})
        decided = early.filter(~pl.col("reason").eq_missing(pl.lit("not_yet")))
        keys = ["session", "code", "horizon_d"]
        same = late.join(decided.select(keys), on=keys, how="semi", maintain_order="left")
        columns = ["ret_open", "reason", "exit_session", "available_at"]
        assert same.select(keys + columns).equals(decided.select(keys + columns))


def test_the_frame_is_the_declared_table_and_passes_its_checks():
    market = {"10010": [100.0 + day for day in range(12)], "10020": [100.0 - day for day in range(12)]}
    found = labels(market, horizons=(1, 5))
    assert found.schema == LABELS.polars_schema
    assert found.equals(found.sort("session", "code", "horizon_d"))
    assert {check.name: check.passed for check in check_labels(found, CALENDAR)} == dict.fromkeys(
        (
            "values_are_returns",
            "ranks_are_standard",
            "sessions_follow_the_calendar",
            "null_exactly_with_reason",
            "reasons_are_rare",
            "known_after_exit",
        ),
        True,
    )


@pytest.mark.parametrize(
    ("name", "damage"),
    [
        ("values_are_returns", pl.lit(float("inf")).alias("ret_open")),
        ("ranks_are_standard", pl.lit(1.0).alias("gauss_open")),
        ("sessions_follow_the_calendar", pl.col("session").alias("entry_session")),
        ("null_exactly_with_reason", pl.lit(None, dtype=pl.Float64).alias("ret_open")),
        ("reasons_are_rare", pl.lit("no_entry").alias("reason")),
        ("known_after_exit", (pl.col("available_at") - pl.duration(days=3)).alias("available_at")),
    ],
)
def test_each_check_goes_red_on_the_damage_it_is_for(name, damage):
    market = {"10010": [100.0 + day for day in range(12)], "10020": [100.0 - day for day in range(12)]}
    found = labels(market).with_columns(damage)
    assert not {check.name: check.passed for check in check_labels(found, CALENDAR)}[name]


def test_impossible_requests_are_refused():
    with pytest.raises(DatasetError, match="horizons"):
        labels({"10010": [1.0, 2.0]}, horizons=(0,))
