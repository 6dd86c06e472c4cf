"""The Celery application: a doorbell. Messages say that there is work, never what; see jobs/bell.py."""

import os

from celery import Celery
from kombu.common import Broadcast

from webapp.contract.queue import BELL_QUEUE

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "webapp.settings")

app = Celery("tunesmith")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.conf.update(
    task_serializer="json",
    result_serializer="json",
    event_serializer="json",
    accept_content=["json"],
    result_accept_content=["json"],
    task_ignore_result=True,
    task_acks_late=False,
    worker_prefetch_multiplier=1,
    worker_hijack_root_logger=False,
    task_queues=(
        Broadcast(BELL_QUEUE, routing_key=BELL_QUEUE),
    ),  # each worker hears every bell; nothing is kept for who is away
    task_default_queue=BELL_QUEUE,
    broker_connection_retry_on_startup=True,
    broker_connection_max_retries=None,  # workers find work without the broker, and wait for it as long as it takes
    broker_transport_options={
        "socket_timeout": 30,
        "socket_connect_timeout": 0.5,
        "socket_keepalive": True,
        "health_check_interval": 25,
        "global_keyprefix": "tunesmith:",
    },
)
