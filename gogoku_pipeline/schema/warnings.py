"""Usage warnings: short codes a table may carry, each with the sentence shown wherever the table is shown."""

WARNINGS: dict[str, str] = {
    "adjusted_values_rewritten": "Served adjusted values are rewritten at every split; use raw prices and factors.",
    "no_trade_rows": "An issue that did not trade has a row with null prices and volume.",
    "market_halt": "On 2020-10-01 nothing traded: stock rows are null, index rows repeat the previous close.",
    "snapshot_only": "The source is a snapshot per day; listing intervals are derived by comparing snapshots.",
    "overwritten_in_place": "The publisher corrects rows without a marker; re-polls catch it and landings keep it.",
    "free_plan_delay": "On the Free plan rows arrive 12 weeks late.",
}
