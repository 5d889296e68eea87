"""Names of the earlier system and where their meaning lives here; generated into docs/features.md.

Belongs here: the mapping and the reason where there is no one-to-one successor. Source: features.md 8.
"""

from __future__ import annotations

FORMER_NAMES = (
    ("`ret_prev_{n}d`, `returns_{n}d`", "`ret_{n}d`", "always past; forward returns exist only as labels"),
    ("`ss_ratio`", "`ssp_sum`", "sum over all holders still outstanding, not over the day's filings"),
    (
        "`ss_percentile_252d`, `ss_*` momentum, z and extreme flags",
        "`ssp_chg_{n}d`, `ssp_new_20d_count`, `ssp_exit_20d_count`",
        "position in a past is the normaliser's work, a flag of a threshold the model's",
    ),
    ("`sector_short_*`", "`shr_sec_*`", "one value per sector and session, joined to its members"),
    ("`opt_iv_atm_median`", "`opt_iv_near`, `opt_iv_30d`", "interpolated around the underlying, not a median"),
    ("`opt_term_slope_30_60`", "`opt_term_30_90`", "by total variance, no extrapolation"),
    ("`opt_oi_sum`, put/call, skew", "`opt_pcr_oi`, `opt_pcr_volume`, `opt_skew_25d_30d`", "sums have no scale"),
    ("`margin_*`, `margin_days_since`", "`mrg_*`, `mrg_age_sessions`", "shares over shares; expires after 15 sessions"),
    (
        "`dmi_*` (daily margin)",
        "`alert_*`, `mrg_*` in their daily regime",
        "never the directional movement index, which is `adx_14_score`, `di_diff_14`",
    ),
    ("`flow_*`", "`flow_*`", "counts weeks; a correction never adds one"),
    ("`sec_*`", "`sec33_*`, `rel_sec33_*`", "leave-one-out; group series on their own table"),
    ("`mkt_*`", "`mkt_*`, `xs_*`, `brd_*`", "never ranked or z-scored across stocks"),
    ("`beta_60d`, `beta60_topix`", "`beta_60d`", "complete pairs for both moments"),
    (
        "`graph_degree`, `peer_corr_mean`",
        "`g_degree_count`, `g_peer_corr_mean`",
        "one graph per session",
    ),
    ("`x_*`", "`x_*`", "a dozen with a story each instead of every product"),
    ("`is_halt_20201001`", "no feature", "a market halt is found in the data and gives no observation"),
)
"""(earlier name, name here, reason where they differ): for people who come from the earlier system."""
