"""The gate's no and a red leak audit are answers: the demo goes on to its report; a red audit ends it with an error."""

import dagster as dg
import pytest

from assets.audit import NO_LEAK
from assets.evaluation import PROMOTES
from gogoku.demo.road import ANSWERS, StageFailedError, judge
from gogoku.demo.stages import Stage
from gogoku.demo.story import refuse_a_leak
from gogoku_pipeline.core.errors import LeakError
from gogoku_pipeline.evaluation.criteria import leak_audit
from gogoku_pipeline.evaluation.verdict import GateContext, Verdict
from gogoku_pipeline.registry.tables import GATE

QUIET = {"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}}
STAGE = Stage("walk forward and judge", dg.AssetSelection.all(), ())


def ran(asset, failed, *, is_broken=False):
    """A run of an asset whose body answers its own checks, some of them with a no."""

    @dg.asset(
        name=asset, check_specs=[dg.AssetCheckSpec(name, asset=asset, blocking=True) for name in (*ANSWERS, "other")]
    )
    def body():
        if is_broken:
            raise RuntimeError("the disk is full")
        answers = {name: name not in failed for name in (*ANSWERS, "other")}
        return dg.MaterializeResult(
            check_results=[dg.AssetCheckResult(check_name=name, passed=passed) for name, passed in answers.items()]
        )

    job = dg.Definitions([body]).resolve_implicit_global_asset_job_def()
    return job.execute_in_process(run_config=QUIET, raise_on_error=False)


def verdict(context):
    return Verdict(
        "reject",
        (leak_audit(context),),
        ("",),
        "apex_ranker",
        "lightgbm",
        60,
        (0.0, 0.0, 0.0),
        0.1,
        None,
        False,
        "hash",
    )


def test_the_gates_own_checks_are_the_answers():
    assert set(ANSWERS) == {PROMOTES.name, NO_LEAK.name}


@pytest.mark.parametrize("failed", [(), ("promotes",), ("leak_audit", "promotes")], ids=["yes", "no", "leak"])
def test_whatever_the_gate_answers_the_demo_goes_on(failed):
    result = ran(GATE.name, failed)
    assert result.success == (not failed)
    judge(STAGE, [result])


@pytest.mark.parametrize(
    "result",
    [lambda: ran(GATE.name, ("leak_audit", "other")), lambda: ran("core__universe", ("promotes",))],
    ids=["another check of the gate", "another asset"],
)
def test_any_other_no_stops_the_demo(result):
    with pytest.raises(StageFailedError, match="walk forward and judge"):
        judge(STAGE, [result()])


def test_a_body_that_breaks_stops_the_demo_with_its_cause():
    with pytest.raises(StageFailedError, match="the disk is full"):
        judge(STAGE, [ran(GATE.name, (), is_broken=True)])


def test_a_red_audit_or_one_that_did_not_run_ends_with_an_error_that_says_who_was_not_promoted():
    refuse_a_leak([verdict(GateContext(audit_passed=True))])
    for passed in (False, None):
        with pytest.raises(LeakError, match="nothing of apex_ranker may be promoted") as red:
            refuse_a_leak([verdict(GateContext(audit_passed=passed))])
        assert "gogoku audit" in red.value.remedy
