"""What a demo ends with: the verdicts and their reasons, the ranking, where things lie, how to look at them."""

from collections.abc import Sequence
from pathlib import Path

from rich.console import Console
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from gogoku.deployment import DemoNote, demo_deployment
from gogoku_pipeline.core.errors import LeakError
from gogoku_pipeline.evaluation.verdict import Verdict
from gogoku_pipeline.registry.promotions import last_verdicts
from gogoku_pipeline.registry.tables import PREDICTIONS
from gogoku_pipeline.schema.listed_issues import SNAPSHOT
from gogoku_pipeline.store import Store

TOP = 5


def tell_the_end(note: DemoNote, console: Console) -> None:
    """Print the end of the story from what is stored.

    Raises:
        LeakError: the inputs did not pass the leak audit. It comes last: verdict, list and report are there to be read.
    """
    store = demo_deployment(note).open_store()
    verdicts = last_verdicts(store)
    for verdict in verdicts:
        console.print(Panel(Text(verdict.text()), title="The gate's verdict", border_style="cyan"))
    console.print(_ranking(store))
    for words, where in (
        ("report", newest_report(store)),
        ("predictions", store.tables.uri(PREDICTIONS)),
        ("the list", "gogoku predictions"),
        ("the lineage", "make dev   (http://127.0.0.1:3000)"),
    ):
        console.print(f"  [bold]{words:>12}[/]  {where}", soft_wrap=True, highlight=False)
    refuse_a_leak(verdicts)


def refuse_a_leak(verdicts: Sequence[Verdict]) -> None:
    """Nobody should take a list for good whose training inputs did not pass the audit; raises LeakError."""
    audit = verdicts[0].criterion("leak_audit")
    if not audit.passed:
        names = " and ".join(verdict.challenger for verdict in verdicts)
        raise LeakError(
            f"demo: {audit.words}",
            got=f"a red leak audit: nothing of {names} may be promoted, and the list above is not to be trusted",
            want="training inputs that know nothing of the future",
            remedy="`gogoku audit` names the check and who is guilty; every run ends like this until it holds.",
        )


def newest_report(store: Store) -> str:
    """Where the newest report lies."""
    keys = store.objects.list("reports/")
    root = store.url.removeprefix("file://")
    return str(Path(root) / sorted(keys)[-1]) if keys and store.url.startswith("file://") else f"{store.url}/{keys[-1]}"


def _ranking(store: Store) -> Table:
    session = store.tables.sessions(PREDICTIONS)[-1]
    ranked = store.tables.scan(PREDICTIONS, start=session, end=session).collect().sort("rank")
    names = store.tables.scan(SNAPSHOT, start=session, end=session).select("code", "name_english").collect()
    head = ranked.row(0, named=True)
    table = Table(title=f"Tonight, {session}: {ranked.height} stocks by {head['model']}", title_justify="left")
    for heading in ("rank", "code", "name", "score"):
        table.add_column(heading, justify="right" if heading in {"rank", "score"} else "left")
    for row in ranked.head(TOP).join(names, on="code", how="left").sort("rank").iter_rows(named=True):
        table.add_row(str(row["rank"]), row["code"], row["name_english"], f"{row['score']:+.4f}")
    return table
