"""A check of `check --deploy`: no exceptions from the egress rules."""

from collections.abc import Sequence
from typing import Any

from django.conf import settings
from django.core.checks import CheckMessage, Error, Tags, register


@register(Tags.security, deploy=True)
def check_egress_exceptions(app_configs: Any, **kwargs: Any) -> Sequence[CheckMessage]:
    """Report exceptions from egress rules: each could reach a cloud's metadata unchecked."""
    if not settings.HUB_EGRESS_ALLOW:
        return []
    allowed = ", ".join(settings.HUB_EGRESS_ALLOW)
    hint = "Remove it. It is intended only for the sandbox of a local installation."
    return [
        Error(
            f"HUB_EGRESS_ALLOW allows requests to {allowed} without checks.",
            hint=hint,
            id="hub.E004",
        )
    ]
