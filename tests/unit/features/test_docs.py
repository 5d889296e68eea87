"""The generated page is current, and every feature can be described."""

from __future__ import annotations

import pytest

from gogoku_pipeline.features.docs import describe, render_features
from gogoku_pipeline.features.registry import all_features, feature, registry_hash


def test_the_page_names_every_feature_and_the_hash():
    page = render_features()
    assert registry_hash() in page
    assert [member.name for member in all_features() if f"| `{member.name}` |" not in page] == []


@pytest.mark.parametrize("name", ["ret_1d", "rsi_14_score", "rel_sec33_5d", "mkt_vol_20d"])
def test_a_description_tells_formula_window_and_unit(name):
    text, member = describe(feature(name)), feature(name)
    assert all(part in text for part in (member.formula, str(member.window), member.unit, member.family))
