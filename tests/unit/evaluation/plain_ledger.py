"""A second backtest, slow and plain: one dictionary per day, one loop per rule, whole numbers and fractions of yen.

Written from the rules, not from the engine: it shares no code with it but the configuration's fields. Small markets
only. `keep_books` returns the closing accounts of every session and every fill.
"""

import csv
import math
from collections import defaultdict
from datetime import date
from fractions import Fraction
from importlib.resources import files

CORE = files("gogoku_pipeline.core")
LIMITS = [(Fraction(row["base_price_below"]), Fraction(row["limit_yen"]))
          for row in csv.DictReader((CORE / "daily_price_limits.csv").read_text().splitlines())]  # fmt: skip
TICKS = [(Fraction(row["price_up_to"]), Fraction(row["tick_topix500"]), Fraction(row["tick_other"]))
         for row in csv.DictReader((CORE / "tick_sizes.csv").read_text().splitlines())]  # fmt: skip


def exact(number):
    """The decimal number a float prints as."""
    return Fraction(str(number))


def tick_of(price, fine):
    return next((small if fine else other for bound, small, other in TICKS if price <= bound), TICKS[-1][2])


def daily_limits(base, fine):
    width = next((width for bound, width in LIMITS if base < bound), LIMITS[-1][1])
    high, low = base + width, max(base - width, Fraction(1, 10**7))
    up, down = tick_of(high, fine), tick_of(low, fine)
    return max(math.ceil(low / down) * down, down), math.floor(high / up) * up


def has_fine_tick(day, scale):
    members = {"TOPIX Core30", "TOPIX Large70"} if day >= date(2014, 1, 14) else set()
    return scale in members | ({"TOPIX Mid400"} if day >= date(2023, 6, 5) else set())


class Exchange:
    """What the tables say, by issue and day."""

    def __init__(self, frames):
        self.bars = {(row["code"], row["session"]): row for row in frames.bars.to_dicts()}
        self.days = sorted({day for _, day in self.bars})
        self.codes = sorted({code for code, _ in self.bars})
        self.listed = {(row["code"], row["session"]): row for row in frames.listed.to_dicts()}
        self.last_day = {code: max(day for other, day in self.bars if other == code) for code in self.codes}
        self.members = None
        if frames.universe is not None:
            self.members = {(row["code"], row["session"]) for row in frames.universe.to_dicts() if row["is_tradable"]}
        self.paid = defaultdict(Fraction)
        newest = {}
        for row in [] if frames.dividends is None else frames.dividends.to_dicts():
            order = (
                row["published_date"],
                row["published_time"],
                len(row["reference_number"]),
                row["reference_number"],
            )
            chain = (row["code"], row["original_reference_number"])
            if chain not in newest or order > newest[chain][0]:
                newest[chain] = (order, row)
        for _, row in newest.values():
            if row["status"] != "3" and row["dividend_jpy"]:
                self.paid[row["code"], row["ex_date"]] += exact(row["dividend_jpy"])
        self._price = {}

    def factor(self, code, day):
        """(new shares, old shares, base over last price, is a rights issue) of an ex-date, None on other days."""
        row = self.bars.get((code, day))
        if row is None or row["adjustment_factor"] == 1.0:
            return None
        published = row["adjustment_factor"]
        if row["ex_rights_type"] == "3":
            return 1, 1, exact(published), True
        terms = [(new, old) for new in range(1, 31) for old in range(1, 31) if abs(new / old * published - 1) < 1e-5]
        new, old = min(terms)
        return new, old, Fraction(old, new), False

    def trade_of(self, code, day):
        """The bar of a day on which the issue traded, else None."""
        row = self.bars.get((code, day))
        is_traded = row and all(row[name] for name in ("open_jpy", "close_jpy", "volume_shares"))
        return row if is_traded else None

    def close(self, code, day):
        """Last price up to a day's close on the day's share basis, None before the first."""
        if (code, day) not in self._price:
            row = self.trade_of(code, day)
            self._price[code, day] = exact(row["close_jpy"]) if row else self.base(code, day)
        return self._price[code, day]

    def base(self, code, day):
        place = self.days.index(day)
        if place == 0:
            return None
        last, event = self.close(code, self.days[place - 1]), self.factor(code, day)
        return last if last is None or event is None else last * event[2]

    def volume(self, code, day, window):
        """Average daily shares before a day, on its share basis; None without any session."""
        place = self.days.index(day)
        seen, basis = [], Fraction(1)
        for back in range(place, max(place - window, 0), -1):
            if event := self.factor(code, self.days[back]):
                basis *= Fraction(event[0], event[1])
            before = self.days[back - 1]
            if (code, before) in self.bars and any(self.bars.get((other, before), {}).get("volume_shares")
                                                   for other in self.codes):  # fmt: skip
                seen.append(exact(self.bars[code, before]["volume_shares"] or 0) * basis)
        return sum(seen) / len(seen) if seen else None

    def volatility(self, code, day, window):
        place = self.days.index(day)
        moves = []
        for past in self.days[max(place - window, 0) : place]:
            row, base = self.trade_of(code, past), self.base(code, past)
            if row and base:
                moves.append(math.log(float(exact(row["close_jpy"]) / base)))
        if len(moves) < max(min(10, window), 2):
            return None
        mean = sum(moves) / len(moves)
        return math.sqrt(sum((move - mean) ** 2 for move in moves) / (len(moves) - 1))

    def is_fine(self, code, day):
        known = [past for past in self.days if past <= day and (code, past) in self.listed]
        return bool(known) and has_fine_tick(day, self.listed[code, known[-1]]["scale_category"])

    def forbids(self, code, day):
        """(no sale, no purchase) at the open of a day."""
        row, base = self.trade_of(code, day), self.base(code, day)
        low, high = daily_limits(base, self.is_fine(code, day)) if base else (-1, math.inf)
        price = exact(row["open_jpy"])
        return (
            price <= low or (row["is_limit_down"] and row["open_jpy"] == row["low_jpy"]),
            price >= high or (row["is_limit_up"] and row["open_jpy"] == row["high_jpy"]),
        )


class Books:
    """Cash and shares, and what may be done with them."""

    def __init__(self, exchange, config):
        self.exchange, self.config = exchange, config
        self.cash, self.shares, self.wanted = exact(config.capital_jpy), defaultdict(int), {}
        self.ranks, self.fills, self.accounts = [], [], []
        self.paid_out, self.fees, self.spent = Fraction(0), 0.0, 0.0

    def overnight(self, day, before):
        costs, exchange = self.config.costs, self.exchange
        for code, held in self.shares.items():
            part = 1 - exact(costs.dividend_tax) if held > 0 else exact(costs.short_dividend_share)
            money = held * exchange.paid[code, day] * part
            self.paid_out += money
            fee = 0.0
            if held < 0:
                fee = -held * float(exchange.close(code, before)) * costs.borrow_fee * (day - before).days / 365
            self.fees += fee
            self.cash += money - Fraction(fee)
        for code in sorted(set(self.shares) | set(self.wanted)):
            self.convert(code, day, before)

    def convert(self, code, day, before):
        exchange, held = self.exchange, self.shares[code]
        if day > exchange.last_day[code]:
            if held:
                self.cash += held * exchange.base(code, day)
                self.fills.append((day, code, "delisted", -held, float(exchange.base(code, day)), 0.0))
            self.shares[code], self.wanted[code] = 0, 0
        elif event := exchange.factor(code, day):
            new, old, factor, is_rights = event
            if is_rights:
                self.cash += held * exchange.close(code, before) * (1 - factor) if held else 0
                return
            after = int(Fraction(held * new, old))
            self.cash += (Fraction(held * new, old) - after) * exchange.base(code, day) if held else 0
            self.shares[code], self.wanted[code] = after, int(Fraction(self.wanted.get(code, 0) * new, old))

    def trade(self, day):
        lot, traded = self.config.lot_shares, defaultdict(int)
        for code in self.exchange.codes:
            held, wanted = self.shares[code], self.wanted.get(code, 0)
            if held and (abs(wanted) < abs(held) or wanted * held < 0):
                rest = max(wanted, 0) if held > 0 else max(-wanted, 0)
                size = abs(held) if rest == 0 else (abs(held) - rest) // lot * lot
                self.deal(day, code, -size if held > 0 else size, traded)
        for code in self.exchange.codes:
            held, wanted = self.shares[code], self.wanted.get(code, 0)
            if wanted < held <= 0:
                self.deal(day, code, -((held - wanted) // lot * lot), traded)
        locked = sum(-held * self.price(code, day) for code, held in self.shares.items() if held < 0)
        for code in self.ranks:
            held, wanted = self.shares[code], self.wanted.get(code, 0)
            if wanted > held >= 0:
                self.deal(day, code, (wanted - held) // lot * lot, traded, locked)

    def price(self, code, day):
        row = self.exchange.trade_of(code, day)
        return exact(row["open_jpy"]) if row else self.exchange.base(code, day)

    def deal(self, day, code, shares, traded, locked=None):
        row = self.exchange.trade_of(code, day)
        if shares == 0 or row is None or self.exchange.forbids(code, day)[shares > 0]:
            return
        volume = self.exchange.volume(code, day, self.config.volume_window)
        room = exact(self.config.participation) * volume - traded[code] if volume is not None else 0
        lot, size = self.config.lot_shares, abs(shares)
        if size > room:
            size = int(max(room, 0) // lot) * lot
        price = exact(row["open_jpy"])
        while locked is not None and size > 0:
            if size * price + Fraction(self.cost(day, code, size, price, volume)) <= self.cash - locked:
                break
            size -= lot
        if size <= 0:
            return
        cost = self.cost(day, code, size, price, volume)
        signed = size if shares > 0 else -size
        self.cash -= signed * price + Fraction(cost)
        self.shares[code] += signed
        traded[code] += size
        self.spent += cost
        self.fills.append((day, code, "fill", signed, float(price), cost))

    def cost(self, day, code, size, price, volume):
        costs, value = self.config.costs, float(size * price)
        tiers = zip((*costs.commission_bounds_jpy, math.inf), costs.commission_rates, strict=True)
        commission = next(rate for bound, rate in tiers if value <= bound) * value
        spread = costs.half_spread_ticks * float(tick_of(price, self.exchange.is_fine(code, day))) * size
        sigma = self.exchange.volatility(code, day, self.config.volume_window)
        sigma = costs.unknown_volatility if sigma is None else sigma
        return commission + spread + costs.impact * sigma * math.sqrt(size / float(volume)) * value

    def close(self, day):
        worth = {code: held * self.exchange.close(code, day) for code, held in self.shares.items() if held}
        equity = self.cash + sum(worth.values())
        self.accounts.append(
            {
                "session": day,
                "equity": float(equity),
                "cash": float(self.cash),
                "dividends": float(self.paid_out),
                "fees": self.fees,
                "costs": self.spent,
                "shares": {code: held for code, held in self.shares.items() if held},
            }
        )
        self.paid_out, self.fees, self.spent = Fraction(0), 0.0, 0.0
        return equity

    def decide(self, day, scores, equity):
        able = [code for code in scores if (code, day) in self.exchange.bars and self.exchange.close(code, day)]
        if self.exchange.members is not None:
            able = [code for code in able if (code, day) in self.exchange.members]
        if len(able) < self.config.min_names or len({scores[code] for code in able}) == 1:
            return False
        ranked = sorted(able, key=lambda code: (-scores[code], code))
        self.wanted = dict.fromkeys(self.wanted, 0)
        picked = self.pick(day, ranked, 1, self.config.gross_long * float(equity))
        self.ranks = picked
        if self.config.side == "long_short":
            loanable = [code for code in able if self.exchange.listed.get((code, day), {}).get("margin_class") == "2"]
            worst = sorted(loanable, key=lambda code: (scores[code], code))
            self.pick(day, [code for code in worst if code not in picked], -1, self.config.gross_short * float(equity))
        return True

    def pick(self, day, ranked, sign, money):
        if not ranked:
            return []
        places, stay = self.count(self.config.enter, ranked), self.count(self.config.leave, ranked)
        kept = [code for code in ranked[: max(places, stay)] if sign * self.shares[code] > 0][:places]
        fresh = [code for code in ranked[:places] if sign * self.shares[code] <= 0][: places - len(kept)]
        for code in kept + fresh:
            price, own = float(self.exchange.close(code, day)), max(sign * self.shares[code], 0)
            share = money / places
            is_near = own > 0 and abs(own * price - share) <= self.config.drift_band * share
            lots = math.floor(share / (price * self.config.lot_shares) + 1e-9) * self.config.lot_shares
            self.wanted[code] = sign * (own if is_near else lots)
        return sorted(kept + fresh, key=ranked.index)

    @staticmethod
    def count(size, ranked):
        return max(round(size * len(ranked)), 1) if size < 1 else int(size)


def keep_books(frames, scores, config):
    """Closing accounts of every session from the first ranking on, and every fill.

    `scores`: {session: {code: score}} of deciding sessions; the books end with the last bar.
    """
    exchange = Exchange(frames)
    books, before = Books(exchange, config), None
    for day in exchange.days:
        if before is None and not Books(exchange, config).decide(day, scores.get(day, {}), exact(config.capital_jpy)):
            continue
        if before is not None:
            books.overnight(day, before)
            books.trade(day)
        equity = books.close(day)
        if scores.get(day):
            books.decide(day, scores[day], equity)
        before = day
    return books.accounts, books.fills
