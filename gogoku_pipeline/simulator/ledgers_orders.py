"""Who traded: the auction volume of a session split by kind of order, sells on one side, buys on the other.

Both sides of every issue add up to the same shares and the same yen: AUCTION_SHARE of the session's volume. New and
closing margin orders move the credit ledger: new buys less closing sells is the day's change of the longs, new sells
less closing buys that of the shorts, as far as the day's volume allows it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from gogoku_pipeline.core.seeds import stream
from gogoku_pipeline.simulator.ledgers import LOT, Lots, balances, normals

if TYPE_CHECKING:
    from gogoku_pipeline.simulator.market import Market

Floats = npt.NDArray[np.float64]

AUCTION_SHARE = 0.92
SELLS = ("LongSell", "ShrtNoMrgn", "MrgnSellNew", "MrgnSellClose")
BUYS = ("LongBuy", "MrgnBuyNew", "MrgnBuyClose")
LARGEST_LONG_FLOW, LARGEST_SHORT_FLOW = 0.5, 0.3


@dataclass(frozen=True)
class Orders:
    """One session's orders, arrays [issues]; zero where nothing traded.

    Attributes:
        shares: by kind (SELLS and BUYS), multiples of a lot.
        yen: by kind, whole yen.
        traded: whether the issue traded.
    """

    shares: dict[str, Lots]
    yen: dict[str, Lots]
    traded: npt.NDArray[np.bool_]


def orders(market: Market, place: int) -> Orders:
    """Split a session's auction volume by kind of order."""
    history, n = market.history, len(market.codes)
    draws = stream(market.config.seed, "orders", place).random((3, n))
    traded = history.close[place] > 0
    lots = history.lots[place].astype(np.int64)
    total = np.where(traded, np.maximum((lots * AUCTION_SHARE).astype(np.int64), 1), 0)
    change_long, change_short = _ledger_changes(market, place)
    busy = np.where(normals(market).has_margin, total, 0)
    buy_new, sell_close = _new_and_close(change_long, busy * (0.2 + 0.2 * draws[0]), busy, LARGEST_LONG_FLOW)
    sell_new, buy_close = _new_and_close(change_short, busy * (0.03 + 0.08 * draws[1]), busy, LARGEST_SHORT_FLOW)
    open_sells = total - sell_close - sell_new
    short = (open_sells * _professional_share(market, place, draws[2])).astype(np.int64)
    shares = {
        "LongSell": (open_sells - short) * LOT,
        "ShrtNoMrgn": short * LOT,
        "MrgnSellNew": sell_new * LOT,
        "MrgnSellClose": sell_close * LOT,
        "LongBuy": (total - buy_new - buy_close) * LOT,
        "MrgnBuyNew": buy_new * LOT,
        "MrgnBuyClose": buy_close * LOT,
    }
    price = np.where(traded, turnover(market, place) / np.maximum(lots * LOT, 1), 0.0)
    money = np.rint(price * total * LOT).astype(np.int64)
    yen = _in_yen(shares, SELLS, price, money) | _in_yen(shares, BUYS, price, money)
    return Orders(shares, yen, traded)


def turnover(market: Market, place: int) -> Floats:
    """Yen traded in a session as the daily bars print it, shape [issues]; 0 without trade."""
    history = market.history
    prices = (getattr(history, name)[place] / 10.0 for name in ("open", "high", "low", "close"))
    yen: Floats = np.rint(history.lots[place].astype(np.float64) * LOT * (sum(prices) / 4.0))
    return yen


def _ledger_changes(market: Market, place: int) -> tuple[Lots, Lots]:
    """Change of margin longs and shorts over the session in lots of its own basis; 0 on the first day of an issue."""
    if place == 0:
        nothing = np.zeros(len(market.codes), dtype=np.int64)
        return nothing, nothing
    now, before = balances(market, place), balances(market, place - 1, basis_of=place)
    stays = market.listings.listed(place - 1)
    return np.where(stays, now.long - before.long, 0) // LOT, np.where(stays, now.short - before.short, 0) // LOT


def _new_and_close(change: Lots, gross: Floats, total: Lots, largest: float) -> tuple[Lots, Lots]:
    """New and closing lots that differ by `change`, together about `gross`, neither above its part of the total."""
    both = np.maximum(gross.astype(np.int64), np.abs(change))
    lesser = (both - np.abs(change)) // 2
    greater = lesser + np.abs(change)
    cap = (total * largest).astype(np.int64)
    new = np.minimum(np.where(change >= 0, greater, lesser), cap)
    close = np.minimum(np.where(change >= 0, lesser, greater), cap)
    return new, close


def _professional_share(market: Market, place: int, draws: Floats) -> Floats:
    """Part of the sells without margin that is sold short: 25-45 %, more when the index falls."""
    topix = market.history.topix
    move = 0.0 if place == 0 else float(topix[place, 3] / topix[place - 1, 3] - 1.0)
    result: Floats = 0.25 + 0.2 * draws + np.clip(-2.0 * move, -0.1, 0.1)
    return result


def _in_yen(shares: dict[str, Lots], kinds: tuple[str, ...], price: Floats, money: Lots) -> dict[str, Lots]:
    """The side's money in proportion to its shares, cut to whole yen; the first kind takes what is left over."""
    rest = {kind: np.floor(price * shares[kind]).astype(np.int64) for kind in kinds[1:]}
    return {kinds[0]: money - sum(rest.values(), start=np.zeros_like(money)), **rest}
