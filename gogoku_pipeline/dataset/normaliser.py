"""The one normalisation of the house: chosen by role, per session or trailing, never twice.

| role | compared with | how |
|---|---|---|
| stock | the day's universe | robust z (median, 1.4826 MAD, clipped) or rank-gauss or nothing; one choice per model |
| sector | the day's groups | the same, over the groups |
| market | its own last 250 sessions | z, at least 120 of them |
| calendar, mask; units flag and category | - | untouched |

Every transform uses the session itself or earlier ones, so nothing is fitted: `fitted_through` is None and training
and serving share the same code. Source: features.md 1.6.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Literal, Protocol

import numpy as np
import numpy.typing as npt
import polars as pl

from gogoku_pipeline.core.errors import DatasetError
from gogoku_pipeline.core.fingerprints import sha256_json
from gogoku_pipeline.dataset.cross_section import rank_gauss, robust_z

Floats = npt.NDArray[np.float32]
StockMethod = Literal["robust_z", "rank_gauss", "none"]

MARKET_WINDOW, MARKET_MIN_SESSIONS = 250, 120
MARKER = "_normalised_by"
"""Column that a normalised frame carries, so that nothing is normalised twice."""

_UNTOUCHED_UNITS = ("flag", "category")
_GROUP_COLUMNS = ("sector33_code", "sector17_code", "market_code")


class FeatureLike(Protocol):
    """What the normaliser must know about one feature."""

    @property
    def name(self) -> str:
        """Column name."""
        ...

    @property
    def role(self) -> str:
        """stock, sector, market, calendar or mask."""
        ...

    @property
    def unit(self) -> str:
        """Unit; `flag` and `category` are never normalised."""
        ...


class CatalogueLike(Protocol):
    """A frozen, hashed list of features (graph.catalogue)."""

    @property
    def features(self) -> Sequence[FeatureLike]:
        """In column order."""
        ...

    @property
    def names(self) -> Sequence[str]:
        """Feature names in column order."""
        ...

    @property
    def hash(self) -> str:
        """Content hash."""
        ...


@dataclass(frozen=True)
class NormalisedFrame:
    """Features after the one normalisation.

    Attributes:
        frame: session, code, features (Float32), and the marker column.
        key: which normalisation of which catalogue.
        fitted_through: last session anything was fitted on; None because nothing is.
    """

    frame: pl.DataFrame
    key: str
    fitted_through: date | None


class Normaliser:
    """Role-aware normaliser of one catalogue.

    Args:
        catalogue: names, roles and units.
        stock: `robust_z`, `rank_gauss` or `none` for roles stock and sector.
        clip: bound of every z-score.

    Raises:
        DatasetError: an unknown method or role, or a clip that is not positive.
    """

    def __init__(self, catalogue: CatalogueLike, *, stock: StockMethod = "robust_z", clip: float = 5.0) -> None:
        if stock not in ("robust_z", "rank_gauss", "none"):
            raise _bad("stock", repr(stock), "robust_z, rank_gauss or none", "Choose one of them.")
        if not clip > 0:
            raise _bad("clip", str(clip), "a positive number", "Use 5.")
        self.names = tuple(catalogue.names)
        self.stock: StockMethod = stock
        self.clip = clip
        self.fitted_through: date | None = None
        self.key = sha256_json({"catalogue": catalogue.hash, "stock": stock, "clip": clip, "layout": 1})[:16]
        self._columns: dict[str, list[int]] = {"stock": [], "market": [], **{name: [] for name in _GROUP_COLUMNS}}
        for place, feature in enumerate(catalogue.features):
            self._assign(place, feature)

    def _assign(self, place: int, feature: FeatureLike) -> None:
        if feature.role not in ("stock", "sector", "market", "calendar", "mask"):
            raise _bad(f"role of {feature.name}", repr(feature.role), "a known role", "Correct its declaration.")
        if feature.unit in _UNTOUCHED_UNITS or feature.role in ("calendar", "mask"):
            return
        if feature.role == "sector":
            self._columns[_group_of(feature)].append(place)
        else:
            self._columns[feature.role].append(place)

    @property
    def market_names(self) -> list[str]:
        """Features that are one number per session and are compared with their own past."""
        return [self.names[place] for place in self._columns["market"]]

    def market_table(self, daily: pl.DataFrame) -> pl.DataFrame:
        """Trailing z-scores of market-wide features on their own date table.

        Args:
            daily: one row per session: session and `market_names`; earlier sessions only lengthen the window.

        Returns:
            The same rows and columns, Float32; null before 120 observations and where the window is constant.
        """
        frame = daily.sort("session")
        out = []
        for name in self.market_names:
            value = pl.col(name).cast(pl.Float64).fill_nan(None)
            mean = value.rolling_mean(MARKET_WINDOW, min_samples=MARKET_MIN_SESSIONS)
            spread = value.rolling_std(MARKET_WINDOW, min_samples=MARKET_MIN_SESSIONS)
            # a window of one repeated value leaves rounding dust in the rolling spread, not exactly 0
            varies = spread > 1e-9 * value.abs().rolling_max(MARKET_WINDOW, min_samples=1)
            z = pl.when(varies).then((value - mean) / spread).clip(-self.clip, self.clip)
            out.append(z.cast(pl.Float32).alias(name))
        return frame.select("session", *out)

    def transform(
        self, features: pl.DataFrame | NormalisedFrame, universe: pl.DataFrame, market: pl.DataFrame | None = None
    ) -> NormalisedFrame:
        """Normalise every row of a frame of raw features.

        Args:
            features: session, code, and every feature of the catalogue.
            universe: `core__universe` rows of the same sessions (is_in_universe and the group codes).
            market: result of `market_table` with enough history; None computes it from `features` alone.

        Returns:
            All rows, sorted by session and code. Rows outside the universe are measured with the universe's ruler.

        Raises:
            DatasetError: the frame was normalised before, lacks features or holds infinite values.
        """
        if isinstance(features, NormalisedFrame) or MARKER in features.columns:
            raise _bad(
                "norm(norm(x))",
                "features that were normalised before",
                "raw features",
                "Normalise once, when the panel is built.",
            )
        if missing := [name for name in self.names if name not in features.columns]:
            raise _bad("features", f"no columns {missing[:5]}", "every feature of the catalogue", "Materialise them.")
        joined = (
            features.select("session", "code", *self.names)
            .join(
                universe.select("session", "code", "is_in_universe", *_GROUP_COLUMNS),
                on=["session", "code"],
                how="left",
            )
            .sort("session", "code")
        )
        values = joined.select(pl.col(self.names).cast(pl.Float32).fill_null(float("nan"))).to_numpy(order="c").copy()
        if infinite := [name for name, bad in zip(self.names, np.isinf(values).any(axis=0), strict=True) if bad]:
            raise _bad(
                "features", f"infinite values in {infinite[:5]}", "finite values or null", "Correct the formula."
            )
        self._stocks_and_groups(joined, values)
        out = pl.DataFrame(values, schema=dict.fromkeys(self.names, pl.Float32)).fill_nan(None)
        frame = pl.concat([joined.select("session", "code"), out], how="horizontal")
        frame = self._with_market(frame, market if market is not None else self.market_table(self.daily(features)))
        return NormalisedFrame(
            frame.with_columns(pl.lit(self.key).alias(MARKER)), key=self.key, fitted_through=self.fitted_through
        )

    def daily(self, features: pl.DataFrame) -> pl.DataFrame:
        """The market-wide features of a stock-level frame, once per session."""
        return features.group_by("session").agg(pl.col(name).drop_nulls().first() for name in self.market_names)

    def _with_market(self, frame: pl.DataFrame, market: pl.DataFrame) -> pl.DataFrame:
        if not self.market_names:
            return frame
        joined = frame.drop(self.market_names).join(
            market.select("session", *self.market_names), on="session", how="left", maintain_order="left"
        )
        return joined.select("session", "code", *self.names)

    def _stocks_and_groups(self, joined: pl.DataFrame, values: Floats) -> None:
        """Normalise stock and sector columns in place, one session at a time."""
        if self.stock == "none" or joined.is_empty():
            return
        member = joined["is_in_universe"].fill_null(False).to_numpy()
        groups = {name: joined[name].rank("dense").fill_null(0).to_numpy() for name in _GROUP_COLUMNS}
        measure: Callable[[Floats, npt.NDArray[np.bool_]], Floats] = (
            rank_gauss if self.stock == "rank_gauss" else lambda block, inside: robust_z(block, inside, self.clip)
        )
        starts = np.flatnonzero(np.diff(joined["session"].to_physical().to_numpy(), prepend=-(2**31)))
        for start, stop in zip(starts, [*starts[1:], len(values)], strict=True):
            block, inside = values[start:stop], member[start:stop]
            if places := self._columns["stock"]:
                block[:, places] = measure(block[:, places], inside)
            for name in _GROUP_COLUMNS:
                if places := self._columns[name]:
                    block[:, places] = _over_groups(block[:, places], groups[name][start:stop], measure)


def _over_groups(
    block: Floats, group: npt.NDArray[np.int64], measure: Callable[[Floats, npt.NDArray[np.bool_]], Floats]
) -> Floats:
    """Normalise group-constant columns over the groups, then hand each member its group's value."""
    names, place = np.unique(group, return_inverse=True)
    table = np.full((len(names), block.shape[1]), np.nan, dtype=np.float32)
    np.fmax.at(table, place, block)
    return measure(table, names > 0)[place]


def _group_of(feature: FeatureLike) -> str:
    """Column of the groups a sector feature is constant in, read from its declared axis or its name."""
    said = f"{getattr(feature, 'axis', '')} {feature.name}".lower()
    if "s17" in said or "sec17" in said:
        return "sector17_code"
    return "market_code" if "section" in said else "sector33_code"


def _bad(thing: str, got: str, want: str, remedy: str) -> DatasetError:
    return DatasetError(thing, got=got, want=want, remedy=remedy)
