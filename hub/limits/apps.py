from django.apps import AppConfig
from django.conf import settings
from django.core.exceptions import ImproperlyConfigured

from hub.limits.definitions import LIMITS, unknown_limit_names


class LimitsConfig(AppConfig):
    name = "hub.limits"
    label = "limits"

    def ready(self) -> None:
        if unknown := unknown_limit_names(settings.HUB_LIMITS or {}):
            raise ImproperlyConfigured(
                f"HUB_LIMITS is wrong: {unknown[0]} is none of {', '.join(LIMITS)}"
            )
