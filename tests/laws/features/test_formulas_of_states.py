"""Formulas over what other sources say, written once more with polars on the same leaves of the small market."""

from __future__ import annotations

import polars as pl
import pytest

from gogoku_pipeline.features.declaration import per_stock
from gogoku_pipeline.features.engine import compute
from gogoku_pipeline.features.expressions import Expr, K
from gogoku_pipeline.features.registry import Registry, house
from gogoku_pipeline.features.states.register import STATES
from tests.laws.features.small_market import SESSIONS

SPAN = {"start": SESSIONS[0], "end": SESSIONS[-1]}


def k(leaf: str) -> pl.Expr:
    """A leaf of a state as a column."""
    return pl.col(name_of(leaf)).cast(pl.Float64)


def f(name: str) -> pl.Expr:
    """Another feature as a column."""
    return pl.col(name).cast(pl.Float64)


def name_of(leaf: str) -> str:
    return "k_" + leaf.replace(".", "_")


def positive(x: pl.Expr) -> pl.Expr:
    return pl.when(x > 0).then(x)


def both(item: str) -> pl.Expr:
    return (k(item) + k(f"{item}_before")) / 2


def ago(x: pl.Expr, n: int) -> pl.Expr:
    """The value n sessions earlier; stocks with gaps are left out here."""
    return x.shift(n).over("code", order_by="session")


def among_peers(name: str) -> pl.Expr:
    """A feature less the mean of the other members of its sector, at least two of them."""
    x = pl.when("is_in_universe").then(f(name))
    cell = ["session", "sector33_code"]
    others = x.count().over(cell) - 1
    return pl.when(others >= 2).then(x - (x.sum().over(cell) - x) / others)


MCAP = 10.0 ** f("log10_mcap_jpy")
NET_CASH = k("fin.cash") - (k("fin.cash_total_assets") - k("fin.cash_equity"))


def yen(x: pl.Expr) -> pl.Expr:
    return pl.when(k("fin.yen").is_not_null()).then(x)


FORMULAS = {
    "fin_sales_ttm_growth": k("fin.sales_ttm") / positive(k("fin.sales_ttm_before")) - 1,
    "fin_op_ttm_chg_ta": (k("fin.op_ttm") - k("fin.op_ttm_before")) / k("fin.total_assets"),
    "fin_sales_q_yoy": positive(k("fin.sales_q")) / positive(k("fin.sales_q4")) - 1,
    "fin_op_q_yoy_chg": (k("fin.op_q") - k("fin.op_q4")) / positive(k("fin.sales_q4")),
    "fin_opm_ttm": k("fin.op_ttm") / positive(k("fin.sales_ttm")),
    "fin_opm_q_diff": k("fin.op_q") / positive(k("fin.sales_q")) - k("fin.op_q4") / positive(k("fin.sales_q4")),
    "fin_roe_ttm": k("fin.np_ttm") / positive(both("fin.equity")),
    "fin_roa_ttm": k("fin.np_ttm") / both("fin.total_assets"),
    "fin_accruals_ttm": (k("fin.np_ttm_cfo") - k("fin.cfo_ttm")) / both("fin.total_assets"),
    "fin_cfo_np_ttm": k("fin.cfo_ttm") / positive(k("fin.np_ttm_cfo")),
    "fin_fcf_ta_ttm": (k("fin.cfo_ttm") + k("fin.cfi_ttm")) / k("fin.total_assets"),
    "fin_equity_ratio": k("fin.equity_ratio"),
    "fin_cash_ta": k("fin.cash") / k("fin.cash_total_assets"),
    "fin_asset_growth": k("fin.total_assets") / k("fin.total_assets_before") - 1,
    "fin_np_stability_8q": k("fin.np_q_sd8") / k("fin.total_assets"),
    "val_ep_ttm": yen(k("fin.np_ttm")) / MCAP,
    "val_ep_fwd": pl.when(k("gd.yen").is_not_null()).then(k("gd.np")) / MCAP,
    "val_bp": yen(k("fin.equity")) / MCAP,
    "val_sp_ttm": yen(k("fin.sales_ttm")) / MCAP,
    "val_cfp_ttm": yen(k("fin.cfo_ttm")) / MCAP,
    "val_op_ev": yen(k("fin.op_ttm")) / positive(MCAP - NET_CASH),
    "val_ncash_mcap": yen(NET_CASH) / MCAP,
    "val_ep_rel_sec33": among_peers("val_ep_fwd"),
    "val_bp_rel_sec33": among_peers("val_bp"),
    "gd_fcst_op_growth": (k("gd.op") - k("fin.op_last_year")) / positive(k("fin.sales_last_year")),
    "gd_rev_op_sales": (k("gd.op") - k("gd.op_before")) / positive(k("gd.sales")),
    "div_growth_fcst": k("payout.forecast") / positive(k("payout.paid")) - 1,
    "treasury_ratio": k("shares.treasury_ratio"),
    "share_issuance_250d": (k("shares.net_basis") / ago(k("shares.net_basis"), 250)).log(),
    "opt_term_30_90": k("options.iv_90d") - k("options.iv_30d"),
    "opt_skew_25d_30d": k("options.put_iv_30d") - k("options.call_iv_30d"),
    "fut_nkvi_level": k("futures.nkvi_settle") / 100,
    "fut_nkvi_term": k("futures.nkvi_following_settle") / k("futures.nkvi_settle") - 1,
    **{
        f"fut_{p}_term_ann": (k(f"futures.{p}_heaviest_settle") / k(f"futures.{p}_settle")).log()
        * 365
        / k(f"futures.{p}_heaviest_gap_days")
        for p in ("tpx", "nk")
    },
    "ssp_chg_5d": f("ssp_sum") - ago(f("ssp_sum"), 5),
    "ssp_chg_20d": f("ssp_sum") - ago(f("ssp_sum"), 20),
    "ssp_hhi": k("short_positions.square_sum") / k("short_positions.ratio_sum") ** 2,
    "mrg_long_ratio": k("margin.long_shares") / k("shares.net_basis"),
    "mrg_short_ratio": k("margin.short_shares") / k("shares.net_basis"),
    "alert_long_chg_5d": (k("alert.long_shares") - k("alert.long_shares_before")) / k("shares.net_basis"),
    **{
        f"flow_{who}_net_share": k(f"flow.{who}_net_kjpy") / k("flow.total_kjpy")
        for who in ("frgn", "ind", "trstbnk", "invtr", "busco")
    },
    "flow_section_frgn_net_share": k("flow_section.frgn_net_kjpy") / k("flow_section.total_kjpy"),
}


MASKS = {
    "is_traded": pl.col("volume").is_not_null() & (pl.col("volume") > 0),
    "has_shares": f("log10_mcap_jpy").is_not_null(),
    "has_ttm": f("fin_opm_ttm").is_not_null() & (f("fin_age_sessions") <= 130).fill_null(value=False),
    "has_guidance": f("val_ep_fwd").is_not_null(),
    "has_earn_date": f("earn_to_sessions").is_not_null(),
    "has_beta": f("beta_60d").is_not_null(),
    "has_margin": f("mrg_age_sessions").is_not_null(),
    "has_short_state": f("ssp_sum").is_not_null(),
    "has_options": k("options.iv_30d").is_not_null() & (f("opt_age_sessions") <= 3).fill_null(value=False),
    "has_futures": (f("fut_age_sessions") <= 3).fill_null(value=False),
    "has_breakdown": f("bd_short_share").is_not_null(),
    "has_dividend": f("div_notice_age_sessions").is_not_null(),
}

CLAIMS = {
    "lim_up_touch_flag": pl.when(pl.col("close").is_not_null()).then(pl.col("is_limit_up")),
    "lim_down_touch_flag": pl.when(pl.col("close").is_not_null()).then(pl.col("is_limit_down")),
}
"""A session without a trade says nothing, whatever it claims."""

LOOKING_BACK = ("share_issuance_250d", "ssp_chg_5d", "ssp_chg_20d")
"""Formulas that count rows back, which are sessions only for stocks without gaps."""


def leaves_of(formulas: dict[str, pl.Expr]) -> list[str]:
    """Every leaf that a formula reads, by the name of its column."""
    return sorted({name for formula in formulas.values() for name in formula.meta.root_names() if name[:2] == "k_"})


def with_leaves() -> tuple[Registry, list[str]]:
    """The house and its leaves as features of their own."""
    registry = Registry("leaves", house())
    known = {name_of(f"{alias}.{name}"): f"{alias}.{name}" for alias, state in STATES.items() for name in state.columns}
    wanted = leaves_of(FORMULAS | MASKS)
    for column in wanted:
        declare(registry, column, known[column])
    return registry.freeze(), wanted


def declare(registry: Registry, column: str, leaf: str) -> None:
    def made() -> Expr:
        """A leaf: as staged."""
        return K(leaf)

    per_stock(column, registry=registry, group="size", unit="moment", sources=("bars.C",))(made)


@pytest.fixture(scope="module")
def frame(inputs) -> pl.DataFrame:
    registry, wanted = with_leaves()
    formulas = FORMULAS | MASKS
    named = {name for formula in formulas.values() for name in formula.meta.root_names() if name in house()}
    found = compute([*wanted, *dict.fromkeys([*sorted(named), *formulas, *CLAIMS])], inputs, **SPAN, registry=registry)
    with_gaps = inputs.prices.filter("is_gap")["code"].unique().implode()
    found = found.with_columns(pl.col("code").is_in(with_gaps).alias("has_gaps"))
    members = inputs.universe.select("session", "code", "is_in_universe", "sector33_code")
    traded = inputs.prices.select("session", "code", "volume", "close", "is_limit_up", "is_limit_down")
    for more in (members, traded):
        found = found.join(more, on=["session", "code"], how="left", maintain_order="left")
    return found


@pytest.mark.parametrize("name", FORMULAS)
def test_a_feature_is_its_formula_over_what_the_source_says(frame, name):
    judged = frame.filter(~pl.col("has_gaps")) if name in LOOKING_BACK else frame
    both_sides = judged.select(found=pl.col(name).cast(pl.Float64), wanted=FORMULAS[name])
    finite = both_sides.with_columns(pl.when(pl.col("wanted").is_finite()).then("wanted").alias("wanted"))
    assert finite["wanted"].drop_nulls().len() >= 100
    assert finite["wanted"].n_unique() > 5
    assert finite["found"].is_null().eq(finite["wanted"].is_null()).all()
    apart = (pl.col("found") - pl.col("wanted")).abs() / pl.max_horizontal(pl.col("wanted").abs(), 1e-3)
    assert finite.select(apart.max()).item() < 1e-4


@pytest.mark.parametrize("name", MASKS)
def test_a_mask_is_one_where_its_block_is_there_and_never_null(frame, name):
    wanted = frame.select(MASKS[name].cast(pl.Float32).alias(name))[name]
    assert frame[name].null_count() == 0
    assert frame[name].equals(wanted)
    assert wanted.n_unique() == 2 or name in ("has_shares", "has_short_state")


@pytest.mark.parametrize("name", CLAIMS)
def test_a_claim_counts_on_sessions_that_traded(frame, name):
    claims = frame.select(found=name, wanted=CLAIMS[name].cast(pl.Float32))
    untraded = frame.filter(pl.col("close").is_null())
    assert claims["found"].equals(claims["wanted"].alias("found"))
    assert untraded.height > 100
    assert frame[name].drop_nulls().n_unique() == 2
