"""Where a command works: on your own data, or on the demo's until there is any.

The environment decides. As soon as a key, a data URL or an API URL is set, it is yours; otherwise, if `gogoku demo` has
run in this folder, commands and the UI show its market, at its own evening.
Belongs here: choosing settings, clock and sizes. Does not belong here: opening anything.
"""

import json
from dataclasses import asdict, dataclass
from datetime import date, datetime
from pathlib import Path

from pydantic import SecretStr

from gogoku_pipeline.core.clocks import JST, Clock, RealClock, VirtualClock
from gogoku_pipeline.core.errors import ConfigError
from gogoku_pipeline.core.fingerprints import sha256_bytes
from gogoku_pipeline.core.settings import Settings, load_settings, object_store_options
from gogoku_pipeline.store import Store, open_store

HOME = Path(".gogoku")
DEMO = HOME / "demo"
NOTE = DEMO / "demo.json"


@dataclass(frozen=True)
class DemoNote:
    """What a demo is: everything needed to make the same market and stand in the same evening.

    Attributes:
        size, seed, signal, plan: of the simulated market and its key.
        start, end: first and last session, ISO.
        now: the demo's evening, ISO with offset.
        rate_scale: how much faster than the wall a plan's minute passes.
        base_url: where the simulator answers; it runs only while `gogoku demo` or `gogoku ui` does.
        data_url: where the data is kept, e.g. s3://bucket/prefix; empty: in the demo's folder.
    """

    size: str
    seed: int
    signal: float
    plan: str
    start: str
    end: str
    now: str
    rate_scale: float
    base_url: str = ""
    data_url: str = ""

    @property
    def folder(self) -> Path:
        """Data, caches and Dagster's home of this demo; another market or another store has another folder."""
        elsewhere = f"-at-{sha256_bytes(self.data_url.encode())[:8]}" if self.data_url else ""
        return DEMO / f"{self.size}-{self.plan}-seed{self.seed}-signal{self.signal:g}{elsewhere}"

    def save(self) -> None:
        """Make this the demo that commands and the UI show."""
        NOTE.parent.mkdir(parents=True, exist_ok=True)
        NOTE.write_text(json.dumps(asdict(self), indent=2))

    @classmethod
    def load(cls) -> "DemoNote":
        """The demo last run in this folder; raises ConfigError when there is none."""
        if not NOTE.exists():
            raise ConfigError("demo", got="no demo in this folder", want=f"{NOTE}", remedy="Run `gogoku demo` first.")
        return cls(**json.loads(NOTE.read_text()))


@dataclass(frozen=True)
class Deployment:
    """One place with its settings.

    Attributes:
        settings: data URL, API URL, key and the rest.
        clock: what hour it is there.
        dagster_home: folder of Dagster's own storage.
        demo: the demo's note, None for your own data.
    """

    settings: Settings
    clock: Clock
    dagster_home: Path
    demo: DemoNote | None = None

    @property
    def start(self) -> date | None:
        """First session, None where the plan decides."""
        return date.fromisoformat(self.demo.start) if self.demo else self.settings.start_date

    @property
    def end(self) -> date | None:
        """Last session of a closed history, None for one that grows."""
        return date.fromisoformat(self.demo.end) if self.demo else None

    @property
    def database_url(self) -> str:
        """PostgreSQL that keeps Dagster's runs and events; empty: files in its home."""
        secret = self.settings.dagster_db_url
        return secret.get_secret_value() if secret else ""

    def open_store(self) -> Store:
        """The store of this place."""
        return open_store(self.settings.store_url, object_store_options())


def demo_deployment(note: DemoNote) -> Deployment:
    """The demo's place: local data, simulated service, its own evening."""
    folder = note.folder.resolve()
    settings = Settings(
        data_url=note.data_url or f"file://{folder / 'data'}",
        plan=note.plan,
        api_url=note.base_url or "http://127.0.0.1:1/v2",
        start_date=date.fromisoformat(note.start),
        cache_dir=folder / "cache",
        JQUANTS_API_KEY=SecretStr(f"simulator-{note.plan}-key"),
    )
    return Deployment(settings, demo_clock(note), folder / "dagster", note)


def demo_clock(note: DemoNote) -> VirtualClock:
    """The demo's evening; client and simulator hold one each and agree about a minute."""
    return VirtualClock(datetime.fromisoformat(note.now).astimezone(JST), rate_scale=note.rate_scale)


def own_deployment(settings: Settings) -> Deployment:
    """Your own place."""
    return Deployment(settings, RealClock(), (HOME / "dagster").resolve())


def deployment() -> Deployment:
    """The place the environment and this folder speak of."""
    settings = load_settings()
    untouched = Settings.model_fields["api_url"].default == settings.api_url
    if settings.jquants_api_key is None and not settings.data_url and untouched and NOTE.exists():
        return demo_deployment(DemoNote.load())
    return own_deployment(settings)
