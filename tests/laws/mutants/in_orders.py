"""Mistakes in the orders of a backtest: who is wanted, and what stops an order at the open."""

from __future__ import annotations

from tests.laws.mutants.in_accounts import BAD_INPUTS, BY_HAND, CORNERS, LAWS, LEDGER, mistake

WHAT_STOPS = (
    mistake(
        "purchases fill at the upper limit",
        "fills",
        "elif is_buy and day.at_upper[name]:",
        "elif is_buy and day.at_upper[name] and day.at_lower[name]:",
        BY_HAND,
    ),
    mistake(
        "sales fill at the lower limit",
        "fills",
        "elif not is_buy and day.at_lower[name]:",
        "elif not is_buy and day.at_lower[name] and day.at_upper[name]:",
        BY_HAND,
    ),
    mistake(
        "short sales fill at the lower limit",
        "fills",
        "elif not is_buy and day.at_lower[name]:",
        "elif not is_buy and day.at_lower[name] and book.shares[name] > 0:",
        LEDGER,
    ),
    mistake(
        "a limit touched at any time of the day forbids the open",
        "limits",
        "by_flag = (touched[0] & (opening == low), touched[1] & (opening == high))",
        "by_flag = touched",
        LEDGER,
    ),
    mistake(
        "only the publisher's flags forbid",
        "limits",
        "return by_table[0] | by_flag[0], by_table[1] | by_flag[1],",
        "return by_flag[0], by_flag[1],",
        LEDGER,
    ),
    mistake(
        "only the exchange's table forbids",
        "limits",
        "return by_table[0] | by_flag[0], by_table[1] | by_flag[1],",
        "return by_table[0], by_table[1],",
        BY_HAND,
    ),
    mistake(
        "an upper limit lies on the tick above",
        "limits",
        "np.floor(high / up + _HAIR) * up",
        "np.ceil(high / up - _HAIR) * up",
        CORNERS,
    ),
    mistake(
        "a lower limit lies on the tick below",
        "limits",
        "np.ceil(low / down - _HAIR) * down",
        "np.floor(low / down + _HAIR) * down",
        CORNERS,
    ),
    mistake(
        "finer ticks begin the day after",
        "limits",
        "if since <= session]",
        "if since < session]",
        LEDGER,
    ),
    mistake(
        "a session without volume trades at its open",
        "market",
        ' & (prices["close"] > 0) & (shares > 0)',
        ' & (prices["close"] > 0)',
        BY_HAND,
    ),
    mistake(
        "participation counts yen as shares",
        "fills",
        "rules.participation * day.volume[name]",
        "rules.participation * day.volume[name] * day.price[name]",
        BY_HAND,
    ),
    mistake(
        "a name that turns from long to short trades its share of volume twice",
        "fills",
        " - book.used[name] + 1e-9",
        " + 1e-9",
        LEDGER,
    ),
    mistake(
        "what never traded can be traded in any size",
        "fills",
        "        return 0.0\n",
        "        return np.inf\n",
        CORNERS,
    ),
    mistake(
        "a lot that fits in part is traded whole",
        "fills",
        "int(max(limit, 0.0) // lot) * lot",
        "int(-(-max(limit, 0.0) // lot)) * lot",
        BY_HAND,
    ),
    mistake(
        "proceeds of short sales buy",
        "fills",
        "reserved = _short_value(day, book)",
        "reserved = 0.0",
        LEDGER,
    ),
    mistake(
        "cash is enough without the costs",
        "fills",
        "if value + cost <= free:",
        "if value <= free:",
        BY_HAND,
        LEDGER,
    ),
    mistake(
        "the worst of the wanted is bought first",
        "fills",
        "for name in queue:",
        "for name in queue[::-1]:",
        LEDGER,
    ),
    mistake(
        "an odd lot stays behind when a position is closed",
        "fills",
        "return held if wanted == 0 else (held - wanted) // lot * lot",
        "return (held - wanted) // lot * lot",
        BY_HAND,
    ),
    mistake(
        "a split leaves the average volume where it was",
        "liquidity",
        "volume[first:session, event.name] *= event.new / event.old",
        "volume[first:session, event.name] *= 1.0",
        LEDGER,
    ),
    mistake(
        "a session without a trade is left out of the average volume",
        "liquidity",
        "counted = has_row & (volume.sum(axis=1) > 0)[:, None]",
        "counted = has_row & (volume > 0)",
        LEDGER,
    ),
)

WHO = (
    mistake(
        "those who are held lose their place",
        "orders",
        "kept = inside[held[inside]][:slots]",
        "kept = inside[~held[inside]][:slots]",
        BY_HAND,
    ),
    mistake(
        "a place is kept among the first only", "orders", "inside = ranked[:band]", "inside = ranked[:slots]", BY_HAND
    ),
    mistake(
        "lots are rounded up",
        "orders",
        "np.floor(place_jpy / (mark[chosen] * config.lot_shares) + 1e-9)",
        "np.ceil(place_jpy / (mark[chosen] * config.lot_shares) - 1e-9)",
        BY_HAND,
    ),
    mistake(
        "a kept name is traded to its target every time",
        "orders",
        "<= config.drift_band * place_jpy",
        "<= 0.0 * place_jpy",
        LEDGER,
    ),
    mistake(
        "equal scores prefer the later code",
        "orders",
        'np.argsort(-scores, kind="stable")',
        "np.lexsort((-np.arange(len(scores)), -scores))",
        BAD_INPUTS,
    ),
    mistake(
        "anything can be borrowed",
        "orders",
        "np.where(borrowable, -scores, np.nan)",
        "-scores",
        LAWS,
    ),
    mistake(
        "a thin day spends everything",
        "orders",
        "config.gross_long * equity / slots",
        "config.gross_long * equity / max(len(chosen), 1)",
        BY_HAND,
    ),
    mistake(
        "a name is bought and sold short at once",
        "orders",
        "        worst = worst[~np.isin(worst, chosen)]\n",
        "",
        LEDGER,
    ),
)

MUTANTS = WHAT_STOPS + WHO
