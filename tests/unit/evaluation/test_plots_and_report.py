"""Pictures are small PNGs without global state; the page is one file, complete, escaped and honest."""

import html
import io
import re
from dataclasses import replace
from datetime import datetime
from html.parser import HTMLParser

import matplotlib.pyplot as plt
import numpy as np
import polars as pl
import pytest
from PIL import Image

from gogoku_pipeline.core.clocks import JST
from gogoku_pipeline.core.errors import EvaluationError
from gogoku_pipeline.evaluation import plots
from gogoku_pipeline.evaluation.choice import one_promotion
from gogoku_pipeline.evaluation.ensemble import ensemble_scores
from gogoku_pipeline.evaluation.frames import align
from gogoku_pipeline.evaluation.gate import GateConfig, GateContext, decide
from gogoku_pipeline.evaluation.ic import rank_ic_by_day
from gogoku_pipeline.evaluation.ranking import quantile_returns
from gogoku_pipeline.evaluation.report import SIMULATED_TERMS, TERMS, ReportInputs, render_report
from gogoku_pipeline.evaluation.report_rows import SECTORS
from gogoku_pipeline.evaluation.summary import summarise
from tests.unit.evaluation.panels import Panel

RNG = np.random.default_rng(0)
PANEL = Panel(days=70, names=60)
MODELS = pl.concat(
    [PANEL.scores("lightgbm", 0.05), PANEL.scores("apex_ranker", 0.06), PANEL.scores("oracle", 0.2, seeds=1)]
)
ALIGNED = align(ensemble_scores(MODELS), PANEL.labels())
COVERAGE = pl.concat(
    [
        pl.DataFrame({"source": name, "session": PANEL.sessions, "coverage": RNG.uniform(0.5, 1, 70)})
        for name in ("core_jquants__daily_bars", "core_jquants__listed_issues")
    ]
)
CURVES = pl.DataFrame({"curve": ["seed 0"] * 30 + ["seed 1"] * 30, "step": [*range(30)] * 2, "value": RNG.random(60)})
FITS = [f"{name} rank_ic fold {n // 3} seed {n % 3}" for name in ("apex_ranker", "atft_gat_fan") for n in range(6)]
CONTEST = pl.DataFrame({"curve": FITS, "value": [[0.1, 0.2, 0.15]] * 12}).explode("value", empty_as_null=False)
CONTEST = CONTEST.with_columns(step=pl.int_range(pl.len()).over("curve"))
PICTURES = {
    "cumulative_ic": lambda: plots.cumulative_ic(rank_ic_by_day(ALIGNED)),
    "quantile_bars": lambda: plots.quantile_bars(quantile_returns(ALIGNED)),
    "coverage_heat_map": lambda: plots.coverage_heat_map(COVERAGE),
    "degree_distribution": lambda: plots.degree_distribution(pl.Series(RNG.poisson(12, 4000))),
    "learning_curves": lambda: plots.learning_curves(CURVES),
    "learning_curves_of_a_contest": lambda: plots.learning_curves(CONTEST),
    "feature_coverage": lambda: plots.feature_coverage(
        pl.DataFrame({"feature": [f"f{n}" for n in range(200)], "coverage": RNG.random(200)})
    ),
}


@pytest.mark.parametrize("name", PICTURES)
def test_a_picture_is_a_small_png_with_something_on_it_and_the_same_every_time(name):
    first, second = PICTURES[name](), PICTURES[name]() if name != "degree_distribution" else b""
    assert first.startswith(b"\x89PNG")
    assert len(first) < 40_000
    with Image.open(io.BytesIO(first)) as image:
        assert len(image.convert("RGB").getcolors(1 << 20)) > 3
    assert name in ("degree_distribution", "feature_coverage") or first == second
    assert plt.get_fignums() == []


def test_nothing_to_draw_is_refused():
    with pytest.raises(EvaluationError, match="no rows"):
        plots.learning_curves(CURVES.clear())
    with pytest.raises(EvaluationError, match="no rows"):
        plots.degree_distribution(pl.Series([], dtype=pl.Int32))
    with pytest.raises(EvaluationError, match="coverage"):
        plots.feature_coverage(pl.DataFrame({"feature": ["a"]}))


def inputs(**changes):
    day = PANEL.sessions[-1]
    listed = (
        PANEL.scores("lightgbm", 0.05, seeds=1)
        .filter(session=day)
        .sort("score", descending=True)
        .with_row_index("rank", 1)
    )
    names = pl.DataFrame(
        {
            "code": PANEL.codes,
            "name": ["トヨタ自動車", "<script>alert(1)</script>", "A & B"] * 20,
            "name_english": ["Toyota Motor", None, '"quoted"'] * 20,
            "sector33_code": ["3700", "3650", "0000"] * 20,
        }
    )
    given = {
        "session": day,
        "generated_at": datetime(2024, 3, 13, 10, 6, tzinfo=JST),
        "model": "lightgbm",
        "model_version": "v1",
        "served_because": "baseline: nothing was promoted",
        "predictions": listed,
        "names": names,
    }
    return ReportInputs(**{**given, **changes})


def full():
    verdict = decide(
        MODELS.filter(model="apex_ranker"), MODELS.filter(model="lightgbm"), None, None, PANEL.labels(),
        PANEL.exposures(), GateConfig(resamples=200), GateContext(audit_passed=None),
    )  # fmt: skip
    sources = pl.DataFrame(
        {
            "source": ["core_jquants__daily_bars", "core_jquants__topix"],
            "rows": [1_234_567, 500],
            "coverage": [0.998, None],
            "rejected": [3, 0],
            "newest_session": [PANEL.sessions[-1], PANEL.sessions[-3]],
            "sessions_behind": [0, 2],
        }
    )
    return inputs(
        verdicts=(verdict,),
        summary=summarise(MODELS, PANEL.labels(), exposures=PANEL.exposures()),
        oracle="oracle",
        daily_ic=rank_ic_by_day(ALIGNED),
        quantiles=quantile_returns(ALIGNED),
        sources=sources,
        coverage=COVERAGE,
        curves=CURVES,
        versions={"code": "abc123", "features": "ffff"},
        notes=("The leak audit did not run.",),
        simulated=True,
    )


class Tags(HTMLParser):
    """Opening and closing tags must pair; attributes are collected."""

    VOID = {"meta", "br", "img", "link", "input", "hr"}

    def __init__(self):
        super().__init__()
        self.open, self.links, self.seen = [], [], []

    def handle_starttag(self, tag, attrs):
        self.seen.append(tag)
        self.links += [value for name, value in attrs if name in ("src", "href")]
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag


def test_the_page_needs_nothing_else_and_its_tags_pair():
    page = render_report(full())
    tags = Tags()
    tags.feed(page)
    assert tags.open == []
    pictures = [link for link in tags.links if not link.startswith("#")]
    assert len(pictures) == 4
    assert all(link.startswith("data:image/png;base64,") for link in pictures)
    assert all(f'id="{link[1:]}"' in page for link in tags.links if link.startswith("#"))
    assert not re.search(r"https?://|@import|url\(|<script", page)
    assert len(page) < 300_000


def test_the_page_shows_the_list_the_gate_the_models_and_the_data():
    page = render_report(full())
    given = full()
    assert all(f">{criterion.name}<" in page for criterion in given.verdicts[0].criteria)
    assert all(model in page for model in ("lightgbm", "apex_ranker", "oracle"))
    for words in (
        "トヨタ自動車",
        "Transportation Equipment",
        "1,234,567",
        "99.8%",
        "The leak audit did not run.",
        html.escape(SIMULATED_TERMS),
    ):
        assert words in page
    for words in ("abc123", "Simulated market", "baseline: nothing was promoted", given.verdicts[0].config_hash):
        assert words in page
    assert page.count('class="bad"') == 1


def test_every_challenger_of_a_cut_off_has_its_verdict_on_the_page():
    given = full()
    (verdict,) = given.verdicts
    promoted = [replace(verdict, decision="promote", challenger=name) for name in ("apex_ranker", "atft_gat_fan")]
    page = render_report(replace(given, verdicts=one_promotion(promoted)))
    assert '<h3>apex_ranker <span class="tag promote">promote</span>' in page
    assert '<h3>atft_gat_fan <span class="tag passed_over">passed over</span>' in page
    assert page.count(">one_promotion<") == page.count(">paired_interval<") == 2
    assert "would also pass; 2 challengers pass" in page and "wide enough for all 2 together" in page
    assert "wide enough" not in render_report(given)


def test_only_a_real_markets_page_says_that_it_holds_the_publishers_data():
    real, simulated = (render_report(inputs(simulated=value)) for value in (False, True))
    assert html.escape(TERMS) in real and "Simulated" not in real
    assert html.escape(SIMULATED_TERMS) in simulated and "J-Quants" not in simulated


def test_names_are_escaped():
    page = render_report(full())
    assert "<script>alert" not in page
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in page
    assert "A &amp; B" in page


def test_the_first_line_of_the_list_is_rank_one():
    page = render_report(inputs(top=3))
    body = page[page.index("<tbody>") : page.index("</tbody>")]
    assert re.findall(r'<td class="n">(\d+)</td><td class="code">', body) == ["1", "2", "3"]


def test_a_bare_page_says_what_is_missing():
    page = render_report(inputs(names=None))
    assert "has not judged yet" in page
    assert "What the gate said" not in page
    assert "<img" not in page


def test_an_empty_list_makes_no_page():
    with pytest.raises(EvaluationError, match="an empty list"):
        render_report(inputs(predictions=inputs().predictions.clear()))


def test_all_sectors_of_the_exchange_have_a_name():
    assert len(SECTORS) == 34
    assert all(len(code) == 4 for code in SECTORS)
