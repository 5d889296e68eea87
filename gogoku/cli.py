"""The command line for people: one module per command family, one place where errors meet the terminal.

Exit codes: 0 done; 1 something said thing, got, want, remedy; 2 the command was used wrongly; 130 interrupted.
Belongs here: assembling the command tree and turning errors into words. Does not belong here: any work.
"""

import importlib
import sys

import typer
from rich.console import Console
from rich.markup import escape

from gogoku_pipeline.core.errors import GogokuError

FAMILIES = (
    "demo",
    "doctor",
    "simulate",
    "fetch",
    "features",
    "describe",
    "export",
    "report",
    "predictions",
    "explain",
    "audit",
    "evaluate",
    "compare",
    "backtest",
    "reproduce",
    "train",
    "ablate",
    "diagnose",
    "ui",
)

errors = Console(stderr=True, soft_wrap=True)


def build_app() -> typer.Typer:
    """The whole command tree: every family registers its commands on one app."""
    app = typer.Typer(
        name="gogoku",
        help="From J-Quants data to a ranked list of Japanese stocks that can be trusted.",
        no_args_is_help=True,
        add_completion=False,
        pretty_exceptions_enable=False,
        rich_markup_mode="rich",
    )
    for family in FAMILIES:
        importlib.import_module(f"gogoku.commands.{family}").register(app)
    return app


def main() -> None:
    """Run the command line; house errors become one readable paragraph and exit code 1."""
    try:
        build_app()()
    except GogokuError as problem:
        errors.print(f"[bold red]{type(problem).__name__}[/] [bold]{escape(problem.thing)}[/]", highlight=False)
        for word, text in (("got", problem.got), ("want", problem.want), ("do", problem.remedy)):
            errors.print(f"  [dim]{word:>4}[/]  {escape(text)}", highlight=False)
        sys.exit(1)
