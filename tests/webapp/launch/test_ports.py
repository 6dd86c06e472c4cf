"""Choosing the address."""

import socket

import pytest

from webapp.launch import ports
from webapp.launch.errors import LaunchError


@pytest.fixture
def taken():
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        yield listener.getsockname()[1]


def test_a_given_port_in_use_is_refused_with_the_remedy(taken: int) -> None:
    with pytest.raises(LaunchError, match=rf"Port {taken} is used by another program.*another PORT"):
        ports.listen(host="127.0.0.1", port=str(taken))


def test_without_a_given_port_another_program_on_the_usual_one_does_not_matter(
    taken: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ports, "USUAL_PORT", taken)
    with ports.listen(host="127.0.0.1", port="") as listener:
        assert listener.getsockname()[1] not in (0, taken)


@pytest.mark.parametrize("port", ["http", "0", "65536", "-1", "80.5"])
def test_what_is_no_port_number_is_refused(port: str) -> None:
    with pytest.raises(LaunchError, match="from 1 to 65535"):
        ports.listen(host="127.0.0.1", port=port)


def test_an_address_of_another_machine_is_refused() -> None:
    with pytest.raises(LaunchError, match=r"HOST=192\.0\.2\.1"):
        ports.listen(host="192.0.2.1", port="")
