"""What the settings must never let through, tried on the real settings in processes of their own."""

import ast
import contextlib
import fcntl
import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest
from django.conf import settings

PRODUCTION = {
    "PUBLIC_URL": "https://tune.example.org",
    "ALLOWED_HOSTS": "tune.example.org",
    "BEHIND_PROXY": "true",
}


def manage(state: Path, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    inherited = {key: os.environ[key] for key in ("PATH", "HOME", "LANG") if key in os.environ}
    return subprocess.run(
        [sys.executable, "manage.py", *arguments],
        cwd=settings.BASE_DIR,
        env=inherited | {"TUNESMITH_STATE": str(state)} | environment,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def setting(state: Path, expression: str, **environment: str) -> str:
    code = f"from django.conf import settings; print({expression})"
    done = manage(state, "shell", "--no-imports", "-c", code, **environment)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


@pytest.mark.row("S4")
@pytest.mark.parametrize("key", ["tiny-key", "django-insecure-" + "x7f3" * 12, "a" * 64, "changeme" * 8])
def test_it_does_not_start_with_a_key_that_can_be_guessed(tmp_path, key):
    done = manage(tmp_path, "check", SECRET_KEY=key)
    assert done.returncode != 0
    assert "SECRET_KEY" in done.stderr
    assert "at least 32 random characters" in done.stderr
    assert "Traceback" not in done.stderr
    assert key not in done.stdout + done.stderr


@pytest.mark.row("S4")
def test_it_makes_a_key_of_its_own_that_only_its_user_reads(tmp_path):
    first = setting(tmp_path, "settings.SECRET_KEY")
    assert len(first) >= 50
    assert stat.S_IMODE((tmp_path / "secret_key").stat().st_mode) == 0o600
    assert setting(tmp_path, "settings.SECRET_KEY") == first
    assert setting(tmp_path / "other", "settings.SECRET_KEY") != first


@pytest.mark.row("S4")
def test_a_spoilt_key_file_is_not_replaced_without_a_word(tmp_path):
    (tmp_path / "secret_key").write_text("short")
    assert manage(tmp_path, "check").returncode != 0
    assert (tmp_path / "secret_key").read_text() == "short"


@pytest.mark.row("S4")
def test_an_empty_key_file_left_by_a_process_that_was_killed_gets_a_key(tmp_path):
    (tmp_path / "secret_key").touch(mode=0o600)
    made = setting(tmp_path, "settings.SECRET_KEY")
    assert len(made) >= 50
    assert (tmp_path / "secret_key").read_text() == made


def has_open(process: subprocess.Popen[str], path: Path) -> bool:
    with contextlib.suppress(subprocess.TimeoutExpired):
        process.wait(0.05)
    try:
        return any(link.resolve() == path for link in Path(f"/proc/{process.pid}/fd").iterdir())
    except FileNotFoundError:
        return False


@pytest.mark.row("S4")
def test_processes_that_start_at_once_agree_on_one_key(tmp_path):
    """The file is held open and empty, as by a process that is about to write; the others wait for its key."""
    key = "".join(map(str, range(40)))
    code = "from webapp import settings; print(settings.SECRET_KEY)"
    environment = os.environ | {"TUNESMITH_STATE": str(tmp_path), "SECRET_KEY": ""}
    with (tmp_path / "secret_key").open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        command = [sys.executable, "-c", code]
        waiting = [
            subprocess.Popen(command, cwd=settings.BASE_DIR, env=environment, stdout=subprocess.PIPE, text=True)
            for _number in range(2)
        ]
        for process in waiting:
            while not has_open(process, tmp_path / "secret_key"):
                assert process.poll() is None, "it went on without the key"
        file.write(key)
    assert [process.communicate(timeout=120)[0].strip() for process in waiting] == [key, key]


def test_a_mail_server_that_does_not_answer_is_given_up(tmp_path):
    assert 0 < int(setting(tmp_path, "settings.EMAIL_TIMEOUT")) <= 30


def test_djangos_own_check_of_a_deployment_finds_nothing(tmp_path):
    done = manage(tmp_path, "check", "--deploy", "--fail-level", "WARNING", **PRODUCTION)
    assert done.returncode == 0, done.stderr
    assert "no issues" in done.stdout


@pytest.mark.row("S18")
def test_cookies_under_https_are_bound_to_this_host_and_unreadable_for_scripts(tmp_path):
    names = "SESSION_COOKIE_NAME SESSION_COOKIE_SECURE SESSION_COOKIE_HTTPONLY SESSION_COOKIE_SAMESITE"
    names += " CSRF_COOKIE_NAME CSRF_COOKIE_SECURE CSRF_COOKIE_SAMESITE SESSION_COOKIE_DOMAIN SESSION_COOKIE_PATH"
    found = setting(tmp_path, f"[getattr(settings, name) for name in {names.split()}]", **PRODUCTION)
    assert found == "['__Host-session', True, True, 'Lax', '__Host-csrf', True, 'Lax', None, '/']"


def test_two_installations_on_one_host_keep_their_cookies_apart(tmp_path):
    names = "[settings.SESSION_COOKIE_NAME, settings.CSRF_COOKIE_NAME]"
    one, other = (setting(tmp_path / name, names) for name in ("one", "other"))
    assert not set(ast.literal_eval(one)) & set(ast.literal_eval(other))
    assert setting(tmp_path / "one", names) == one  # the next start signs nobody out


def test_https_is_kept_and_debug_is_off_unless_asked_for(tmp_path):
    names = ["SECURE_HSTS_SECONDS", "SECURE_HSTS_INCLUDE_SUBDOMAINS", "SECURE_SSL_REDIRECT", "DEBUG"]
    found = setting(tmp_path, f"[getattr(settings, name) for name in {names}]", **PRODUCTION)
    assert found == "[31536000, True, True, False]"


@pytest.mark.parametrize(("behind", "trusted"), [("true", "1"), ("false", "0")])
def test_a_forwarded_address_is_believed_behind_a_proxy_only(tmp_path, behind, trusted):
    assert setting(tmp_path, "settings.ALLAUTH_TRUSTED_PROXY_COUNT", BEHIND_PROXY=behind) == trusted


def test_passwords_are_hashed_with_argon2(tmp_path):
    code = "__import__('django.contrib.auth.hashers').contrib.auth.hashers.make_password('x')[:9]"
    assert setting(tmp_path, code) == "argon2$ar"


@pytest.mark.row("S16")
def test_the_queue_takes_json_and_nothing_else(tmp_path):
    code = "(lambda c: [c.accept_content, c.result_accept_content, c.task_serializer, c.result_serializer])"
    found = setting(tmp_path, f"{code}(__import__('webapp.celery').celery.app.conf)")
    assert found == "[['json'], ['json'], 'json', 'json']"
