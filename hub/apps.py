"""The hub itself is an app too: the rows of audit, queue and secrets."""

from django.apps import AppConfig
from django.db.models.signals import post_migrate


class HubConfig(AppConfig):
    name = "hub"
    label = "hub"

    def ready(self) -> None:
        post_migrate.connect(self.get_model("KeyCanary").settle, sender=self)
