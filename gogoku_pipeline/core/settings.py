"""The only reader of the environment: twelve names, typed, checked, handed on as values.

Resources receive a `Settings` object; no other module asks the environment for anything (a house test and ruff's
banned-api rule see to it). The standard AWS_* and DAGSTER_* names belong to their libraries and are not counted.
"""

from __future__ import annotations

import os
import re
from datetime import date, time
from pathlib import Path
from typing import Literal

from pydantic import Field, SecretStr, ValidationError, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from gogoku_pipeline.core.errors import ConfigError

PlanName = Literal["free", "light", "standard", "premium"]

_AWS_OPTIONS = {
    "AWS_ENDPOINT_URL": "aws_endpoint_url",
    "AWS_ACCESS_KEY_ID": "aws_access_key_id",
    "AWS_SECRET_ACCESS_KEY": "aws_secret_access_key",
    "AWS_SESSION_TOKEN": "aws_session_token",
    "AWS_REGION": "aws_region",
    "AWS_DEFAULT_REGION": "aws_region",
}


class Settings(BaseSettings):
    """Everything a person may set from outside.

    Attributes are read from `GOGOKU_<NAME>` (the key from `JQUANTS_API_KEY`) and from a `.env` file in the folder a
    command is started in. `load_settings` refuses GOGOKU_ names it does not know.
    """

    model_config = SettingsConfigDict(env_prefix="GOGOKU_", env_file=".env", extra="ignore", frozen=True)

    data_url: str = Field(default="", description="file:///path or s3://bucket/prefix; empty: ./.gogoku/data")
    plan: PlanName | None = Field(default=None, description="J-Quants plan; empty: detected from the key")
    api_url: str = Field(default="https://api.jquants.com/v2", description="base URL of a V2-shaped service")
    start_date: date | None = Field(default=None, description="first session partition; empty: what the plan covers")
    cutoff: time = Field(default=time(19, 0), description="JST hour after which a session's decision is made")
    alert_webhook_url: SecretStr | None = Field(default=None, description='POST target of {"text": ...} alerts')
    smtp_url: SecretStr | None = Field(default=None, description="smtp://user:password@host:port for alert mail")
    alert_email: str | None = Field(default=None, description="receiver of alert mail")
    device: str = Field(default="auto", description="torch device: auto, cpu, cuda, cuda:1 ...")
    cache_dir: Path = Field(default=Path(".gogoku/cache"), description="local derived caches (the panel)")
    dagster_db_url: SecretStr | None = Field(default=None, description="PostgreSQL of Dagster's runs; empty: files")
    jquants_api_key: SecretStr | None = Field(default=None, validation_alias="JQUANTS_API_KEY", description="API key")

    @field_validator("*", mode="before")
    @classmethod
    def _empty_means_unset(cls, value: object, info: object) -> object:
        """An empty line in .env is the same as no line."""
        name = getattr(info, "field_name", "")
        return cls.model_fields[name].default if value == "" else value

    @property
    def store_url(self) -> str:
        """The data URL with the local default filled in."""
        return self.data_url or f"file://{Path('.gogoku/data').resolve()}"


def load_settings() -> Settings:
    """Read the environment once; raises ConfigError that names the variable and what it should look like."""
    _refuse_unknown_names()
    try:
        return Settings()
    except ValidationError as problem:
        first = problem.errors()[0]
        name = str(first["loc"][0])
        variable = name if name.isupper() else f"GOGOKU_{name.upper()}"
        raise ConfigError(
            variable,
            got="a value that cannot be read",
            want=str(first["msg"]),
            remedy="Correct the variable or its line in .env; `.env.example` shows each form.",
        ) from None


def _refuse_unknown_names() -> None:
    """A misspelt name would be ignored in silence, and the default would do something else than was meant."""
    file = Path(str(Settings.model_config["env_file"]))
    written = re.findall(r"^\s*(?:export\s+)?(GOGOKU_\w+)\s*=", file.read_text() if file.is_file() else "", re.M)
    known = {f"GOGOKU_{name.upper()}" for name in Settings.model_fields} - {"GOGOKU_JQUANTS_API_KEY"}
    for name in sorted({*written, *(name for name in os.environ if name.startswith("GOGOKU_"))} - known):
        raise ConfigError(
            name,
            got="a name nobody reads",
            want=f"one of {', '.join(sorted(known))}",
            remedy="Correct or remove the variable or its line in .env; `.env.example` shows all names.",
        )


def object_store_options() -> dict[str, str]:
    """The standard AWS_* names in the spelling shared by obstore, Polars and Delta Lake (all object_store)."""
    options = {option: os.environ[name] for name, option in _AWS_OPTIONS.items() if os.environ.get(name)}
    if options.get("aws_endpoint_url", "").startswith("http://"):
        options["aws_allow_http"] = "true"
    return options


def environment_with(**names: str) -> dict[str, str]:
    """The environment a child process is started in, with some names set."""
    return {**os.environ, **names}


def batch_dagster_events(size: int = 1000) -> None:
    """Let Dagster write a run's events in batches, unless its own name says otherwise.

    One commit per event is most of the cost of a range run: a session's bookkeeping falls to about a third.
    """
    os.environ.setdefault("DAGSTER_EVENT_BATCH_SIZE", str(size))
