"""The first administrator of a new installation: from the environment, asked for, or by a one-time link."""

import getpass
import os
import sys
from collections.abc import Callable

from webapp.accounts import actions as accounts
from webapp.accounts.models import User
from webapp.core.faults import UserFault
from webapp.launch.errors import LaunchError

EMAIL, PASSWORD = "TUNESMITH_ADMIN_EMAIL", "TUNESMITH_ADMIN_PASSWORD"


def ensure(*, url: str, say: Callable[[str, str], None]) -> None:
    """See that somebody can sign in. Does nothing once there are people."""
    if User.objects.exists():
        return
    email, password = os.environ.get(EMAIL, ""), os.environ.get(PASSWORD, "")
    if email or password:
        _from_environment(email, password)
        say("administrator", email)
    elif sys.stdin.isatty():
        say("administrator", _ask())
    else:
        link = url + accounts.make_setup_link()
        say("administrator", f"nobody yet; within a day, open this link once to become it:\n{link}")


def _from_environment(email: str, password: str) -> None:
    if not (email and password):
        raise LaunchError(f"Set both {EMAIL} and {PASSWORD}, or neither.")
    try:
        accounts.create_first_administrator(email=email, password=password)
    except UserFault as fault:
        name = PASSWORD if fault.field == "password" else EMAIL
        raise LaunchError(f"{name} cannot be used: {fault.message}") from fault


def _ask() -> str:
    """Ask on the terminal until an account could be made; returns its e-mail address."""
    sys.stdout.write("\nThis installation is new. Who looks after it?\n")
    while True:
        email = input("  e-mail address: ").strip()
        password = getpass.getpass("  password: ")
        if password != getpass.getpass("  password again: "):
            sys.stdout.write("  The two passwords differ. Once more.\n")
            continue
        try:
            accounts.create_first_administrator(email=email, password=password)
        except UserFault as fault:
            sys.stdout.write(f"  {fault.message}\n")
        else:
            return email
