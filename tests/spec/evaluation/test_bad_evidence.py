"""Bad evidence as a table: what comes in on the left; on the right the named error, or the documented answer."""

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from pathlib import Path

import polars as pl
import pytest

from gogoku_pipeline.core.clocks import JST
from gogoku_pipeline.core.errors import CollapseError, DatasetError, EvaluationError, RegistryError, TrainingError
from gogoku_pipeline.dataset.batches import TrainingData
from gogoku_pipeline.dataset.normaliser import Normaliser
from gogoku_pipeline.dataset.panel import build_panel
from gogoku_pipeline.dataset.splits import Fold, refuse_overlapping, walk_forward
from gogoku_pipeline.evaluation.comparison import compare
from gogoku_pipeline.evaluation.daily import daily_metrics
from gogoku_pipeline.evaluation.gate import decide
from gogoku_pipeline.evaluation.summary import summarise
from gogoku_pipeline.evaluation.verdict import GateConfig, GateContext
from gogoku_pipeline.registry.champions import VerdictRecord, record_verdict, serving
from gogoku_pipeline.store import CommitInfo, open_store
from gogoku_pipeline.training.recipe_ladder import LadderRecipe
from gogoku_pipeline.training.walk_forward import run_walk_forward
from tests.unit.dataset.planted import planted_market
from tests.unit.evaluation.panels import Panel

WHO = CommitInfo("run-1", "test")
DAY = date(2024, 5, 8)
WRITTEN = datetime(2024, 12, 30, 20, 0, tzinfo=JST)
TERMS = GateConfig(resamples=200)
SCORE, NOTHING = pl.col("score"), pl.lit(None, dtype=pl.Float64)


class Case:
    """Sound evidence of 80 days and 40 names, an empty registry, a folder; every row of the table spoils something."""

    def __init__(self, folder: Path) -> None:
        self.panel = Panel(days=80, names=40, seed=3)
        self.mine, self.bar = self.panel.scores("apex_ranker", 0.3), self.panel.scores("lightgbm", 0.05)
        self.labels, self.config = self.panel.labels(), TERMS
        self.folder, self.store = folder, open_store(f"file://{folder}/store")

    def spoiled(self, *columns: pl.Expr, where: pl.Expr | None = None) -> "Case":
        """The challenger's rows with other values (where asked for)."""
        chosen = pl.lit(True) if where is None else where
        self.mine = self.mine.with_columns(
            pl.when(chosen).then(column).otherwise(pl.col(column.meta.output_name())).alias(column.meta.output_name())
            for column in columns
        )
        return self

    def verdict(self) -> str:
        ladder = self.panel.scores("random", 0.0, seeds=1)
        context = GateContext(audit_passed=True, simulated=True)
        return decide(self.mine, self.bar, ladder, None, self.labels, None, self.config, context).text()

    def figures(self) -> str:
        """What one line of the summary and the worst day say."""
        row = summarise(self.mine, self.labels).row(0, named=True)
        day = daily_metrics(self.mine, self.labels).sort("n").row(0, named=True)
        return f"{row['n_days']} days, {row['n_days_without_ic']} without; least names {day['n']}"

    def first(self, names: int) -> pl.Expr:
        return pl.col("code").is_in(self.panel.codes[:names])

    def on(self, day: int) -> pl.Expr:
        return pl.col("session") == self.panel.sessions[day]

    def record(self, **changes: object) -> VerdictRecord:
        plain = {"decided_for": DAY, "recorded_at": WRITTEN, "model": "apex_ranker", "version": "v1",
                 "decision": "promote", "reasons": ("so it is",), "cutoff": DAY, "config_hash": "c" * 64,
                 "feature_hash": "f" * 64}  # fmt: skip
        return VerdictRecord(**{**plain, **changes})

    def promote(self, **changes: object) -> str:
        return f"written: {record_verdict(self.store, self.record(**changes), commit=WHO)}"

    def keep(self, model: str, version: str, cutoff: str) -> None:
        self.store.artefacts.save(model, version, {"model.txt": version.encode()}, {"cutoff": cutoff})


def constant_scores(case):
    return case.spoiled(pl.lit(1.0).alias("score")).verdict()


def constant_on_one_day(case):
    return case.spoiled(pl.lit(1.0).alias("score"), where=case.on(7)).figures()


def tied_scores(case):
    """Half of the names share one score: they share its places, whatever the order of rows."""
    case.spoiled(pl.lit(0.0).alias("score"), where=case.first(20))
    there, back = (daily_metrics(frame, case.labels) for frame in (case.mine, case.mine.reverse()))
    return f"same in any order: {there.equals(back)}"


def nan_scores(case):
    return case.spoiled(pl.lit(float("nan")).alias("score"), where=case.first(10)).verdict()


def infinite_scores(case):
    return case.spoiled(pl.lit(float("inf")).alias("score"), where=case.on(3)).verdict()


def a_day_of_three_names(case):
    return case.spoiled(NOTHING.alias("score"), where=case.on(0) & ~case.first(3)).figures()


def a_day_of_three_names_at_the_gate(case):
    return case.spoiled(NOTHING.alias("score"), where=case.on(0) & ~case.first(3)).verdict()


def labels_all_null(case):
    case.labels = case.labels.with_columns(NOTHING.alias("ret_open"))
    return case.verdict()


def labels_all_null_in_a_summary(case):
    case.labels = case.labels.with_columns(NOTHING.alias("ret_open"))
    return case.figures()


def a_score_of_an_unlisted_code(case):
    sound = case.figures()
    case.mine = pl.concat([case.mine, case.mine.filter(code="10000").with_columns(pl.lit("99990").alias("code"))])
    stray = daily_metrics(case.mine, case.labels)["n_outside"].unique().to_list()
    return f"unchanged: {case.figures() == sound}, outside: {stray}"


def duplicate_scores(case):
    case.mine = pl.concat([case.mine, case.mine.head(5)])
    return case.verdict()


def duplicate_scores_in_a_summary(case):
    case.mine = pl.concat([case.mine, case.mine.head(5)])
    return case.figures()


def another_horizon(case):
    return case.spoiled(pl.lit(10, dtype=pl.Int16).alias("horizon_d")).verdict()


def a_horizon_without_labels(case):
    return case.spoiled(pl.lit(10, dtype=pl.Int16).alias("horizon_d")).figures()


def two_models_of_different_horizons(case):
    case.spoiled(pl.lit(10, dtype=pl.Int16).alias("horizon_d"))
    return compare(case.mine, case.bar, case.labels, ("apex_ranker", "lightgbm"), TERMS).words


def two_models_without_a_common_session(case):
    half = case.panel.sessions[40]
    early, late = case.mine.filter(pl.col("session") < half), case.bar.filter(pl.col("session") >= half)
    return compare(early, late, case.labels, ("apex_ranker", "lightgbm"), TERMS).words


def overlapping_folds(case):
    days = tuple(case.panel.sessions)
    folds = [Fold(n, days[:20], days[25:30], days[35 + 10 * n : 55 + 10 * n], ()) for n in (0, 1)]
    return refuse_overlapping(folds)


def a_fold_that_learns_what_it_is_judged_on(case):
    days = tuple(case.panel.sessions)
    return refuse_overlapping([Fold(0, days[:40], days[30:35], days[35:60], ())])


def no_embargo(case):
    return walk_forward(case.panel.sessions, 2, horizon_d=5, embargo=0)


@dataclass(frozen=True)
class Brittle:
    """A recipe that collapses where its training ends on one session."""

    ends: date
    name: str = "brittle"
    family: str = "naive"
    is_seeded: bool = False
    config_hash: str = "brittle"

    def fit(self, data, train, validation, seed, horizon_d, report=None):
        if train[-1] == self.ends:
            raise CollapseError("brittle", got="constant scores", want="a ranking", remedy="Lower the rate.")
        return LadderRecipe("random").fit(data, train, validation, seed, horizon_d, report)


def a_model_that_fails_on_one_fold(case):
    market = planted_market(n_stocks=12, n_sessions=120, n_features=7)
    panel = build_panel(market.features, market.universe, market.catalogue, Normaliser(market.catalogue),
                        case.folder / "panel", {"feat__prices": 1})  # fmt: skip
    folds = walk_forward(market.sessions, 2, 5, embargo=5, min_train=50, validation=10)
    return run_walk_forward(Brittle(folds[1].train[-1]), TrainingData(panel, market.labels), folds, (1,), 5)


def a_champion_whose_artefact_is_missing(case):
    case.keep("lightgbm", "b", "2024-04-01")
    case.promote()
    found = serving(case.store, DAY + timedelta(days=1))
    return f"{found.model} {found.version}: {found.reason}"


def a_champion_whose_artefact_is_altered(case):
    case.keep("lightgbm", "b", "2024-04-01")
    case.keep("apex_ranker", "v1", DAY.isoformat())
    case.promote()
    next(path for path in case.folder.rglob("model.txt") if "apex_ranker" in str(path)).write_bytes(b"other bytes")
    found = serving(case.store, DAY + timedelta(days=1))
    return f"{found.model} {found.version}: {found.reason}"


def no_sound_artefact_at_all(case):
    case.promote()
    return serving(case.store, DAY + timedelta(days=1)).reason


def two_promotions_for_one_date(case):
    case.promote()
    return case.promote(model="atft_gat_fan", version="w1")


def a_champion_trained_on_the_future(case):
    return case.promote(cutoff=DAY + timedelta(days=1))


def a_champion_decided_for_a_day_to_come(case):
    return case.promote(recorded_at=datetime(2024, 5, 7, 20, 0, tzinfo=JST))


def sealed_sessions(case):
    case.config = GateConfig(resamples=200, holdout_start=case.panel.sessions[60])
    return case.verdict()


TABLE = [
    (constant_scores, None, "REJECT"),
    (constant_scores, None, "no_degenerate_day"),
    (constant_on_one_day, None, "79 days, 1 without"),
    (tied_scores, None, "same in any order: True"),
    (nan_scores, None, "[FAILS] coverage: scores for 75"),
    (infinite_scores, EvaluationError, "infinite scores"),
    (a_day_of_three_names, None, "80 days, 0 without; least names 3"),
    (a_day_of_three_names_at_the_gate, None, "79 paired days"),
    (labels_all_null, EvaluationError, "no known label"),
    (labels_all_null_in_a_summary, EvaluationError, "no day with a ranking"),
    (a_score_of_an_unlisted_code, None, "unchanged: True, outside: [1]"),
    (duplicate_scores, EvaluationError, "that already has one"),
    (duplicate_scores_in_a_summary, EvaluationError, "two rows for one (session, code)"),
    (another_horizon, EvaluationError, "want the registered horizon 5"),
    (a_horizon_without_labels, EvaluationError, "scores for horizons [10]"),
    (two_models_of_different_horizons, EvaluationError, "scores of apex_ranker: got horizons [10]; want horizon 5"),
    (two_models_without_a_common_session, EvaluationError, "no session in common"),
    (overlapping_folds, DatasetError, "folds 0 and 1: got both predict"),
    (a_fold_that_learns_what_it_is_judged_on, DatasetError, "training, validation and test sessions that overlap"),
    (no_embargo, DatasetError, "embargo 0 with horizon 5 leaks labels"),
    (a_model_that_fails_on_one_fold, TrainingError, "brittle, fold 1 (test"),
    (a_champion_whose_artefact_is_missing, None, "lightgbm b: baseline: apex_ranker v1 cannot serve"),
    (a_champion_whose_artefact_is_altered, None, "lightgbm b: baseline: apex_ranker v1 cannot serve"),
    (no_sound_artefact_at_all, RegistryError, "want a sound version of lightgbm"),
    (two_promotions_for_one_date, RegistryError, "a second promotion beside apex_ranker v1"),
    (a_champion_trained_on_the_future, RegistryError, "training up to 2024-05-09"),
    (a_champion_decided_for_a_day_to_come, RegistryError, "a decision for 2024-05-08"),
    (sealed_sessions, None, "[FAILS] holdout: sessions from"),
]


@pytest.mark.parametrize(
    ("spoil", "error", "words"), TABLE, ids=[f"{spoil.__name__} - {words}" for spoil, _, words in TABLE]
)
def test_bad_evidence_is_a_named_error_or_a_documented_answer(tmp_path, spoil, error, words):
    case = Case(tmp_path)
    if error is None:
        assert words in spoil(case)
        return
    with pytest.raises(error) as refused:
        spoil(case)
    assert words in str(refused.value)
    assert refused.value.remedy


def test_the_same_evidence_unspoiled_is_judged_without_a_word(tmp_path):
    sound = Case(tmp_path)
    assert sound.figures().startswith("80 days, 0 without; least names 40")
    assert "[FAILS] coverage" not in sound.verdict()
    assert "[FAILS] no_degenerate_day" not in sound.verdict()
    assert compare(sound.mine, sound.bar, sound.labels, ("a", "b"), TERMS).n_days == 80
