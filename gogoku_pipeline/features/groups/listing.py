"""Where and how an issue is listed, how old its listing is, and when its share count last moved by a split.

Part of the catalogue's group `size`; what needs statements (market value, issuance) is declared in `size`. Codes are
numbers for a model's categories, not quantities.
"""

from __future__ import annotations

from gogoku_pipeline.features.declaration import per_stock
from gogoku_pipeline.features.expressions import Expr, K, P, equal, log
from gogoku_pipeline.features.operators.touches import claim_age
from gogoku_pipeline.features.operators.windows import total

AGE_CAP = 250


@per_stock(
    "scale_code",
    group="size",
    unit="category",
    window="P",
    sources=("master.ScaleCat",),
    needs=("listing.scale_code[t]",),
    at_most=5.0,
)
def scale_code() -> Expr:
    """TOPIX size class: 0 '-', 1 Small 2, 2 Small 1, 3 Mid400, 4 Large70, 5 Core30."""
    return K("listing.scale_code")


@per_stock(
    "section_code",
    group="size",
    unit="category",
    window="P",
    sources=("master.Mkt",),
    needs=("listing.section_code[t]",),
    at_least=1.0,
    at_most=4.0,
)
def section_code() -> Expr:
    """Section of the exchange: 1 top (0101, 0111), 2 standard (0102, 0106, 0112), 3 growth (0104, 0107, 0113), 4 other: bridges 2022-04-04."""  # noqa: E501
    return K("listing.section_code")


@per_stock(
    "margin_class_code",
    group="size",
    unit="category",
    window="P",
    sources=("master.Mrgn",),
    needs=("listing.margin_class_code[t]",),
    at_least=1.0,
    at_most=3.0,
)
def margin_class_code() -> Expr:
    """How it may be traded on margin: Mrgn as 1, 2, 3 (2 = loan-eligible, shortable through the standard system)."""
    return K("listing.margin_class_code")


@per_stock(
    "sec{k}_code",
    group="size",
    unit="category",
    window="P",
    sources=("master.S{k}",),
    needs=("listing.sector{k}_number[t]",),
    choices={"k": ("33", "17")},
)
def sector_code(k: str) -> Expr:
    """Number of its sector: dense append-only id of S{k} from the sector code table."""
    return K(f"listing.sector{k}_number")


@per_stock(
    "listing_age_sessions",
    group="size",
    unit="sessions",
    window="P",
    sources=("master.Date", "master.Code"),
    needs=("listing.listing_age[t]",),
    at_least=0.0,
    at_most=float(AGE_CAP),
)
def listing_age_sessions() -> Expr:
    """How long it has been listed: min(sessions since the first master row, 250); censored -> null."""
    return K("listing.listing_age")


@per_stock(
    "section_age_sessions",
    group="size",
    unit="sessions",
    window="P",
    sources=("master.Mkt",),
    needs=("listing.section_age[t]",),
    at_least=0.0,
    at_most=float(AGE_CAP),
)
def section_age_sessions() -> Expr:
    """How long it has been in its section: min(sessions since section_code last changed or the listing, 250); the 2022-04-04 re-mapping is no change."""  # noqa: E501
    return K("listing.section_age")


@per_stock(
    "split_age_sessions",
    group="size",
    unit="sessions",
    window="P",
    sources=("bars.AdjFactor",),
    needs=("adjustment_factor[t-249..t]",),
    at_least=0.0,
    at_most=float(AGE_CAP),
)
def split_age_sessions() -> Expr:
    """How long ago the last split was: min(sessions since the last AdjFactor other than 1, 250); 250 when none."""
    return claim_age(1 - equal(P.adjustment_factor, 1), AGE_CAP)


@per_stock(
    "split_log_factor",
    group="size",
    unit="log",
    window="S250",
    sources=("bars.AdjFactor",),
    observes=("adjustment_factor",),
)
def split_log_factor() -> Expr:
    """How many shares one share of a year ago became: -ln of the product of AdjFactor over the last 250 sessions (0 when none)."""  # noqa: E501
    return 0 - total(log(P.adjustment_factor), 250)
