"""The compose file, read as data: no container engine is needed to see that it keeps the house's rules."""

import re
from pathlib import Path

import pytest
import yaml

from gogoku_pipeline.core.settings import Settings

ROOT = Path(__file__).resolve().parents[2]
TEXT = (ROOT / "docker-compose.yml").read_text()
COMPOSE = yaml.safe_load(TEXT)
SERVICES = COMPOSE["services"]
ONCE = {"bucket", "volumes-owned"}
OURS = {"bucket", "code", "code-gpu", "webserver", "daemon"}
BY_DEFAULT = {"minio", "volumes-owned", "bucket", "postgres", "code", "webserver", "daemon"}


def names_in(file):
    return set(re.findall(r"^([A-Z][A-Z0-9_]*)=", (ROOT / file).read_text(), re.M))


def test_the_services_are_these():
    assert {name for name, service in SERVICES.items() if "profiles" not in service} == BY_DEFAULT
    assert {profile for service in SERVICES.values() for profile in service.get("profiles", [])} == {
        "gpu",
        "observability",
    }


@pytest.mark.parametrize("name", sorted(SERVICES))
def test_images_are_pinned_and_no_server_runs_as_root(name):
    service = SERVICES[name]
    image = re.sub(r"\$\{\w+:-(.*)\}", r"\1", service["image"])
    assert re.search(r":[\w.-]*\d[\w.-]*$", image) or name in OURS, image
    assert not image.endswith(":latest")
    if name != "volumes-owned":
        user, _, group = service["user"].partition(":")
        assert int(user) > 0 and int(group) > 0


@pytest.mark.parametrize("name", sorted(set(SERVICES) - ONCE))
def test_every_lasting_service_is_watched_and_restarts(name):
    service = SERVICES[name]
    assert service["healthcheck"]["test"][0] == "CMD"
    assert {"interval", "timeout", "retries"} <= set(service["healthcheck"])
    assert service["restart"] == "unless-stopped"


@pytest.mark.parametrize("name", sorted(ONCE))
def test_what_runs_once_does_not_restart(name):
    assert SERVICES[name]["restart"] == "no"


def test_ports_are_published_on_the_loopback_only():
    published = [port for service in SERVICES.values() for port in service.get("ports", [])]
    assert len(published) >= 3
    assert all(str(port).startswith("127.0.0.1:") for port in published)


def test_nobody_starts_before_what_it_needs_is_well():
    for name, service in SERVICES.items():
        for needed, how in service.get("depends_on", {}).items():
            wanted = "service_completed_successfully" if needed in ONCE else "service_healthy"
            assert how == {"condition": wanted}, (name, needed)
    assert set(SERVICES["code"]["depends_on"]) == {"bucket", "postgres"}
    assert set(SERVICES["bucket"]["depends_on"]) == {"minio"}


def test_every_name_is_explained_and_every_secret_is_asked_for():
    used = set(re.findall(r"\$\{(\w+)", TEXT))
    written = names_in(".env.example") | names_in("deploy/compose.env.example")
    assert used <= written, f"not in the examples: {sorted(used - written)}"
    assert names_in("deploy/compose.env.example") <= used | {"JQUANTS_API_KEY"}
    for secret in ("JQUANTS_API_KEY", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "POSTGRES_PASSWORD"):
        assert re.search(rf"\$\{{{secret}:\?", TEXT), secret
        assert not re.search(rf"\$\{{{secret}:-", TEXT), secret


def test_the_house_gets_every_setting_it_reads_and_no_name_it_would_refuse():
    known = {f"GOGOKU_{name.upper()}" for name in Settings.model_fields} - {"GOGOKU_JQUANTS_API_KEY"}
    for name in OURS:
        given = {key for key in SERVICES[name]["environment"] if key.startswith("GOGOKU_")}
        assert given == known - {"GOGOKU_CACHE_DIR"}, name  # the image names the cache itself
    assert "GOGOKU_CACHE_DIR=" in (ROOT / "Dockerfile").read_text()
    assert names_in(".env.example") == known | {"JQUANTS_API_KEY"}


def test_volumes_and_networks_are_declared_and_mounted_files_exist():
    for service in SERVICES.values():
        for volume in service.get("volumes", []):
            source = volume.split(":")[0]
            assert (ROOT / source).is_file() if source.startswith("./") else source in COMPOSE["volumes"], source
        assert set(service.get("networks", [])) <= set(COMPOSE["networks"])


def test_the_gpu_is_reserved():
    (device,) = SERVICES["code-gpu"]["deploy"]["resources"]["reservations"]["devices"]
    assert device == {"driver": "nvidia", "count": 1, "capabilities": ["gpu"]}
    assert SERVICES["code-gpu"]["environment"]["GOGOKU_DEVICE"] == "cuda"


def test_targets_of_the_image_exist_and_end_unprivileged():
    text = (ROOT / "Dockerfile").read_text()
    stages = dict(re.findall(r"^FROM (\S+) AS (\w+)$", text, re.M))
    assert set(stages.values()) == {"cpu", "gpu"} == {SERVICES[name]["build"]["target"] for name in OURS}
    assert re.findall(r"^USER (\S+)", text, re.M) == ["10001:10001"] * 2
    for default in re.findall(r"^ARG \w+_IMAGE=(\S+)", text, re.M):
        assert re.search(r":\d", default), default
    kept = [line[1:] for line in (ROOT / ".dockerignore").read_text().splitlines() if line.startswith("!")]
    assert all((ROOT / name).exists() for name in kept)
    assert not {".env", ".gogoku", "tests"} & set(kept)


def test_dagster_in_containers_differs_from_dagster_on_a_desk_in_its_storage_alone():
    desk, containers = (yaml.safe_load((ROOT / name).read_text()) for name in ("dagster.yaml", "deploy/dagster.yaml"))
    assert containers.pop("storage") == {"postgres": {"postgres_url": {"env": "GOGOKU_DAGSTER_DB_URL"}}}
    assert containers == desk
