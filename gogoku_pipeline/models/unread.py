"""Settings that nothing would read: refused where a person sets them, who would believe they had changed something.

Belongs here: which dial is read only beside which other. Does not belong here: what dials mean (the configs).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import fields
from typing import Any

from gogoku_pipeline.core.errors import ConfigError

_ANY: tuple[Any, ...] = ()
READ_BESIDE: dict[str, tuple[str, tuple[Any, ...]]] = {
    "neighbours": ("graph_heads", _ANY),
    "edge_attributes": ("graph_heads", _ANY),
    "signed_graph": ("graph_heads", _ANY),
    "selection_hidden": ("selection", ("affine", "grouped", "per_variable")),
    "selection_inner": ("selection", ("per_variable",)),
    "raw_scale": ("raw_channels", _ANY),
    "regime_temperature": ("regime_experts", _ANY),
    "regime_balance": ("regime_experts", _ANY),
    "warmup_start": ("warmup_share", _ANY),
    "ema_share": ("averaging", ("ema",)),
    "ema_decay": ("averaging", ("ema",)),
    "swa_share": ("averaging", ("swa",)),
    "baseline_epochs": ("baseline", _ANY),
    "baseline_margin": ("baseline", _ANY),
    "listnet_temperature": ("listnet", _ANY),
    "listnet_top": ("listnet", _ANY),
    "ranknet_partners": ("ranknet", _ANY),
    "spearman_tau": ("spearman", _ANY),
    "huber_delta": ("huber", _ANY),
    "sharpe_cost": ("sharpe", _ANY),
    **dict.fromkeys(("keep", "always", "most_rows"), ("method", ("gain", "mutual_information", "lasso"))),
}
"""Dial -> the setting beside which it is read, and the values of that one; none named: whatever switches it on."""


def refuse_unread(made: Any, given: Iterable[str]) -> None:
    """Raise ConfigError for a dial that was turned although nothing reads it.

    Args:
        made: the config, a dataclass.
        given: names of the fields somebody set.
    """
    plain = {field.name: field.default for field in fields(made)}
    for name in given:
        if name not in READ_BESIDE or getattr(made, name) == plain[name]:
            continue
        beside, values = READ_BESIDE[name]
        there = getattr(made, beside)
        if not (there in values if values else there):
            wanted = f" of {' or '.join(map(str, values))}" if values else " switched on"
            raise ConfigError(
                f"{type(made).__name__}.{name}",
                got=f"{getattr(made, name)}, which nothing reads with {beside} {there!r}",
                want=f"{beside}{wanted}, or the dial left alone",
                remedy=f"Set {beside}, or leave {name} out.",
            )
