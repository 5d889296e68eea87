"""`gogoku describe`: a table, a feature or an issue in words."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from rich.markdown import Markdown
from rich.markup import escape
from rich.table import Table

from gogoku_pipeline.core.errors import ConfigError

if TYPE_CHECKING:
    from gogoku_pipeline.schema.tables import Table as Declared

console = Console()
TARGETS = "targets"
"""The page of an earlier system's figures beside ours."""
PRESETS = "presets"
"""The page of named network designs."""


def describe(
    name: Annotated[str, typer.Argument(help="a table, a feature, an issue code, `targets` or `presets`")] = "",
    every: Annotated[bool, typer.Option("--all", help="every table")] = False,
    write: Annotated[Path | None, typer.Option(help="with --all, targets or presets: write the page")] = None,
) -> None:
    """Say what something is: where it comes from, when it is known, what to beware of."""
    from gogoku_pipeline.evaluation.targets import render_targets
    from gogoku_pipeline.graph.catalogue import catalogue
    from gogoku_pipeline.schema.docs import render_table, render_tables

    tables = every_table()
    if every or name == TARGETS:
        _page(render_tables(tables.values()) if every else render_targets(), write)
    elif name == PRESETS:
        from gogoku_pipeline.training.presets_page import render_presets  # loads tensors: seconds

        _page(render_presets(), write)
    elif name in tables:
        console.print(Markdown(render_table(tables[name])))
    elif name in catalogue().names:
        _feature(name)
    elif len(name) in (4, 5) and name[:1].isdigit():
        _issue(name)
    else:
        raise ConfigError(
            f"describe {name!r}",
            got="a name nobody knows" if name else "no name",
            want=f"a table ({', '.join(tables)}), a feature of `gogoku features` or an issue code",
            remedy="Correct the name; `gogoku describe --all` shows every table.",
        )


def _page(page: str, write: Path | None) -> None:
    if write is None:
        console.print(Markdown(page))
    else:
        write.write_text(page)
        console.print(f"wrote {write}")


def every_table() -> "dict[str, Declared]":
    """Every table of the house by name, from the street to the roof."""
    from gogoku_pipeline.dataset.holdout import OPENINGS
    from gogoku_pipeline.dataset.labels import LABELS
    from gogoku_pipeline.evaluation.trials import TRIALS
    from gogoku_pipeline.features.family_tables import families
    from gogoku_pipeline.graph.catalogue import family_table, registry
    from gogoku_pipeline.graph.correlation import EDGES
    from gogoku_pipeline.registry.backtest_tables import ACCOUNTS, CAPACITY, EXPOSURE
    from gogoku_pipeline.registry.explanation_tables import EXPLAINED, IMPORTANCE
    from gogoku_pipeline.registry.holdout_judgement import FINDINGS
    from gogoku_pipeline.registry.tables import CHAMPIONS, GATE, PREDICTIONS, REFRESHES, SHADOW
    from gogoku_pipeline.schema.tables import by_name
    from gogoku_pipeline.tables.register import TABLES
    from gogoku_pipeline.training.walk_forward import SCORES

    features = [family_table(name) for name in families(registry())]
    kept = [
        LABELS,
        SCORES,
        GATE,
        CHAMPIONS,
        REFRESHES,
        PREDICTIONS,
        SHADOW,
        EXPLAINED,
        IMPORTANCE,
        TRIALS,
        OPENINGS,
        FINDINGS,
        ACCOUNTS,
        EXPOSURE,
        CAPACITY,
    ]
    return by_name([*TABLES.values(), *features, EDGES, *kept])


def _feature(name: str) -> None:
    from gogoku_pipeline.features.description import description
    from gogoku_pipeline.graph.catalogue import registry

    book = registry()
    console.print(f"[bold]{name}[/]")
    for words, text in description(book.feature(name), book).items():
        console.print(f"  [dim]{words:>12}[/]  {escape(text)}", highlight=False)


def _issue(name: str) -> None:
    import polars as pl

    from gogoku.deployment import deployment
    from gogoku_pipeline.core.codes import full_code
    from gogoku_pipeline.schema.listed_issues import MASTER

    code = full_code(name)
    store = deployment().open_store()
    known = store.tables.scan(MASTER).filter(pl.col("code") == code).sort("valid_from_date").collect()
    if known.is_empty():
        raise ConfigError(
            f"issue {code}", got="no listing", want="an issue of the security master", remedy="Check the code."
        )
    table = Table(title=f"{code}  {known['name_english'][-1]}")
    for heading in ("from", "to", "market", "sector 33", "scale", "margin"):
        table.add_column(heading)
    for row in known.iter_rows(named=True):
        until = str(row["valid_to_date"] or "today")
        rest = [row[key] for key in ("market_code", "sector33_code", "scale_category", "margin_class")]
        table.add_row(str(row["valid_from_date"]), until, *rest)
    console.print(table)


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command()(describe)
