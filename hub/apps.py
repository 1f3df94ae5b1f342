"""The hub itself is an app too: the rows of audit, queue and secrets."""

from django.apps import AppConfig
from django.db.models.signals import post_migrate, pre_migrate

from hub.egress import checks  # noqa: F401 - registered by being imported
from hub.migration_limits import lift_time_limits, restore_time_limits


class HubConfig(AppConfig):
    name = "hub"
    label = "hub"

    def ready(self) -> None:
        pre_migrate.connect(lift_time_limits, sender=self)
        post_migrate.connect(restore_time_limits, sender=self)
        post_migrate.connect(self.get_model("KeyCanary").settle, sender=self)
