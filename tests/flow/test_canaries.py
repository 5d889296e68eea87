"""Planted secrets: a road with failures on purpose, then a search of everything that was written or said. Zero hits."""

import asyncio
import base64
import gzip
import io
import traceback
import zlib
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import datetime, time, timedelta
from pathlib import Path
from urllib.parse import quote

import dagster as dg
import polars as pl
import pytest
import zstandard
from pydantic import SecretStr

from gogoku.definitions import build_definitions
from gogoku_pipeline.core.clocks import JST, VirtualClock
from gogoku_pipeline.core.errors import GogokuError, StoreError
from gogoku_pipeline.core.settings import Settings
from gogoku_pipeline.jquants import JQuantsClient
from gogoku_pipeline.simulator.bulk_faults import DOWNLOAD, SIGNING, Redirected, SignedUrl
from gogoku_pipeline.simulator.config import MarketConfig
from gogoku_pipeline.simulator.faults import FaultPlan, ServerFailure, When
from gogoku_pipeline.simulator.market import generate_market
from gogoku_pipeline.simulator.thread import run_simulator_thread
from gogoku_pipeline.store import open_store
from gogoku_pipeline.store.bucket import ensure_bucket
from gogoku_pipeline.tables.universe import UniverseConfig
from jobs.alerts import AlertCursor
from resources.compute import Compute
from tests.flow.small_house import END, GRAPH, ORDERS, QUIET, RAW, START, TABLES, causes, small_house
from tests.servers.moto_gateway import moto_gateway
from tests.unit.monitoring.receivers import mail_server, webhook

pytestmark = pytest.mark.s3

KEY = "canary-key-5b1e9f07"
S3_SECRET = "canaryS3secret77c2"
HOOK = "CanaryHookToken31"
MAIL = "canaryMailPw66"
DATABASE = "canaryDatabasePw12"
SIGNATURE = "canarySignature9d"
SECRETS = (KEY, S3_SECRET, HOOK, MAIL, DATABASE, SIGNATURE)
SIGNED = f"http://169.254.169.254/file.csv.gz?X-Amz-Signature={SIGNATURE}"
LEAKY = f"Bad request with x-api-key {KEY}, see https://files.test/x?X-Amz-Signature={SIGNATURE}"

WHOLE = ("raw_jquants__calendar", "raw_jquants__topix", "core_jquants__calendar")
ROAD = ("raw_jquants__daily_bars", "raw_jquants__listed_issues", "core_jquants__daily_bars", "core__universe")
LISTED = "core_jquants__listed_issues"
SERVED = (
    ("core_jquants__calendar", "core_jquants__security_master", "data__labels"),
    ("data__panel",),
    ("model__lightgbm",),
    ("pred__daily",),
    ("report__evening",),
)


@dataclass
class Town:
    """A house whose every secret is a canary, and what was said in it."""

    definitions: dg.Definitions
    instance: dg.DagsterInstance
    server: object
    folder: Path
    keys: list[str]
    said: list[str] = field(default_factory=list)

    def run(self, names, first=None, last=None):
        """Materialise assets; whatever Dagster says about it is kept for the search."""
        result = self.definitions.resolve_implicit_global_asset_job_def().execute_in_process(
            run_config=QUIET,
            instance=self.instance,
            asset_selection=[dg.AssetKey(name) for name in names],
            partition_key=first if last is None else None,
            tags={} if last is None else {START: first, END: last},
            raise_on_error=False,
        )
        self.said += [str(event) for event in result.all_events] + [str(causes(result))]
        return result

    def fails(self, error, names, first):
        """A step that must fail with this error, by name."""
        result = self.run(names, first)
        assert not result.success
        words = " ".join(causes(result).values())
        assert error in words, words

    def tick(self):
        """The alert sensor reads everything that happened and tells a person; what it raises is kept."""
        (sensor,) = (one for one in self.definitions.sensors if one.name == "alerts")
        start = AlertCursor(event=-1).model_dump_json()
        context = dg.build_sensor_context(instance=self.instance, cursor=start)
        try:
            self.said.append(str(sensor.evaluate_tick(context)))
        except GogokuError as problem:
            self.said.append("".join(traceback.format_exception(problem)))
            return problem
        return None


@contextmanager
def town(market, folder, place, hook, smtp, *faults):
    """Open the house: settings hold every canary, the service knows the key, Dagster keeps its events in files."""
    clock = VirtualClock(datetime.combine(market.sessions[-1], time(20), JST) + timedelta(days=45), rate_scale=4_000)
    (folder / "dagster").mkdir()
    with (
        run_simulator_thread(market, clock, faults=FaultPlan(*faults), api_keys={KEY: "premium"}) as server,
        dg.DagsterInstance.local_temp(str(folder / "dagster")) as instance,
    ):
        settings = Settings(
            _env_file=None,
            data_url=place[0],
            plan="premium",
            api_url=server.base_url,
            alert_webhook_url=SecretStr(hook),
            smtp_url=SecretStr(smtp),
            alert_email="person@house.test",
            dagster_db_url=SecretStr(f"postgresql://gogoku:{DATABASE}@127.0.0.1:9/dagster"),
            JQUANTS_API_KEY=SecretStr(KEY),
            cache_dir=folder / "cache",
        )
        compute = Compute(
            cache_dir=folder / "cache",
            first_session=market.sessions[0],
            device="cpu",
            universe=UniverseConfig(min_listed_sessions=5, min_median_turnover_jpy=0),
            threads=1,
            is_simulated=True,
        )
        definitions = build_definitions(
            settings=settings,
            start=market.sessions[0],
            end=market.sessions[-1],
            store=open_store(*place),
            clock=clock,
            compute=compute,
        )
        house = Town(definitions, instance, server, folder, [day.isoformat() for day in market.sessions])
        house.said += [repr(settings), str(settings), settings.model_dump_json(), repr(definitions.resources)]
        yield house


def wrong_turns(market):
    """Faults: July's file signed for a private address, August's redirected, one refusal that repeats the key."""
    return (
        SignedUrl(When(path=SIGNING, key="202006", times=None), url=SIGNED),
        SignedUrl(When(path=SIGNING, times=1), url=SIGNED),
        Redirected(When(path=DOWNLOAD, times=None), location=SIGNED),
        ServerFailure(When(path="/equities/master", day=market.sessions[12]), status=400, message=LEAKY),
        ServerFailure(When(path="/equities/master", day=market.sessions[13]), status=403, message=LEAKY),
        ServerFailure(When(path="/equities/bars/daily", day=market.sessions[14], times=6), message=LEAKY),
    )


def walked(house):
    """A road that succeeds although its files do not, then every kind of failure."""
    assert house.run(WHOLE).success
    assert house.run([*ROAD, LISTED], house.keys[0], house.keys[9]).success
    house.fails("RequestError", ["raw_jquants__listed_issues"], house.keys[12])
    house.fails("CredentialsError", ["raw_jquants__listed_issues"], house.keys[13])
    house.fails("ServerError", ["raw_jquants__daily_bars"], house.keys[14])
    house.server.revoke(KEY)
    house.fails("CredentialsError", ["raw_jquants__daily_bars"], house.keys[15])
    house.fails("PartitionMissingError", ["core_jquants__daily_bars"], house.keys[15])


def kept_files(folder):
    """Every file below a folder, by name."""
    return {str(path): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}


def unpacked(name, content):
    """The bytes as they lie there, and what is inside them if they are packed."""
    forms = [content]
    if name.endswith(".parquet"):
        forms.append(str(pl.read_parquet(io.BytesIO(content)).with_columns(pl.all().cast(pl.String)).rows()).encode())
    elif name.endswith(".zst"):
        forms.append(zstandard.ZstdDecompressor().decompress(content))
    elif name.endswith(".gz"):
        forms.append(gzip.decompress(content))
    elif content[:2] == b"x\x9c":
        forms.append(zlib.decompress(content))
    return forms


def spellings(secret):
    """A secret as it is, quoted for a URL, and in base64."""
    return {secret.encode(), quote(secret, safe="").encode(), base64.b64encode(secret.encode()).rstrip(b"=")}


def hits(files, texts, secrets=SECRETS):
    """(where, secret) of every secret found in files or in what was said."""
    places = [(name, form) for name, content in files.items() for form in unpacked(name, content)]
    places += [(f"text {number}", text.encode()) for number, text in enumerate(texts)]
    return sorted(
        {(name, secret) for name, form in places for secret in secrets if any(s in form for s in spellings(secret))}
    )


@pytest.fixture(scope="module")
def market():
    return generate_market(MarketConfig(n_issues=24, n_sessions=30))


def test_the_search_finds_a_secret_however_it_is_packed(tmp_path):
    pl.DataFrame({"words": ["a", f"x {KEY} y"]}).write_parquet(tmp_path / "a.parquet")
    (tmp_path / "b.json.zst").write_bytes(zstandard.ZstdCompressor().compress(HOOK.encode()))
    (tmp_path / "c.csv.gz").write_bytes(gzip.compress(MAIL.encode()))
    (tmp_path / "d.db").write_bytes(b"\0\1" + S3_SECRET.encode() + b"\0")
    (tmp_path / "e.txt").write_bytes(base64.b64encode(SIGNATURE.encode()))
    found = hits(kept_files(tmp_path), [f"postgresql://u:{DATABASE}@h/d"])
    assert [secret for _, secret in found] == [KEY, HOOK, MAIL, S3_SECRET, SIGNATURE, DATABASE]


def test_no_secret_is_told_by_a_house_on_files_whose_steps_fail(market, tmp_path, caplog, capfd):
    caplog.set_level("DEBUG")
    place = (f"file://{tmp_path}/data",)
    with webhook(statuses=[500] * 3) as (base, received), mail_server(refuse_first=1) as (address, messages):
        hook = f"{base.partition('/hooks')[0]}/hooks/{HOOK}?token={HOOK}"
        smtp = f"smtp://user:{MAIL}@{address}"
        with town(market, tmp_path, place, hook, smtp, *wrong_turns(market)) as house:
            walked(house)
            refused = house.tick()
            assert refused is not None and "AlertNotDelivered" in type(refused).__name__
            assert house.tick() is None
            assert house.server.keys_leaked == 0
            assert {seen.plan for seen in house.server.requests_seen} == {"premium", ""}
        assert len(received) > 4 and all(HOOK in path for path, _ in received)
        texts = [*house.said, *messages, *(str(body) for _, body in received)]
    out, err = capfd.readouterr()
    files = kept_files(tmp_path)
    assert any(name.endswith(".db") for name in files) and any(name.endswith(".zst") for name in files)
    assert any("is not used" in text for text in house.said), "no file failed"
    assert hits(files, [*texts, caplog.text, out, err, *map(str, files)]) == []


def test_no_secret_is_told_by_a_house_in_a_bucket_that_goes_away(market, tmp_path, caplog, capfd):
    caplog.set_level("DEBUG")
    gateway = ExitStack()
    options = {
        "aws_endpoint_url": gateway.enter_context(moto_gateway()),
        "aws_access_key_id": "testkey",
        "aws_secret_access_key": S3_SECRET,
        "aws_region": "us-east-1",
        "aws_allow_http": "true",
    }
    place = ("s3://gogoku-canaries/data", options)
    ensure_bucket(*place)
    hook, smtp = f"http://127.0.0.1:9/hooks/{HOOK}?token={HOOK}", f"smtp://user:{MAIL}@127.0.0.1:9"
    with town(market, tmp_path, place, hook, smtp, *wrong_turns(market)) as house:
        assert house.run(WHOLE).success
        assert house.run([*ROAD, LISTED], house.keys[0], house.keys[4]).success
        with pytest.raises(StoreError) as missing:
            open_store("s3://gogoku-nowhere/data", options)
        store = open_store(*place)
        objects = {key: store.objects.get(key) for key in store.objects.list()}
        gateway.close()
        house.fails("StoreError", ["raw_jquants__daily_bars"], house.keys[15])
        assert house.tick() is not None
        texts = [*house.said, *traceback.format_exception(missing.value), repr(store)]
    out, err = capfd.readouterr()
    assert any(key.endswith(".parquet") for key in objects) and any(key.endswith(".zst") for key in objects)
    assert hits(kept_files(tmp_path) | objects, [*texts, caplog.text, out, err]) == []


@pytest.mark.slow
def test_panels_models_predictions_and_the_report_hold_no_key(tmp_path, caplog, capfd):
    caplog.set_level("DEBUG")
    market = generate_market(MarketConfig(n_issues=40, n_sessions=60, seed=3))
    with small_house(market, tmp_path / "house") as house:
        house.prepare(house.keys[0], house.keys[-1])
        done = [house.run((*RAW, *TABLES, *ORDERS, *house.families, *GRAPH), house.keys[0], house.keys[-1])]
        done += [house.run(names, house.keys[-1]) for names in SERVED]
        assert all(result.success for result in done), [causes(result) for result in done]
        said = [str(event) for result in done for event in result.all_events]
        assert len(house.store.objects.list("reports/")) == 1
        assert {seen.plan for seen in house.server.requests_seen} == {"premium"}
    out, err = capfd.readouterr()
    files = kept_files(tmp_path)
    assert any(name.endswith(".html") for name in files)
    assert hits(files, [*said, caplog.text, out, err], ["simulator-premium-key"]) == []


def test_a_clients_own_words_hold_no_secret():
    async def told():
        client = JQuantsClient("http://127.0.0.1:9/v2", SecretStr(KEY), plan="free")
        try:
            return [repr(client), str(vars(client)), client.key_fingerprint]
        finally:
            await client.close()

    assert hits({}, asyncio.run(told())) == []
