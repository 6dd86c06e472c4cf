"""The production shape: valid, closed to the outside, and installed and started the same way as on one machine."""

import json
import re
import shlex
from importlib import resources
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml

from webapp.launch import launcher

ROOT = Path(launcher.__file__).parents[2]
COMPOSE = (ROOT / "docker-compose.yml").read_text()
DOCKERFILE = (ROOT / "docker" / "Dockerfile").read_text()
OURS = ["web", "prepare", "worker", "worker-gpu", "housekeeping"]
STORES = ["postgres", "redis", "s3"]


def compose() -> dict[str, Any]:
    return yaml.safe_load(COMPOSE)


def service(name: str) -> dict[str, Any]:
    return compose()["services"][name]


def test_the_compose_file_follows_the_published_schema() -> None:
    schema = resources.files("check_jsonschema") / "builtin_schemas" / "vendor" / "compose-spec.json"
    jsonschema.validate(compose(), json.loads(schema.read_text()))


@pytest.mark.row("S15")
def test_only_the_proxy_publishes_ports() -> None:
    assert [name for name, made in compose()["services"].items() if "ports" in made] == ["proxy"]


def test_every_image_of_others_is_pinned_to_a_release() -> None:
    """PostgreSQL and Redis to their major one, whose later patches read the same files."""
    images = {name: made["image"] for name, made in compose()["services"].items() if name not in OURS}
    assert re.fullmatch(r"caddy:\d+\.\d+\.\d+-alpine", images.pop("proxy"))
    assert re.fullmatch(r"minio/minio:RELEASE\.[0-9TZ-]+", images.pop("s3"))
    assert [name for name, image in images.items() if not re.search(r":\d+(\.\d+)*-alpine$", image)] == []


def test_data_stores_stay_on_the_inside_network_and_say_whether_they_are_well() -> None:
    assert compose()["networks"]["inside"] == {"internal": True}
    for name in STORES:
        assert service(name)["networks"] == ["inside"]
        assert service(name)["healthcheck"]["test"]


@pytest.mark.parametrize("name", ["web", "worker", "worker-gpu", "housekeeping"])
def test_whatever_reads_or_deletes_stored_files_reaches_a_store_on_the_outside(name: str) -> None:
    assert service(name)["networks"] == ["inside", "outside"]


@pytest.mark.parametrize("secret", ["SECRET_KEY", "SEAL_KEY", "POSTGRES_PASSWORD", "REDIS_PASSWORD"])
def test_no_secret_has_a_default_that_would_be_used_when_it_is_forgotten(secret: str) -> None:
    uses = re.findall(r"(?<!\$)\$\{" + secret + r"([^}]*)\}", COMPOSE)
    assert uses and all(use.startswith(":?") for use in uses)


@pytest.mark.parametrize("name", OURS)
def test_our_services_run_without_rights_they_do_not_need(name: str) -> None:
    assert service(name)["cap_drop"] == ["ALL"]
    assert service(name)["security_opt"] == ["no-new-privileges:true"]
    users = re.findall(r"^USER (.+)$", DOCKERFILE, re.MULTILINE)
    assert users == ["tunesmith"]


def test_every_setting_passed_to_our_services_is_one_that_settings_read() -> None:
    settings = (ROOT / "webapp" / "settings.py").read_text()
    passed = set(service("web")["environment"])
    unknown = {name for name in passed if f'"{name}"' not in settings}
    assert unknown == set()


# Documented, and of no use in these containers.
NOT_IN_CONTAINERS = {
    "TUNESMITH_STATE",  # the image has it
    "STATIC_ROOT",  # the image has it
    "HOST",  # only the proxy listens to the world
    "PORT",
    "TUNESMITH_ADMIN_EMAIL",  # for "prepare" alone
    "TUNESMITH_ADMIN_PASSWORD",
    "DEBUG",
    "BROKER_PROGRAM",  # Redis is a service of its own
    "ACCEL_PREFIX",  # for nginx
    "WORKER_NAME",  # two workers would bear the same
}


def test_every_documented_setting_is_passed_on_or_left_out_on_purpose() -> None:
    table = (ROOT / "docs" / "operations.md").read_text().partition("\n## Settings\n")[2].partition("\n## ")[0]
    cells = [line.split("|")[1] for line in table.splitlines() if line.startswith("| `")]
    documented = {name for cell in cells for name in re.findall(r"`([A-Z0-9_]+)`", cell)}
    assert len(documented) > 30
    for name in OURS:
        passed = set(service(name)["environment"])
        assert documented - passed - NOT_IN_CONTAINERS == set()
        assert passed & NOT_IN_CONTAINERS == ({n for n in passed if "_ADMIN_" in n} if name == "prepare" else set())


def test_models_of_the_machine_are_mounted_for_reading_only_where_the_setting_says() -> None:
    assert service("web")["environment"]["MODEL_ROOTS"] == "${MODELS_FOLDER:+/models}"
    for name in ("web", "worker", "worker-gpu"):
        assert "${MODELS_FOLDER:-no-models}:/models:ro" in service(name)["volumes"]


def test_the_example_environment_names_every_variable_of_the_compose_file() -> None:
    example = (ROOT / "docker" / "env.example").read_text()
    named = set(re.findall(r"^([A-Z0-9_]+)=", example, re.MULTILINE))
    used = set(re.findall(r"(?<!\$)\$\{([A-Z0-9_]+)", COMPOSE))
    assert used - named == {"BEHIND_PROXY"}  # right as it is for the proxy in the file
    assert named - used == set()


def test_images_and_makefile_install_by_the_same_script_and_nothing_beside_it() -> None:
    makefile = (ROOT / "Makefile").read_text()
    assert "requirements/install.sh run" in makefile
    assert "requirements/install.sh run" in DOCKERFILE
    for text in (DOCKERFILE, makefile.partition("lock: ")[0], makefile.partition("clean: ")[2]):
        assert "pip install" not in text and "apt-get install" not in text
    for name in OURS:
        assert service(name)["build"]["dockerfile"] == "docker/Dockerfile"


def test_everything_the_image_copies_exists_and_passes_the_ignore_file() -> None:
    copied = [shlex.split(line)[1:-1] for line in DOCKERFILE.splitlines() if line.startswith("COPY ")]
    paths = {path.rstrip("/") for line in copied for path in line if not path.startswith("--")}
    allowed = {line[1:] for line in (ROOT / ".dockerignore").read_text().splitlines() if line.startswith("!")}
    assert paths == allowed
    assert [path for path in paths if not (ROOT / path).exists()] == []


def test_every_folder_that_the_program_reads_is_in_the_image() -> None:
    from django.conf import settings

    needed = {Path(path).relative_to(ROOT).parts[0] for path in settings.STATICFILES_DIRS}
    needed |= {Path(path).relative_to(ROOT).parts[0] for path in settings.TEMPLATES[0]["DIRS"]}
    needed |= {Path(path).relative_to(ROOT).parts[0] for path in settings.LOCALE_PATHS if Path(path).exists()}
    assert [path for path in needed | {"webapp", "workers"} if f"{path}/ {path}/" not in DOCKERFILE] == []


@pytest.mark.parametrize("name", ["worker", "worker-gpu", "housekeeping"])
def test_the_launcher_and_the_compose_file_start_the_same_programs(name: str) -> None:
    programs = {program.name: program.argv for program in launcher.programs(listener=0)}
    _python, _dash_m, *rest = programs[name.removesuffix("-gpu")]
    assert service(name)["command"][-len(rest) :] == rest


def test_a_worker_for_gpus_always_offers_them_while_the_processors_can_be_kept_out() -> None:
    assert service("worker")["environment"]["WORKER_DEVICES"] == "${WORKER_DEVICES:-all}"
    assert service("worker-gpu")["environment"] == service("worker")["environment"] | {"WORKER_DEVICES": "all"}


@pytest.mark.row("W5")
def test_the_web_server_leaves_forwarded_addresses_to_the_settings() -> None:
    """It would believe the first of them, which a client can invent, wherever it believes any."""
    assert json.loads(re.findall(r"^CMD (.+)$", DOCKERFILE, re.MULTILINE)[0]).count("--no-proxy-headers") == 1
