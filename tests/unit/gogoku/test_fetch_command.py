"""What a person asks for on the command line is refused before anybody is asked, when nothing can come of it."""

from typer.testing import CliRunner

from gogoku.cli import build_app
from gogoku_pipeline.core.errors import DataError


def test_days_without_trading_are_named_and_nothing_is_asked(tmp_path):
    runner = CliRunner(env={"GOGOKU_DATA_URL": f"file://{tmp_path}/data"})
    result = runner.invoke(build_app(), ["fetch", "daily_bars", "2024-05-03", "2024-05-06"])
    assert isinstance(result.exception, DataError)
    assert result.exception.thing == "daily_bars 2024-05-03 .. 2024-05-06"
    assert result.exception.got == "days without trading"
    assert not (tmp_path / "data").exists()
