"""`gogoku audit`: does anything the models learn from know the future? Eight parts, a table, an exit code."""

import json
from dataclasses import replace
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Table

if TYPE_CHECKING:
    from gogoku_pipeline.audit.report import AuditReport

console = Console(soft_wrap=True)

MEANING = {
    "truncation": "Would every number have been the same that evening, without anything that came later?",
    "isolation": "Do a stock's numbers stay the same without the others, whatever the order of rows?",
    "chunks": "Is a piece of history the same computed alone or in the whole, appended or rebuilt?",
    "scale": "Do splits and price levels change nothing?",
    "label_alignment": "Does what is predicted begin after the decision, and is it kept away from training?",
    "shuffled_labels": "Does a model that was taught noise predict nothing?",
    "self_test": "Does this audit notice leaks that are put there on purpose?",
    "planted_market": "On a market with known truth: is the signal found, and nothing where nothing is?",
}
"""Each part as a trader would ask."""


def audit(
    part: Annotated[list[str] | None, typer.Option(help="only this part; may be given several times")] = None,
    sample: Annotated[int, typer.Option(min=1, help="sessions that are recomputed")] = 3,
    stocks: Annotated[int, typer.Option(min=0, help="stocks that are recomputed; 0: all of them")] = 400,
    seed: Annotated[int, typer.Option(help="which sessions and stocks are drawn")] = 0,
    as_json: Annotated[bool, typer.Option("--json", help="one JSON list")] = False,
) -> None:
    """Put what the models learn from on trial: does anything know the future? Exit code 1 when something does."""
    from assets.audit import leak_audit
    from gogoku.deployment import deployment
    from gogoku.sizes import sizes_of
    from gogoku_pipeline.audit.leak_audit import PARTS

    chosen = tuple(part or PARTS)
    if unknown := [name for name in chosen if name not in PARTS]:
        raise typer.BadParameter(f"{unknown[0]!r} is no part; choose from {', '.join(PARTS)}")
    place = deployment()
    compute = replace(sizes_of(place), audit_sample=sample, audit_stocks=stocks)
    report = leak_audit(place.open_store(), compute, chosen, seed)
    if as_json:
        print(json.dumps(_rows(report)))
    else:
        console.print(_table(report))
        _explain(report)
    if not report.passed:
        raise typer.Exit(1)


def _table(report: "AuditReport") -> Table:
    found = Table(title="Leak audit", row_styles=["", "dim"])
    for heading in ("part", "what was checked", "values", "verdict", "seconds"):
        found.add_column(heading, justify="right" if heading in ("values", "seconds") else "left")
    before = ""
    for part, question, compared, passed, seconds, _ in report.rows():
        verdict = "[green]holds[/]" if passed else "[bold red]LEAK[/]" if compared else "[bold red]did not run[/]"
        found.add_row(part if part != before else "", escape(question), f"{compared:,}", verdict, f"{seconds:.1f}")
        before = part
    return found


def _explain(report: "AuditReport") -> None:
    """What failed, which column or source is guilty, and what the part means."""
    for one in report.findings:
        if not one.passed:
            console.print(f"[bold red]{one.check}[/] ({escape(MEANING[one.part])})")
            console.print(f"  {escape(one.words)}")
    absent = f"; not in the plan: {', '.join(report.switched_off)}" if report.switched_off else ""
    total = sum(one.seconds for one in report.findings)
    verdict = "[green]nothing knows the future[/]" if report.passed else "[bold red]do not trade on this[/]"
    console.print(f"{len(report.parts)} parts, {len(report.findings)} checks, {total:.0f} s{absent}: {verdict}")


def _rows(report: "AuditReport") -> list[dict[str, object]]:
    return [
        {
            "part": one.part,
            "check": one.check,
            "question": one.question,
            "values": one.compared,
            "passed": one.passed,
            "guilty": list(one.guilty),
            "seconds": round(one.seconds, 3),
            "words": one.words,
        }
        for one in report.findings
    ]


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command()(audit)
