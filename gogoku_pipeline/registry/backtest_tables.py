"""What the newest backtests left behind: accounts by session, where the money was, how much of it the strategy carries.

Belongs here: the declarations. Does not belong here: how a backtest is run (`backtesting`, `evaluation.backtest`).
"""

import polars as pl

from gogoku_pipeline.schema.columns import Column
from gogoku_pipeline.schema.tables import Table

_WHOSE = (
    Column("scores", pl.String, "Whose scores were traded: a recipe of the newest walk, or `served`."),
    Column("side", pl.String, "The strategy's sides.", allowed=("long_only", "long_short")),
)


def _money(name: str, words: str) -> Column:
    return Column(name, pl.Float64, words, "JPY")


def _share(name: str, words: str, *, nullable: bool = False) -> Column:
    return Column(name, pl.Float64, words, "ratio", nullable=nullable)


ACCOUNTS = Table(
    name="eval__backtest",
    description=(
        "One session in the accounts of one strategy that traded stored scores by the exchange's rules: worth at the "
        "close, then what happened since the close before, all costs taken off. Replaced whole by every run; what was "
        "traded are the out-of-sample scores of the newest walk and the lists that were served, never a fitted past."
    ),
    columns=(
        *_WHOSE,
        Column("session", pl.Date, "Session of the close."),
        _money("equity_jpy", "Worth of cash and positions."),
        _money("cash_jpy", "Cash."),
        _money("long_jpy", "Worth of what is owned."),
        _money("short_jpy", "Worth of what is owed, 0 or less."),
        Column("n_long", pl.Int32, "Names owned.", "names", at_least=0),
        Column("n_short", pl.Int32, "Names sold short.", "names", at_least=0),
        _money("price_pnl_jpy", "Earned by prices since the close before."),
        _money("dividends_jpy", "Dividends received, less those owed to lenders."),
        _money("commission_jpy", "Commissions paid."),
        _money("spread_jpy", "Lost to the spread."),
        _money("impact_jpy", "Lost to our own orders moving the price."),
        _money("borrow_jpy", "Fees for borrowed shares."),
        _money("converted_jpy", "Cash for fractions, rights and delisted shares."),
        _money("bought_jpy", "Yen bought."),
        _money("sold_jpy", "Yen sold."),
        Column("is_decision", pl.Boolean, "Orders for the next open were decided after this session."),
        _share("ret", "Return since the close before, net of everything; null on the first row.", nullable=True),
        _share("gross_ret", "The same before costs and fees.", nullable=True),
        _share("topix_ret", "Return of TOPIX over the same session; null without the index.", nullable=True),
        Column("strategy", pl.String, "The strategy in words."),
        Column("fingerprint", pl.String, "Hash of every setting and of the engine."),
    ),
    key=("scores", "side", "session"),
    partitioned=False,
)

EXPOSURE = Table(
    name="eval__backtest_exposure",
    description=(
        "Where the money of one strategy was, by sector and by size class, as mean share of equity over its sessions, "
        "and what each sector earned. Written with `eval__backtest`."
    ),
    columns=(
        *_WHOSE,
        Column("kind", pl.String, "What the name is.", allowed=("sector", "size")),
        Column("name", pl.String, "TSE 33 sector or TOPIX size class."),
        _share("long_share", "Mean share of equity owned."),
        _share("short_share", "Mean share of equity sold short, 0 or less."),
        Column("pnl_jpy", pl.Float64, "Earned there; null for size classes.", "JPY", nullable=True),
        _share("contribution", "Earned there, as the sum of daily shares of equity; null for sizes.", nullable=True),
    ),
    key=("scores", "side", "kind", "name"),
    partitioned=False,
)

CAPACITY = Table(
    name="eval__backtest_capacity",
    description=(
        "The same strategy begun with more and more money: where impact and the cap on participation eat the edge. "
        "Written with `eval__backtest`."
    ),
    columns=(
        *_WHOSE,
        Column("capital_jpy", pl.Float64, "Money at the start.", "JPY", at_least=0),
        _share("annual_return", "Net return a year.", nullable=True),
        _share("excess_annual_return", "The same less that of TOPIX.", nullable=True),
        _share("sharpe", "Sharpe ratio a year.", nullable=True),
        _share("cost_share", "Commissions, spread and impact per yen of equity and year.", nullable=True),
        _share("turnover", "Yen bought and sold, halved, per yen of equity and year.", nullable=True),
        _share("invested", "Mean worth of positions per yen of equity.", nullable=True),
    ),
    key=("scores", "side", "capital_jpy"),
    partitioned=False,
)
