"""`python -m webapp.launch.web DESCRIPTOR`: serve on a listening socket that the launcher opened."""

import socket
import sys

import uvicorn

STREAM_GRACE_SECONDS = 5  # an open event stream must not hold up a restart


def serve(descriptor: int) -> None:
    config = uvicorn.Config(
        "webapp.asgi:application",
        lifespan="off",
        access_log=False,
        server_header=False,
        proxy_headers=False,  # the settings judge them (BEHIND_PROXY); this would believe what a client wrote
        timeout_graceful_shutdown=STREAM_GRACE_SECONDS,
    )
    uvicorn.Server(config).run(sockets=[socket.socket(fileno=descriptor)])


if __name__ == "__main__":
    serve(int(sys.argv[1]))
