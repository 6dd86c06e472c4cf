from django.apps import AppConfig


class StorekeeperConfig(AppConfig):
    name = "webapp.storekeeper"
