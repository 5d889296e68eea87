"""The arithmetic of the study on planted graphs: pooling, shares, pairs, and labels dealt anew."""

from datetime import date, timedelta

import numpy as np
import polars as pl
import pytest

from gogoku_pipeline.core.errors import EvaluationError
from tests.flow.planted_graph import COLUMNS, HORIZON_D, SHUFFLED, lines, shuffled, summary
from tests.flow.planted_graph_table import Found, comparison, found, share

RANDOM = np.random.default_rng(5)
DAYS = 80


def rows_of(means, arms=("on", "off")):
    """One line per model and market: days around the model's mean, the same noise for all models of a market."""
    made = []
    for arm in arms:
        for seed in (1, 2, 3):
            noise = 0.05 * RANDOM.normal(size=DAYS)
            for model, mean in means.items():
                told = {"seed": seed, "arm": arm, "model": model, "daily": (noise + mean).tolist(), "cpu_s": 1.0}
                made.append(told | {"closest": "ret_5d", "likeness": 0.1, "groups": {"returns": 3}})
    return made


MEANS = {"oracle": 0.3, "lightgbm": 0.2, "atft_without_graph": 0.2, "atft_gat_fan": 0.25}


def test_every_market_counts_by_its_days_when_pooled_and_once_over_markets():
    few, many = np.full(20, 0.1), np.full(60, 0.3)
    both = Found({1: few, 2: many}, HORIZON_D)
    assert both.pooled.mean == pytest.approx(0.25) and both.pooled.n == 80
    low, high = both.over_markets
    assert (low + high) / 2 == pytest.approx(0.2)
    assert high - low == pytest.approx(2 * 12.706 * 0.1, rel=1e-3), "t of one degree of freedom over two means"
    assert np.isnan(Found({1: few}, HORIZON_D).over_markets).all()


def test_a_share_is_taken_over_days_that_both_have():
    part, whole = np.array([0.1, np.nan, 0.3]), np.array([0.2, 9.0, 0.6])
    assert share(Found({1: part}, 1), Found({1: whole}, 1)) == pytest.approx(0.5)


def test_noise_that_two_models_share_leaves_their_difference():
    rows = rows_of(MEANS)
    paired = found(rows, "on", "atft_gat_fan", HORIZON_D).less(found(rows, "on", "lightgbm", HORIZON_D))
    assert list(paired.by_seed) == [1, 2, 3] and paired.pooled.n == 3 * DAYS
    assert paired.pooled.low == pytest.approx(0.05) == paired.pooled.high
    assert "+0.0500 [+0.0500, +0.0500] 240 d" in comparison(rows, "on", "atft_gat_fan", "lightgbm", HORIZON_D)[0]


def test_other_days_are_never_paired():
    short = Found({1: np.zeros(DAYS - 1)}, HORIZON_D)
    with pytest.raises(EvaluationError):
        Found({1: np.zeros(DAYS)}, HORIZON_D).less(short)


def test_the_table_names_what_each_model_saw_and_gives_no_share_to_shuffled_labels():
    rows = rows_of(MEANS | {f"shuffled_{SHUFFLED[0]}": 0.0})
    told = "\n".join(summary(rows, ("on", "off")))
    assert "columns by group: returns 3" in told and "all columns and the edges" in told and "the truth" in told
    line = next(text for text in told.splitlines() if "shuffled" in text)
    assert "oracle" not in line
    assert "ret_5d +0.100 (seed 1)" in told


def test_shuffled_labels_are_the_days_own_dealt_to_others():
    days = [date(2024, 1, 4) + timedelta(days=place) for place in range(30)]
    codes = [f"{1000 + place}0" for place in range(40)]
    frame = pl.DataFrame({"session": days}).join(pl.DataFrame({"code": codes}), how="cross")
    value = pl.Series("ret_open", RANDOM.normal(size=frame.height)).scatter(list(range(0, frame.height, 7)), None)
    frame = frame.with_columns(value, (2 * value).alias("gauss_open"), horizon_d=pl.lit(5, pl.Int16))
    dealt = shuffled(frame, 3)
    key = ["session", "code", "horizon_d"]
    assert dealt.select(key).equals(frame.sort(key).select(key)) and dealt.equals(shuffled(frame, 3))
    both = frame.join(dealt, on=key, suffix="_new")
    assert (both["ret_open"].is_null() == both["ret_open_new"].is_null()).all(), "who had none still has none"
    assert dealt.filter(pl.col("gauss_open") != 2 * pl.col("ret_open")).is_empty(), "labels of a stock stay together"
    for part in both.partition_by("session"):
        assert part["ret_open"].sort().equals(part["ret_open_new"].sort(), null_equal=True)
    known = both.drop_nulls("ret_open")
    assert abs(np.corrcoef(known["ret_open"], known["ret_open_new"])[0, 1]) < 0.1


def test_nothing_is_read_where_no_file_is_and_no_column_twice(tmp_path):
    assert lines(tmp_path / "none.jsonl") == []
    assert len(set(COLUMNS)) == len(COLUMNS)
