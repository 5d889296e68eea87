"""The basis of prices goes on from what the session before left, and is always that of all bars there are."""

import io
from datetime import date

import polars as pl
import pytest

from assets.price_basis import NAME, factors
from gogoku_pipeline.core.errors import PartitionMissingError
from gogoku_pipeline.core.sessions import tse_calendar
from gogoku_pipeline.schema import daily_bars
from gogoku_pipeline.store import CommitInfo, open_store
from gogoku_pipeline.tables.prices import factor_events

DAYS = tse_calendar().between(date(2021, 1, 4), date(2021, 2, 12))
TABLE = daily_bars.TABLE
COMMIT = CommitInfo(run_id="test", code_version="1")


def bars(days, splits=()):
    """Two issues, a third from the sixth session on; a split is (code, session)."""
    rows = []
    for day in days:
        codes = ["10010", "10020", *(["10030"] if day >= DAYS[5] else [])]
        rows += [(day, code, 0.5 if (code, day) in splits else 1.0) for code in codes]
    frame = pl.DataFrame(rows, schema=["session", "code", "adjustment_factor"], orient="row")
    instant = pl.col("session").cast(pl.Datetime("us")).dt.replace_time_zone("Asia/Tokyo").alias("available_at")
    others = [column for column in TABLE.columns if column.name not in (*frame.columns, "available_at")]
    blank = [pl.lit(None if column.nullable else 0).cast(column.dtype).alias(column.name) for column in others]
    return frame.with_columns(instant, *blank).select(TABLE.polars_schema.names()).cast(dict(TABLE.polars_schema))


@pytest.fixture
def house(tmp_path):
    store = open_store(f"file://{tmp_path / 'data'}")

    class House:
        splits = [("10010", DAYS[2]), ("10020", DAYS[9])]

        def write(self, *days):
            store.tables.write_sessions(TABLE, bars(days, self.splits), days, commit=COMMIT)

        def factors(self, day):
            return factors(store, day)

        def truth(self, day):
            return factor_events(store.tables.scan(TABLE, end=day).collect())

        def plant(self):
            """What was left says something else, so that going on from it can be told."""
            (key,) = store.objects.list(f"carried/{NAME}")
            head, _, rows = store.objects.get(key).partition(b"\n")
            other = pl.read_parquet(rows).with_columns(pl.col("factor") * 3.0)
            store.objects.delete([key])
            file = io.BytesIO()
            other.write_parquet(file)
            store.objects.put_new(key, head + b"\n" + file.getvalue())

    return House()


def test_sessions_are_added_one_by_one_and_the_whole_is_as_read_from_all_bars(house):
    for place, day in enumerate(DAYS[:12]):
        house.write(day)
        assert house.factors(day).equals(house.truth(day)), place
        assert house.factors(day).equals(house.truth(day)), place


def test_what_was_left_is_used_until_a_session_up_to_it_is_rewritten(house):
    house.write(*DAYS[:8])
    house.factors(DAYS[7])
    house.plant()
    house.write(DAYS[8])
    assert not house.factors(DAYS[8]).equals(house.truth(DAYS[8]))
    assert not house.factors(DAYS[7]).equals(house.truth(DAYS[7]))
    house.splits.append(("10020", DAYS[4]))
    house.write(DAYS[4])
    for day in (DAYS[7], DAYS[8]):
        assert house.factors(day).equals(house.truth(day))


def test_a_hole_is_named_whatever_was_left(house):
    house.write(*DAYS[:8])
    house.factors(DAYS[7])
    house.write(DAYS[9])
    with pytest.raises(PartitionMissingError, match=DAYS[8].isoformat()):
        house.factors(DAYS[9])
    with pytest.raises(PartitionMissingError):
        house.factors(DAYS[8])
