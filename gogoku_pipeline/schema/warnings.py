"""Usage warnings: short codes a table may carry, each with the sentence shown wherever the table is shown."""

WARNINGS: dict[str, str] = {
    "adjusted_values_rewritten": "Served adjusted values are rewritten at every split; use raw prices and factors.",
    "no_trade_rows": "An issue that did not trade has a row with null prices and volume.",
    "market_halt": "On 2020-10-01 nothing traded: stock rows are null, index rows repeat the previous close.",
    "snapshot_only": "The source is a snapshot per day; listing intervals are derived by comparing snapshots.",
    "overwritten_in_place": "The publisher corrects rows without a marker; re-polls catch it and landings keep it.",
    "free_plan_delay": "On the Free plan rows arrive 12 weeks late.",
    "plan_not_confirmed": "The smallest plan that includes this set is not confirmed; it is treated as Free.",
    "served_ratios": "Ratios are the publisher's; how forecasts and shares enter them is not documented.",
    "no_history": "Only the present is served: what was not captured on its day cannot be fetched later.",
    "some_year_ends_only": "Only companies whose year ends in March or September; no REITs.",
    "week_known_later": "A week is published on Thursday of the week after: use `available_at`, not the week.",
    "flow_corrections": (
        "Corrections announced after 2023-04-03 are further rows with a newer publication date; earlier ones were "
        "overwritten, so older history shows corrected figures from the start."
    ),
    "buys_differ_from_sells": "Total purchases and total sales do not match exactly.",
    "next_session_partition": "The partition is the session of publication, not the day of the event.",
    "key_inferred": "The publisher names no key for this set; ours is inferred.",
    "year_to_date": "Figures are cumulative from the start of the fiscal year, not of the quarter.",
    "odd_periods": "Changed fiscal years have periods 4Q and 5Q: match quarters by date, not by label.",
    "guidance_moves_to_next_year": "On full-year documents the forecast is in the next-year columns.",
    "ordinary_profit_blank": "Ordinary profit is blank for IFRS and US GAAP companies.",
    "corrections_unmarked": "A correction is a new document with its own number; nothing marks it as one.",
    "us_dollar_issuer": "Issue 62690 (MODEC) reports in US dollars since February 2022; nothing in the row says so.",
    "cash_flow_items_from_2025_10": "Cash flow items exist from October 2025 on.",
    "not_split_adjusted": "Shares and per-share figures are as reported and never split-adjusted.",
    "event_log": "A log of notices, not a state: take the newest known notice per original number.",
    "dividend_parts_start_later": (
        "Tax components exist from 2014-02-24, commemorative and special parts from 2022-06-06. What the publisher "
        "marks as undecided and what it leaves unset are both null here; the raw landing keeps the difference."
    ),
    "index_codes_are_no_sector_codes": "Index 0050 is Transportation Equipment, sector 0050 is Fishery.",
    "some_indices_need_premium": "Some index codes are served on Premium only.",
    "no_rows_on_the_halt": "2020-10-01 has no rows although it was a session.",
    "no_row_number": "Rows have no number; repeated identical rows are dropped and counted.",
    "short_ratios_normalised": (
        "On 2026-01-23 all ratios of 2013-11-07 to 2026-01-13 were rewritten to four decimals."
    ),
    "margin_two_regimes": (
        "Weekly to application date 2026-09-24 and known two sessions later, daily since and known one session later; "
        "count windows in releases, not rows."
    ),
    "margin_value_unit": "The unit of the value columns is taken as yen; the publisher's page is not at hand.",
    "corrections_appended": "The row with the newest publication date known at the time is the valid one.",
    "watched_issues_only": "An issue without a row is not watched; it does not have a balance of zero.",
    "auction_trades_only": "Auction trades only: totals are smaller than volume and turnover of the daily bars.",
    "zero_means_no_trade": "Without trades prices are 0, not null: never average or difference them unchecked.",
    "emergency_margin_rows": "An emergency margin day has two rows per contract; 002 is the ordinary one.",
    "holiday_trading": "Trading on a public holiday belongs to the trading day of the next business day.",
    "derivative_fields_start_later": (
        "Settlement, auction volume, last day, model prices and the central month exist from 2016-07-19 on."
    ),
    "session_columns_by_plan": (
        "Morning and afternoon columns are null below the Premium plan. Half-day sessions of the early years have no "
        "afternoon."
    ),
}
