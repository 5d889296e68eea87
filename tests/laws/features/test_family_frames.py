"""A family frame is its table: declared columns, no other session, known when the latest input was."""

from __future__ import annotations

from datetime import timedelta

import polars as pl
import pytest

from gogoku_pipeline.features.engine import compute
from gogoku_pipeline.features.family_frames import family_frame, stamped
from gogoku_pipeline.features.family_tables import families, family_table
from tests.laws.features.small_market import SESSIONS


@pytest.mark.parametrize("family", list(families()))
def test_a_family_frame_has_the_schema_of_its_table_and_the_sessions_asked_for(inputs, family):
    wanted = [SESSIONS[200], SESSIONS[202]]
    frame = family_frame(family, inputs, wanted)
    assert frame.schema == family_table(family).polars_schema
    assert frame["session"].unique().sort().to_list() == wanted
    names = [member.name for member in families()[family]]
    whole = compute(names, inputs, start=SESSIONS[0], end=SESSIONS[-1])
    assert frame.select("session", "code", *names).equals(whole.filter(pl.col("session").is_in(wanted)))


def test_a_family_frame_of_no_session_is_empty(inputs):
    assert family_frame("feat__market", inputs, []).is_empty()


def test_a_row_is_known_when_the_latest_of_its_inputs_was(inputs):
    day = SESSIONS[200]
    frame = family_frame("feat__market", inputs, [day])
    assert {str(instant)[11:16] for instant in frame["available_at"]} == {"16:30"}
    late = inputs.universe.with_columns(pl.col("available_at") + timedelta(hours=3))
    assert {str(instant)[11:16] for instant in stamped(frame, late)["available_at"]} == {"19:30"}
    early = inputs.universe.with_columns(pl.col("available_at") - timedelta(days=1))
    assert stamped(frame, early)["available_at"].equals(frame["available_at"])
    assert stamped(frame.drop("available_at"), late.clear())["available_at"].equals(frame["available_at"])
