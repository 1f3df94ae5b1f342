"""Django app of the hub: audit, queue, cache, mail, counters and worker processes."""

from typing import Any

from django.apps import AppConfig
from django.db.models.signals import post_migrate, pre_migrate

from hub.db import old_migrations  # noqa: F401 - registered by being imported
from hub.db.migration_timeouts import lift_time_limits, restore_time_limits
from hub.egress import deploy_checks  # noqa: F401 - registered by being imported


class HubConfig(AppConfig):
    name = "hub"
    label = "hub"

    def ready(self) -> None:
        from hub.wiring import connect_hooks  # it imports models

        connect_hooks()
        pre_migrate.connect(lift_time_limits, sender=self)
        post_migrate.connect(restore_time_limits, sender=self)
        canary: Any = self.get_model("KeyCanary")
        post_migrate.connect(canary.ensure_exists, sender=self)
