"""What chance does as often as not is not called a leak: few stocks that agree, few days that stand out."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest

from gogoku_pipeline.audit.leak_audit import CHECKS, run_audit
from gogoku_pipeline.audit.shuffled import LIMIT, limit
from gogoku_pipeline.features.engine import compute
from tests.laws.audit.in_features import on_road

ONE = [check for check in CHECKS if check.name == "features_against_labels"]


def known_of(stocks):
    """The road of a panel in which a feature is the return that is to be predicted, for some stocks alone."""

    def spoil(case):
        codes = case.market.bars["code"].unique().sort()[:stocks]
        outcome = case.market.labels.filter((pl.col("horizon_d") == 5) & pl.col("code").is_in(codes.implode()))

        def joined(names, inputs, *, start, end, registry=None):
            frame = compute(names, inputs, start=start, end=end, registry=registry)
            wrong = outcome.select("session", "code", vol_20d=pl.col("ret_open").cast(pl.Float32))
            return frame.drop("vol_20d").join(wrong, on=["session", "code"], how="left").select(frame.columns)

        return on_road(compute=joined)(case)

    return spoil


@pytest.mark.parametrize(("stocks", "failed"), [(8, ()), (40, ("features_against_labels",))])
def test_a_feature_is_asked_only_where_agreement_of_its_stocks_says_something(case, stocks, failed):
    assert run_audit(known_of(stocks)(case), ("label_alignment",), ONE).failed == failed


def test_few_days_must_stand_out_further_and_many_as_far_as_the_limit_says():
    limits = [limit(days) for days in (2, 10, 21, 60, 250, 100_000)]
    assert limits == sorted(limits, reverse=True)
    assert limits[2] > 2.1 > LIMIT
    assert limits[-1] == pytest.approx(LIMIT, abs=1e-3)
    assert np.isfinite(limits).all()
