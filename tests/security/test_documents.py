"""The tables of docs/security.md say what the program does."""

import re
from pathlib import Path

from django.conf import settings

from webapp.accounts import access, tokens
from webapp.accounts.models import Role

TEXT = (Path(settings.BASE_DIR) / "docs" / "security.md").read_text()


def table_after(heading: str) -> list[list[str]]:
    lines = TEXT.partition(heading)[2].splitlines()
    rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines if line.startswith("|")]
    start = next(number for number, row in enumerate(rows) if set(row[0]) <= {"-"})
    return [rows[start - 1], *rows[start + 1 :]]


def test_the_table_of_roles_is_that_of_the_program():
    head, *rows = table_after("## Who may do what")
    assert head[1:] == [role.value for role in Role]
    rows = rows[: len(access.Permission)]
    assert len(rows) == len(access.Permission)
    for row, permission in zip(rows, access.Permission, strict=True):
        granted = [role.value for role, cell in zip(Role, row[1:], strict=True) if cell == "yes"]
        assert granted == [role.value for role in access.roles_with(permission)], row[0]


def test_the_table_of_scopes_names_each():
    rows = table_after("Of links and tokens")[1:]
    assert [row[0].strip("`") for row in rows] == [scope.value for scope in tokens.Scope]


def test_the_policy_in_the_document_is_the_one_that_is_sent(client, db):
    found = re.search(r"`(default-src [^`]+)`", TEXT).group(1)
    sent = client.get("/account/login/").headers["Content-Security-Policy"]
    assert {part.strip() for part in found.split(";")} == {part.strip() for part in sent.split(";")}


def test_the_numbers_in_the_document_are_those_of_the_settings():
    assert "ten characters" in TEXT
    lengths = [v["OPTIONS"]["min_length"] for v in settings.AUTH_PASSWORD_VALIDATORS if "min_length" in str(v)]
    assert lengths == [10]
    assert settings.SESSION_COOKIE_AGE == 12 * 60 * 60
