"""Three kills of a backfill (100: `python -m tests.endurance.sigkill`), and that every kind of wound is noticed."""

import pytest

from gogoku_pipeline.schema.register import TABLE_OF
from gogoku_pipeline.simulator.config import MarketConfig
from gogoku_pipeline.simulator.market import generate_market
from gogoku_pipeline.simulator.thread import run_simulator_thread
from gogoku_pipeline.store import CommitInfo, open_store
from tests.endurance.premium_road import fetch, morning_after, rows, typed
from tests.endurance.sigkill import endure
from tests.endurance.wounds import Truth, wounds

NAMES = ("daily_bars", "margin_alerts")
BARS = TABLE_OF["daily_bars"]
COMMIT = CommitInfo(run_id="wound", code_version="0")


@pytest.mark.slow
def test_a_backfill_killed_three_times_ends_like_one_left_alone(tmp_path):
    told = []
    tally = endure(3, 7, tmp_path, told.append)
    assert tally.differences == []
    assert tally.kills == 3
    assert len(told) == 1 + tally.kills + tally.rounds


@pytest.fixture
def whole(tmp_path):
    """A store with some sessions of two sources, and the truth about it."""
    market = generate_market(MarketConfig(n_issues=24, n_sessions=30))
    clock = morning_after(market.sessions[-1], rate_scale=4_000)
    store = open_store(f"file://{tmp_path}/data")
    with run_simulator_thread(market, clock) as server:
        fetch(server.base_url, clock, store, NAMES, market.sessions[-4:], run_id="whole", bulk=False)
    typed(store, NAMES, clock, run_id="whole")
    truth = Truth.of(store, NAMES)
    assert wounds(store, truth) == ([], sum(len(held) for held in truth.sessions.values()))
    return store, truth, tmp_path / "data"


def test_a_session_that_holds_a_part_of_its_rows_is_noticed(whole):
    store, truth, _ = whole
    frame = rows(store, BARS)
    day = frame["session"].max()
    store.tables.write_sessions(BARS, frame.filter(session=day).head(5), [day], commit=COMMIT)
    found, _ = wounds(store, truth)
    assert any(f"{day}: 5 rows" in words for words in found)
    assert any(f"{day}: not the rows of an undisturbed run" in words for words in found)
    store.tables.write_sessions(BARS, BARS.empty(), [day], commit=COMMIT)
    assert any("1 sessions written without their rows" in words for words in wounds(store, truth)[0])


@pytest.mark.parametrize("is_noted", [True, False])
def test_a_landing_that_is_not_what_its_name_says_is_noticed(whole, is_noted):
    store, truth, place = whole
    landed = sorted((place / "raw" / "daily_bars").rglob("*.json.zst"))
    if is_noted:
        landed[0].write_bytes(landed[1].read_bytes())
    else:
        store.objects.put_new(f"raw/daily_bars/2020/07/01/{'0' * 64}.json.zst", landed[0].read_bytes())
    found, _ = wounds(store, truth)
    assert len(found) == 1
    assert "raw" in found[0] or "hash" in found[0] or "bytes" in found[0]


@pytest.mark.parametrize(
    "cut", [lambda content: content[:100], lambda content: bytes(len(content))], ids=["cut", "zeros"]
)
def test_a_table_that_cannot_be_read_is_noticed(whole, cut, capfd):
    store, truth, place = whole
    file = next(path for path in sorted(place.rglob("*.parquet")) if BARS.name in str(path))
    file.write_bytes(cut(file.read_bytes()))
    (words,) = wounds(store, truth)[0]
    assert words.startswith("unreadable")
    capfd.readouterr()  # the engine's own cry
