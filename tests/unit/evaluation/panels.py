"""A small made-up market for the evaluation room: labels with a known signal, and scores that see part of it."""

from datetime import date, timedelta

import numpy as np
import polars as pl

START = date(2024, 1, 4)


class Panel:
    """Labels of `days` x `names` and scores whose daily RankIC is about what was asked for."""

    def __init__(self, days: int = 120, names: int = 60, seed: int = 0) -> None:
        self.days, self.names = days, names
        self.rng = np.random.default_rng(seed)
        self.hidden = self.rng.normal(size=(days, names))
        self.sessions = [START + timedelta(days=n) for n in range(days)]
        self.codes = [f"{1000 + n}0" for n in range(names)]

    def keys(self) -> pl.DataFrame:
        return pl.DataFrame(
            {
                "session": [session for session in self.sessions for _ in self.codes],
                "code": self.codes * self.days,
            },
            schema={"session": pl.Date, "code": pl.String},
        ).with_columns(pl.lit(5, dtype=pl.Int16).alias("horizon_d"))

    def labels(self) -> pl.DataFrame:
        return self.keys().with_columns(
            pl.Series("ret_open", self.hidden.ravel() * 0.03),
            pl.Series("gauss_open", self.hidden.ravel()),
            pl.lit(None, dtype=pl.String).alias("reason"),
        )

    def scores(self, model: str, ic: float, *, seeds: int = 3, shared: float = 0.9) -> pl.DataFrame:
        """Scores with correlation `ic` to the label; `shared` of the noise is common to the model's seeds."""
        base = self.rng.normal(size=self.hidden.shape)
        parts = []
        for seed in range(seeds):
            noise = np.sqrt(shared) * base + np.sqrt(1 - shared) * self.rng.normal(size=base.shape)
            value = ic * self.hidden + np.sqrt(1 - ic * ic) * noise
            parts.append(
                self.keys().with_columns(
                    pl.lit(model).alias("model"),
                    pl.lit(seed).alias("seed"),
                    pl.lit(0).alias("fold"),
                    pl.Series("score", value.ravel()),
                    pl.lit(True).alias("is_counted"),
                )
            )
        return pl.concat(parts)

    def exposures(self) -> pl.DataFrame:
        shape = self.days * self.names
        return (
            self.keys()
            .drop("horizon_d")
            .with_columns(
                pl.Series("log10_adv_20d_jpy", self.rng.normal(8, 1, shape)),
                pl.Series("vol_20d", self.rng.gamma(2, 0.01, shape)),
                pl.Series("beta_60d", self.rng.normal(1, 0.3, shape)),
                pl.Series("sector33_code", self.rng.choice(["0050", "1050", "2050"], shape)),
            )
        )
