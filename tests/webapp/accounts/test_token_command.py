import pytest
from django.core.management import CommandError, call_command

from webapp.accounts import tokens


def test_the_command_prints_a_token_that_works(team, trainer, capsys):
    call_command("token", trainer.email.upper(), "acme", "--scopes", "read, train", "--days", "7", "--name", "demo")
    token = tokens.authenticate(capsys.readouterr().out.strip())
    assert (token.user, token.team, token.scopes, token.name) == (trainer, team, ["read", "train"], "demo")
    assert token.expires_at is not None


def test_the_command_prints_nothing_but_the_token(team, trainer, capsys):
    call_command("token", trainer.email, "acme")
    out = capsys.readouterr().out
    assert out.startswith("ts_")
    assert out.count("\n") == 1
    assert tokens.authenticate(out).expires_at is None


@pytest.mark.parametrize(
    "arguments",
    [
        ["nobody@acme.test", "acme"],
        ["trainer@acme.test", "globex"],
        ["trainer@acme.test", "acme", "--scopes", "everything"],
        ["trainer@acme.test", "acme", "--scopes", ""],
        ["trainer@acme.test", "acme", "--days", "-1"],
        ["viewer@acme.test", "acme"],
    ],
)
def test_the_command_says_what_is_wrong(team, trainer, viewer, arguments):
    with pytest.raises(CommandError, match=r"\w+ \w+"):
        call_command("token", *arguments)
