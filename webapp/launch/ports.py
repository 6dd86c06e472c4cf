"""The address the web process listens on."""

import errno
import socket

from webapp.launch.errors import LaunchError

USUAL_PORT = 8000


def listen(*, host: str, port: str) -> socket.socket:
    """Open the listening socket: on `port` when given, else on 8000, else on a free port.

    The launcher opens it and hands it to the web process, so nobody can take the port in between
    and browsers wait, rather than fail, while the web process restarts.
    """
    if port:
        return _open_given(host, port)
    try:
        return _open(host, USUAL_PORT)
    except OSError as error:
        if error.errno not in (errno.EADDRINUSE, errno.EACCES):
            raise LaunchError(_host_is_wrong(host, error)) from error
    return _open(host, 0)


def _open_given(host: str, port: str) -> socket.socket:
    if not port.isdecimal() or not 1 <= int(port) <= 65535:
        raise LaunchError(f"PORT must be a number from 1 to 65535, not {port!r}. Without PORT a free one is chosen.")
    try:
        return _open(host, int(port))
    except OSError as error:
        if error.errno == errno.EADDRINUSE:
            raise LaunchError(
                f"Port {port} is used by another program. Stop that program or give another PORT; "
                "without PORT a free one is chosen."
            ) from error
        if error.errno == errno.EACCES:
            raise LaunchError(f"Port {port} is reserved for the system. Give a PORT from 1024 on.") from error
        raise LaunchError(_host_is_wrong(host, error)) from error


def _host_is_wrong(host: str, error: OSError) -> str:
    return f"This machine cannot listen on HOST={host} ({error.strerror}). Use 127.0.0.1, or 0.0.0.0 for all networks."


def _open(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((host, port))
        listener.listen(512)
    except OSError:
        listener.close()
        raise
    return listener
