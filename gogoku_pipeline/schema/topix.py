"""TOPIX daily bars. Source: J-Quants V2 /indices/bars/daily/topix."""

import polars as pl

from gogoku_pipeline.schema.availability import AFTER_CLOSE
from gogoku_pipeline.schema.columns import Column, SourceField
from gogoku_pipeline.schema.tables import AVAILABLE_AT, SESSION, Source, Table

SOURCE = Source(
    name="topix",
    path="/indices/bars/daily/topix",
    fields=(SourceField("Date", "date"), *(SourceField(name, "number") for name in ("O", "H", "L", "C"))),
    key=("Date",),
    starts="2008-05-07",
    words="Open, high, low and close of TOPIX; the whole history in one call (Light plan and above).",
    lowest_plan="light",
    axis="range",
)

TABLE = Table(
    name="core_jquants__topix",
    description=(
        "TOPIX on one session. On the session without trades (2020-10-01) the publisher repeats the previous close in "
        "all four prices; the row says so in `is_market_halt` and consumers treat it as null."
    ),
    columns=(
        SESSION,
        *(
            Column(f"{name}_points", pl.Float64, f"Index at the {name}.", "points", name[0].upper(), at_least=0)
            for name in ("open", "high", "low", "close")
        ),
        Column("is_market_halt", pl.Boolean, "Nothing traded on that session."),
        AVAILABLE_AT,
    ),
    key=("session",),
    rule=AFTER_CLOSE,
    warnings=("market_halt",),
)
