"""Mistakes in the accounts of a backtest: what is paid overnight, what trading costs, what the figures say."""

from __future__ import annotations

from tests.laws.mutants.mutant import Mutant

ROOM = "evaluation/backtest"
BY_HAND = "tests/spec/evaluation/test_backtest_by_hand.py"
CORNERS = "tests/spec/evaluation/test_backtest_corners.py"
_UNIT = "tests/unit/evaluation/test_backtest_"
LEDGER, LAWS, FIGURES = f"{_UNIT}against_a_plain_ledger.py", f"{_UNIT}laws.py", f"{_UNIT}performance.py"
BAD_INPUTS = f"{_UNIT}of_bad_inputs.py"


def mistake(name: str, file: str, old: str, new: str, *killers: str) -> Mutant:
    """A mistake in one file of the backtest."""
    return Mutant("backtest", name, f"{ROOM}/{file}.py", old, new, killers)


WHEN = (
    mistake(
        "scores of a session fill at its own open",
        "schedule",
        "rows = _Rows(row, name,",
        "rows = _Rows(np.maximum(row - 1, 0), name,",
        BY_HAND,
    ),
    mistake(
        "a weekly strategy decides on the first session of a week",
        "schedule",
        "return np.array([*ends, True])",
        "return np.array([True, *ends])",
        BY_HAND,
    ),
    mistake(
        "a buyer at the open of the ex-date has the dividend",
        "engine",
        "                self._overnight(row, flows, earned)\n"
        "                self._convert(row, flows)\n"
        "                self._trade(row, flows, earned)\n",
        "                self._convert(row, flows)\n"
        "                self._trade(row, flows, earned)\n"
        "                self._overnight(row, flows, earned)\n",
        BY_HAND,
    ),
    mistake(
        "a dividend belongs to the session after its ex-date",
        "corporate",
        'place = np.searchsorted(days, newest["day"].to_numpy())',
        'place = np.searchsorted(days, newest["day"].to_numpy(), side="right")',
        BY_HAND,
    ),
    mistake(
        "a delisted position is held for one more session",
        "engine",
        "(grid.last_row < row)",
        "(grid.last_row < row - 1)",
        BY_HAND,
    ),
    mistake(
        "today's volume is known at today's open",
        "liquidity",
        "recent = slice(max(session - window, 0), session)\n        days = counted",
        "recent = slice(max(session - window, 0) + 1, session + 1)\n        days = counted",
        LEDGER,
    ),
    mistake(
        "today's move is known at today's open",
        "liquidity",
        "recent = slice(max(session - window, 0), session)\n        count = known",
        "recent = slice(max(session - window, 0) + 1, session + 1)\n        count = known",
        LEDGER,
    ),
)

OVERNIGHT = (
    mistake("a holder is paid before tax", "engine", "1.0 - costs.dividend_tax", "1.0", BY_HAND, LEDGER),
    mistake("a borrower keeps the dividend", "engine", "costs.short_dividend_share)", "0.0)", BY_HAND, LEDGER),
    mistake(
        "what is owned pays a borrowing fee",
        "engine",
        "short = np.flatnonzero(shares < 0)\n        if len(short):\n"
        "            share = costs.borrow_fee * float(self.days[row] - self.days[row - 1]) / YEAR_DAYS\n"
        "            fees = -shares[short]",
        "short = np.flatnonzero(shares)\n        if len(short):\n"
        "            share = costs.borrow_fee * float(self.days[row] - self.days[row - 1]) / YEAR_DAYS\n"
        "            fees = np.abs(shares[short])",
        BY_HAND,
        LEDGER,
    ),
    mistake(
        "a weekend borrows for nothing",
        "engine",
        "float(self.days[row] - self.days[row - 1])",
        "1.0",
        BY_HAND,
        LEDGER,
    ),
    mistake(
        "a waiting order forgets a split",
        "engine",
        "after, _whole(wanted * event.new, event.old)",
        "after, wanted",
        LEDGER,
    ),
    mistake(
        "a short position of a split is rounded away from zero",
        "engine",
        "numerator // denominator if numerator >= 0 else -(-numerator // denominator)",
        "numerator // denominator",
        CORNERS,
    ),
    mistake(
        "a right costs what it is worth",
        "engine",
        "held * (float(grid.mark[row - 1, event.name]) - base)",
        "held * (base - float(grid.mark[row - 1, event.name]))",
        BY_HAND,
    ),
    mistake(
        "a fraction of a share is lost",
        "engine",
        "(held * event.new - after * event.old) / event.old * base if held",
        "0.0 if held",
        BY_HAND,
    ),
    mistake(
        "what left the exchange is worth nothing",
        "engine",
        "                cash += held * float(grid.base[row, name])\n",
        "",
        BY_HAND,
    ),
    mistake(
        "a split leaves the base price where it was",
        "market",
        "mark[session - 1, event.name] * event.factor",
        "mark[session - 1, event.name]",
        BY_HAND,
    ),
    mistake("a deleted notice pays", "corporate", '(pl.col("status") != DELETED) & ', "", LEDGER),
    mistake(
        "the first notice of a dividend is the one that counts",
        "corporate",
        ".last()\n",
        ".first()\n",
        LEDGER,
    ),
    mistake(
        "the tenth notice is older than the ninth",
        "corporate",
        "number.str.len_chars(), number",
        "number",
        CORNERS,
    ),
    mistake(
        "of two dividends on one day one is paid",
        "corporate",
        '.agg(pl.col("dividend_jpy").sum())',
        '.agg(pl.col("dividend_jpy").first())',
        LEDGER,
    ),
)

COSTS = (
    mistake(
        "costs are income",
        "fills",
        "book.cash[0] -= shares * day.price[name] + out.costs[row, :].sum()",
        "book.cash[0] -= shares * day.price[name] - out.costs[row, :].sum()",
        BY_HAND,
    ),
    mistake(
        "a value on a bound belongs to the tier above",
        "costs",
        "value > rules.commission_bounds[tier]",
        "value >= rules.commission_bounds[tier]",
        CORNERS,
    ),
    mistake(
        "a side pays the whole spread",
        "costs",
        "return rules.half_spread_ticks * tick * shares",
        "return 2.0 * rules.half_spread_ticks * tick * shares",
        BY_HAND,
    ),
    mistake("impact grows with size itself", "costs", "np.sqrt(shares / volume)", "(shares / volume)", BY_HAND, LEDGER),
    mistake(
        "an unknown volatility moves nothing",
        "costs",
        "rules.unknown_volatility if np.isnan",
        "0.0 if np.isnan",
        BY_HAND,
        LEDGER,
    ),
    mistake(
        "volatility of a whole population",
        "liquidity",
        "square / np.maximum(count - 1, 1)",
        "square / np.maximum(count, 1)",
        LEDGER,
    ),
)

TOLD = (
    mistake("the accounts may be off by a million", "accounts", "np.maximum(0.01,", "np.maximum(1e6,", LAWS),
    mistake(
        "a drawdown begins at the start",
        "performance",
        "peaks = np.maximum.accumulate(equity)",
        "peaks = np.full_like(equity, equity[0])",
        FIGURES,
    ),
    mistake(
        "a yen bought and sold counts twice",
        "performance",
        'per_year("bought_jpy", "sold_jpy") / 2',
        'per_year("bought_jpy", "sold_jpy")',
        FIGURES,
    ),
    mistake(
        "risk of a whole population",
        "performance",
        "float(returns.std(ddof=1)) * math",
        "float(returns.std(ddof=0)) * math",
        FIGURES,
    ),
    mistake("a session without a gain is won", "performance", "(returns > 0).mean()", "(returns >= 0).mean()", FIGURES),
    mistake(
        "one loss fewer lies in the tail", "performance", "math.ceil(len(returns)", "math.floor(len(returns)", FIGURES
    ),
    mistake(
        "beta with two kinds of variance",
        "performance",
        "/ index.var(ddof=1)",
        "/ index.var(ddof=0)",
        FIGURES,
    ),
    mistake(
        "a gross return has paid for borrowing",
        "result",
        '"commission_jpy", "spread_jpy", "impact_jpy", "borrow_jpy")',
        '"commission_jpy", "spread_jpy", "impact_jpy")',
        BY_HAND,
    ),
    mistake(
        "returns of a month are added",
        "tables",
        '((pl.col("ret") + 1).product() - 1).alias("ret")',
        'pl.col("ret").sum().alias("ret")',
        FIGURES,
    ),
    mistake(
        "a fill without a sector earns for the last one",
        "engine",
        "sector = np.where(self.grid.sector[row] >= 0, self.grid.sector[row], places)",
        "sector = np.where(self.grid.sector[row] >= 0, self.grid.sector[row], places - 1)",
        CORNERS,
    ),
)

MUTANTS = WHEN + OVERNIGHT + COSTS + TOLD
