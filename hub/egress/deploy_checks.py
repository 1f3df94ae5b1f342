"""What `check --deploy` refuses of the settings that open the way outside."""

from collections.abc import Sequence
from typing import Any

from django.conf import settings
from django.core.checks import CheckMessage, Error, Tags, register


@register(Tags.security, deploy=True)
def egress_has_no_exceptions(app_configs: Any, **kwargs: Any) -> Sequence[CheckMessage]:
    """An exception is reached without any check: also an address of the cloud's metadata service."""
    if not settings.HUB_EGRESS_ALLOW:
        return []
    allowed = ", ".join(settings.HUB_EGRESS_ALLOW)
    hint = "Remove it: it is for the sandbox of a local installation."
    return [
        Error(
            f"HUB_EGRESS_ALLOW lets requests reach {allowed} unchecked.", hint=hint, id="hub.E004"
        )
    ]
