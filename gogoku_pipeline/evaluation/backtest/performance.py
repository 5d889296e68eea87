"""What the accounts say: return, risk, drawdown, costs, beside TOPIX; and whether it is too good to be believed.

Daily simple returns, net of everything; years have 245 sessions. Cash earns nothing, so no rate is taken off a Sharpe
ratio. TOPIX is the price index: a strategy's dividends are in its return and not in the index's.
"""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass
from datetime import date

import numpy as np
import numpy.typing as npt
import polars as pl
from scipy.stats import kurtosis, skew

from gogoku_pipeline.core.sessions import SESSIONS_PER_YEAR
from gogoku_pipeline.evaluation.backtest.accounts import COSTS
from gogoku_pipeline.evaluation.backtest.result import BacktestResult
from gogoku_pipeline.evaluation.deflation import probabilistic_sharpe
from gogoku_pipeline.evaluation.trials import deflated_by_ledger

Floats = npt.NDArray[np.float64]

SUSPECT_WIN_RATE, SUSPECT_SHARPE = 0.65, 4.0
"""Above either, the leak audit must explain the run (evaluation protocol, section 6)."""


@dataclass(frozen=True)
class Performance:
    """One line about a backtest; shares, not per cent. NaN where the data cannot say.

    Attributes:
        first, last: sessions of the first and the last close.
        sessions: daily returns.
        total_return, annual_return: net; the latter compounded per 245 sessions.
        gross_annual_return: before commissions, spread, impact and borrowing fees.
        annual_volatility: standard deviation (ddof 1) x sqrt(245).
        sharpe: mean / standard deviation x sqrt(245).
        probabilistic_sharpe: probability that the true Sharpe ratio is above 0.
        deflated_sharpe: probability that it is above what the best of all trials would show by luck; NaN without a
            ledger of trials.
        trials: how many were counted; 0 without a ledger.
        skewness, kurtosis: of daily returns (3 for a normal law).
        max_drawdown: largest fall of equity from a peak, below 0.
        drawdown_from, drawdown_to: its peak and its trough.
        var_95, cvar_95, var_99, cvar_99: loss exceeded on 5 % (1 %) of sessions, and the mean loss then, above 0 for
            losses: historical, no law assumed.
        win_rate: share of sessions with a return above 0.
        turnover: yen bought and sold, halved, per yen of equity and year.
        cost_share: commissions, spread and impact per yen of equity and year.
        commission_share, spread_share, impact_share, borrow_share, dividend_share: the parts, and what was received.
        invested, net: mean long value plus short value, and minus it, per yen of equity.
        names_long, names_short: mean positions.
        topix_annual_return, topix_volatility: of the index on the same sessions.
        excess_annual_return: difference of the two annual returns.
        beta, alpha: of daily returns on TOPIX; alpha per year.
        tracking_error, information_ratio: of the daily difference, per year.
        suspicions: why the leak audit must look at this run; empty for none.
    """

    first: date
    last: date
    sessions: int
    total_return: float
    annual_return: float
    gross_annual_return: float
    annual_volatility: float
    sharpe: float
    probabilistic_sharpe: float
    deflated_sharpe: float
    trials: int
    skewness: float
    kurtosis: float
    max_drawdown: float
    drawdown_from: date
    drawdown_to: date
    var_95: float
    cvar_95: float
    var_99: float
    cvar_99: float
    win_rate: float
    turnover: float
    cost_share: float
    commission_share: float
    spread_share: float
    impact_share: float
    borrow_share: float
    dividend_share: float
    invested: float
    net: float
    names_long: float
    names_short: float
    topix_annual_return: float
    topix_volatility: float
    excess_annual_return: float
    beta: float
    alpha: float
    tracking_error: float
    information_ratio: float
    suspicions: tuple[str, ...]

    def to_frame(self) -> pl.DataFrame:
        """One row, NaN as null, suspicions as a list."""
        row = asdict(self) | {"suspicions": list(self.suspicions)}
        frame = pl.DataFrame([row], schema_overrides={"suspicions": pl.List(pl.String)})
        return frame.with_columns(pl.selectors.float().fill_nan(None))


def performance(result: BacktestResult, ledger: pl.DataFrame | None = None) -> Performance:
    """The figures of one backtest; see `performance_of`."""
    return performance_of(result.daily, ledger)


def performance_of(daily: pl.DataFrame, ledger: pl.DataFrame | None = None) -> Performance:
    """Read the figures off the accounts of one backtest.

    Args:
        daily: `BacktestResult.daily`, as made or as kept.
        ledger: every trial ever logged (`trials.TRIALS`), judged by daily returns like these, for the deflated Sharpe
            ratio; None leaves it out.
    """
    returns = daily["ret"].drop_nulls().to_numpy()
    index = daily["topix_ret"][1:].fill_null(float("nan")).to_numpy()
    equity = daily["equity_jpy"].to_numpy()
    peak, trough, fall = _drawdown(equity)
    years = len(returns) / SESSIONS_PER_YEAR
    before = equity[:-1]

    def per_year(*names: str) -> float:
        return float(sum((daily[name].to_numpy()[1:] / before).sum() for name in names) / years)

    growth = (daily["long_jpy"] / daily["equity_jpy"]).to_numpy(), (daily["short_jpy"] / daily["equity_jpy"]).to_numpy()
    annual, topix = _annual(returns), _annual(index)
    deflated = None if ledger is None else deflated_by_ledger(returns, ledger)
    sharpe, won = _ratio(returns), float((returns > 0).mean())
    return Performance(
        first=daily["session"][0],
        last=daily["session"][-1],
        sessions=len(returns),
        total_return=float(equity[-1] / equity[0] - 1),
        annual_return=annual,
        gross_annual_return=_annual(daily["gross_ret"].drop_nulls().to_numpy()),
        annual_volatility=_volatility(returns),
        sharpe=sharpe,
        probabilistic_sharpe=probabilistic_sharpe(returns),
        deflated_sharpe=math.nan if deflated is None else deflated.probability,
        trials=0 if deflated is None else deflated.n_trials,
        skewness=float(skew(returns)) if _volatility(returns) > 0 else math.nan,
        kurtosis=float(kurtosis(returns, fisher=False)) if _volatility(returns) > 0 else math.nan,
        max_drawdown=fall,
        drawdown_from=daily["session"][peak],
        drawdown_to=daily["session"][trough],
        **_tails(returns),
        win_rate=won,
        turnover=per_year("bought_jpy", "sold_jpy") / 2,
        cost_share=per_year(*COSTS),
        commission_share=per_year("commission_jpy"),
        spread_share=per_year("spread_jpy"),
        impact_share=per_year("impact_jpy"),
        borrow_share=per_year("borrow_jpy"),
        dividend_share=per_year("dividends_jpy"),
        invested=float((growth[0] - growth[1]).mean()),
        net=float((growth[0] + growth[1]).mean()),
        names_long=float(daily["n_long"].to_numpy().mean()),
        names_short=float(daily["n_short"].to_numpy().mean()),
        topix_annual_return=topix,
        topix_volatility=_volatility(index),
        excess_annual_return=annual - topix,
        **_against(returns, index),
        suspicions=_suspicions(sharpe, won),
    )


def value_at_risk(returns: Floats, level: float) -> tuple[float, float]:
    """Historical loss exceeded with probability 1 - level, and the mean of the losses at least as large.

    The loss is the smallest of the ceil(n (1 - level)) worst returns, sign turned: no interpolation, so both are
    losses that happened. (NaN, NaN) without returns.
    """
    if not len(returns):
        return math.nan, math.nan
    worst = np.sort(returns)[: max(math.ceil(len(returns) * (1 - level) - 1e-9), 1)]
    return -float(worst[-1]), -float(worst.mean())


def _tails(returns: Floats) -> dict[str, float]:
    (var_95, cvar_95), (var_99, cvar_99) = (value_at_risk(returns, level) for level in (0.95, 0.99))
    return {"var_95": var_95, "cvar_95": cvar_95, "var_99": var_99, "cvar_99": cvar_99}


def _drawdown(equity: Floats) -> tuple[int, int, float]:
    """Places of peak and trough, and the fall, 0 or below."""
    peaks = np.maximum.accumulate(equity)
    fall = equity / peaks - 1.0
    trough = int(np.argmin(fall))
    return int(np.argmax(equity[: trough + 1])), trough, float(fall[trough])


def _annual(returns: Floats) -> float:
    growth = float(np.prod(1.0 + returns))
    return growth ** (SESSIONS_PER_YEAR / len(returns)) - 1.0 if len(returns) and growth > 0 else math.nan


def _volatility(returns: Floats) -> float:
    return float(returns.std(ddof=1)) * math.sqrt(SESSIONS_PER_YEAR) if len(returns) > 1 else math.nan


def _ratio(returns: Floats) -> float:
    risk = _volatility(returns)
    return float(returns.mean()) * SESSIONS_PER_YEAR / risk if risk > 0 else math.nan


def _against(returns: Floats, index: Floats) -> dict[str, float]:
    """Beta, alpha, tracking error and information ratio; NaN without an index that moves."""
    if not (_volatility(index) > 0):
        return dict.fromkeys(("beta", "alpha", "tracking_error", "information_ratio"), math.nan)
    beta = float(np.cov(returns, index, ddof=1)[0, 1] / index.var(ddof=1))
    return {
        "beta": beta,
        "alpha": float(returns.mean() - beta * index.mean()) * SESSIONS_PER_YEAR,
        "tracking_error": _volatility(returns - index),
        "information_ratio": _ratio(returns - index),
    }


def _suspicions(sharpe: float, won: float) -> tuple[str, ...]:
    found = []
    if won > SUSPECT_WIN_RATE:
        found.append(f"{won:.0%} of sessions won, above {SUSPECT_WIN_RATE:.0%}: run the leak audit")
    if sharpe > SUSPECT_SHARPE:
        found.append(f"Sharpe {sharpe:.2f}, above {SUSPECT_SHARPE:g}: run the leak audit")
    return tuple(found)
