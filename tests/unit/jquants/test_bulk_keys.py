"""The name of a bulk file is parsed: its date part says what it covers, the order of letters says nothing."""

from datetime import UTC, date, datetime

import pytest

from gogoku_pipeline.jquants.bulk_keys import one_per_period, parse_entry

PATH = "/equities/bars/daily"
MONTH = "equities/bars/daily/historical/2025/equities_bars_daily_202501.csv.gz"
PREMIUM = "equities/bars/daily/premium/historical/2008/equities_bars_daily_200805.csv.gz"
LIVE = "equities/bars/daily/live/equities_bars_daily_20260914.csv.gz"


def entry(key=MONTH, modified="2025-02-03T18:20:01+00:00", size=4_000_000):
    return {"Key": key, "LastModified": modified, "Size": size}


@pytest.mark.parametrize(
    ("key", "first", "last"),
    [
        (MONTH, date(2025, 1, 1), date(2025, 1, 31)),
        (PREMIUM, date(2008, 5, 1), date(2008, 5, 31)),
        (LIVE, date(2026, 9, 14), date(2026, 9, 14)),
        (MONTH.replace("2025", "2024").replace("202401", "202402"), date(2024, 2, 1), date(2024, 2, 29)),
        (LIVE.replace("live", "premium/live"), date(2026, 9, 14), date(2026, 9, 14)),
    ],
)
def test_the_date_part_says_which_days_it_covers(key, first, last):
    file = parse_entry(PATH, entry(key))
    assert (file.key, file.first_day, file.last_day) == (key, first, last)
    assert (file.size, file.last_modified) == (4_000_000, datetime(2025, 2, 3, 18, 20, 1, tzinfo=UTC))


def test_the_files_of_one_endpoint_are_not_those_of_another_below_or_beside_it():
    topix = "indices/bars/daily/topix/historical/2025/indices_bars_daily_topix_202501.csv.gz"
    ratio = "markets/short-ratio/historical/2025/markets_short-ratio_202501.csv.gz"
    options = "derivatives/bars/daily/options/225/live/derivatives_bars_daily_options_225_20250106.csv.gz"
    paths = ["/indices/bars/daily", "/indices/bars/daily/topix", "/markets/short-ratio"]
    paths += ["/derivatives/bars/daily/options", "/derivatives/bars/daily/options/225"]
    found = {key: [path for path in paths if parse_entry(path, entry(key))] for key in (topix, ratio, options)}
    assert found == {topix: [paths[1]], ratio: [paths[2]], options: [paths[4]]}


@pytest.mark.parametrize("modified", ["2025-02-03T18:20:01+00:00", "2025-02-03T18:20:01Z", "2025-02-03T18:20:01"])
def test_an_instant_without_a_zone_is_utc(modified):
    assert parse_entry(PATH, entry(modified=modified)).last_modified == datetime(2025, 2, 3, 18, 20, 1, tzinfo=UTC)


@pytest.mark.parametrize(
    "odd",
    [
        {},
        entry(key=None),
        entry(key="equities/bars/daily/am/live/equities_bars_daily_am_20260914.csv.gz"),
        entry(key="equities/bars/minute/live/equities_bars_minute_20260914.csv.gz"),
        entry(key="equities/bars/daily/live/../../../../etc/x_20260914.csv.gz"),
        entry(key=LIVE + "?x=1"),
        entry(key=LIVE.replace("14", "31")),
        entry(key=MONTH.replace("202501", "202513")),
        entry(key=MONTH.replace(".csv.gz", ".zip")),
        entry(key="equities/bars/daily/README"),
        entry(modified="yesterday"),
        entry(modified=1738606801),
        entry(size="4"),
        entry(size=-1),
        entry(size=True),
    ],
)
def test_an_entry_of_another_form_is_left_out(odd):
    assert parse_entry(PATH, odd) is None


def test_files_are_ordered_by_day_and_premium_wins_the_same_days():
    keys = [
        LIVE,
        PREMIUM,
        MONTH,
        MONTH.replace("daily/historical", "daily/premium/historical"),
        LIVE.replace("14.csv", "02.csv"),
    ]
    found = one_per_period([parse_entry(PATH, entry(key)) for key in keys])
    assert [file.key for file in found] == [PREMIUM, keys[3], keys[4], LIVE]
    again = one_per_period([parse_entry(PATH, entry(key)) for key in reversed(keys)])
    assert again == found


def test_of_two_editions_of_a_month_the_later_one_counts():
    old, new = entry(), entry(key=MONTH.replace("equities_bars_daily_", "equities_bars_daily_v2_"))
    new["LastModified"] = "2025-03-01T00:00:00+00:00"
    found = one_per_period([parse_entry(PATH, new), parse_entry(PATH, old)])
    assert [file.key for file in found] == [new["Key"]]
