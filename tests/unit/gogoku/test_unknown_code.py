"""A person who asks for an issue that is not there is told so, and what to do."""

from datetime import date

import polars as pl
import pytest
from typer.testing import CliRunner

from gogoku.cli import build_app
from gogoku.commands.predictions import only
from gogoku_pipeline.core.errors import ConfigError, DataError

DAY = date(2024, 5, 8)


def test_an_issue_that_was_not_ranked_is_named_with_a_remedy():
    ranked = pl.DataFrame({"code": ["13010", "72030"], "rank": [1, 2]})
    assert only(ranked, "72030", DAY)["rank"].to_list() == [2]
    with pytest.raises(DataError, match="issue 99990 on 2024-05-08: got no place among the 2 ranked") as caught:
        only(ranked, "99990", DAY)
    assert "gogoku describe 99990" in caught.value.remedy


def test_describing_an_issue_nobody_lists_fails_by_name(tmp_path):
    runner = CliRunner(env={"GOGOKU_DATA_URL": f"file://{tmp_path}/data"})
    result = runner.invoke(build_app(), ["describe", "9999"])
    assert isinstance(result.exception, ConfigError)
    assert (result.exception.thing, result.exception.remedy) == ("issue 99990", "Check the code.")
