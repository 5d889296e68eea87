"""What the check machinery says: one line per failed session, one summary, and never silence."""

from datetime import date

import dagster as dg
import polars as pl
import pytest

from assets.checks import WARN, Judgement, Scope, TableCheck, evaluations
from gogoku_pipeline.core.errors import DataError
from gogoku_pipeline.schema.columns import Column
from gogoku_pipeline.schema.tables import SESSION, Table
from gogoku_pipeline.store import open_store
from resources.compute import Compute
from resources.metadata import PNG_LIMIT_BYTES, column_schema, picture

TABLE = Table(
    "means", "A mean.", (SESSION, Column("mean_jpy", pl.Float64, "Mean.", "JPY", nullable=True)), ("session",)
)
DAYS = [date(2024, 5, 7), date(2024, 5, 8), date(2024, 5, 9)]


@pytest.fixture
def scope(tmp_path):
    def made(sessions):
        frame = pl.DataFrame({"session": sessions, "mean_jpy": [1.0] * len(sessions)}, schema=TABLE.polars_schema)
        compute = Compute(cache_dir=tmp_path, first_session=DAYS[0])
        store = open_store(f"file://{tmp_path}/data")
        return Scope(TABLE, frame, sessions, store, compute, is_range=len(sessions) > 1)

    return made


def said(check, scope):
    return [(type(one).__name__, getattr(one, "partition", None), one.passed) for one in evaluations(check, scope)]


def test_a_range_says_one_line_per_failed_session_and_one_summary(scope):
    check = TableCheck("means", "", lambda s: Judgement({DAYS[1]: "bad", DAYS[2]: "worse"}))
    assert said(check, scope(DAYS)) == [
        ("AssetCheckEvaluation", "2024-05-08", False),
        ("AssetCheckEvaluation", "2024-05-09", False),
        ("AssetCheckResult", None, False),
    ]
    *_, summary = evaluations(check, scope(DAYS))
    assert summary.description == "2024-05-08: bad (and 1 more sessions)"
    assert summary.metadata["failed_sessions"].value == 2


def test_a_single_session_says_only_the_verdict(scope):
    check = TableCheck("means", "", lambda s: Judgement({DAYS[0]: "bad"}))
    assert said(check, scope(DAYS[:1])) == [("AssetCheckResult", None, False)]


def test_all_well_is_one_line(scope):
    assert said(TableCheck("means", "", lambda s: Judgement({})), scope(DAYS)) == [("AssetCheckResult", None, True)]


def test_a_check_that_cannot_run_fails_and_says_why(scope):
    def broken(_):
        raise DataError("means", got="no column", want="one", remedy="Add it.")

    (verdict,) = evaluations(TableCheck("means", "", broken), scope(DAYS))
    assert not verdict.passed
    assert "could not run: means: got no column" in verdict.description


def test_an_error_nobody_expected_is_not_swallowed(scope):
    with pytest.raises(ZeroDivisionError):
        list(evaluations(TableCheck("means", "", lambda s: Judgement({None: str(1 / 0)})), scope(DAYS)))


def test_only_error_checks_block():
    strict, mild = (
        TableCheck("x", "", lambda s: Judgement({}), severity) for severity in (dg.AssetCheckSeverity.ERROR, WARN)
    )
    assert strict.spec("means", None).blocking
    assert not mild.spec("means", None).blocking


def test_the_column_schema_says_unit_and_nullability():
    schema = column_schema(TABLE)
    assert [(column.name, column.constraints.nullable, column.constraints.unique) for column in schema.columns] == [
        ("session", False, True),
        ("mean_jpy", True, False),
    ]
    assert schema.columns[1].description == "Mean. [JPY]"


def test_a_large_picture_is_left_out_of_the_event_log():
    assert picture(b"png", "A picture").md_str.startswith("![A picture](data:image/png;base64,")
    assert "left out" in picture(b"x" * (PNG_LIMIT_BYTES + 1), "A picture").md_str
