"""From which networks the webhooks of an endpoint are accepted; set by people, audited."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from ipaddress import IPv6Network, ip_network
from typing import Any

from django import forms
from django.db import transaction
from django.utils.text import format_lazy
from django.utils.translation import gettext_lazy as _

from hub.actions import ActionForm
from hub.audit import ActorContext
from hub.incoming.models import InboundEndpoint, WebhookSubscription
from hub.problems import Refusal

MAX_NETWORKS = 100
UNREADABLE_TEXT = _(
    "“{text}” is not a network. Write an address such as 203.0.113.7, or a network such as "
    "203.0.113.0/24 that begins with its first address."
)
TOO_MANY_TEXT = _("An endpoint has at most {count} networks. Use larger ones.")
SHARED_TEXT = "It concerns all tenants. A staff member who is not limited to some changes it."


class NetworksRefused(Refusal):
    """The networks were not set; the message contains the reason."""

    code = "validation-failed"
    field = "networks"


def parse_networks(texts: Iterable[str]) -> list[str]:
    """Return the networks in CIDR notation, each once. Raises NetworksRefused."""
    different = list(dict.fromkeys(texts))
    if len(different) > MAX_NETWORKS:  # a form may be as large as any request
        raise NetworksRefused(format_lazy(TOO_MANY_TEXT, count=MAX_NETWORKS))
    return list(dict.fromkeys(_parse_network(text) for text in different))


def _parse_network(text: str) -> str:
    """Return a network in CIDR notation; a client's IPv4 address is never compared as IPv6."""
    try:
        network = ip_network(text.strip())
    except ValueError:
        network = None
    is_mapped = isinstance(network, IPv6Network) and network.network_address.ipv4_mapped
    if network is None or is_mapped:
        raise NetworksRefused(format_lazy(UNREADABLE_TEXT, text=text[:60]))
    return str(network)


@transaction.atomic
def set_allowed_sources(
    endpoint: InboundEndpoint,
    networks: Sequence[str],
    actor: ActorContext,
    *,
    reason: str = "",
    now: datetime,
) -> list[str]:
    """Accept webhooks of an endpoint from these networks only; without any, from everywhere.

    Returns them in CIDR notation. Raises NetworksRefused.
    """
    if endpoint.connection_id is None and not actor.is_unrestricted:
        raise NetworksRefused(SHARED_TEXT)
    allowed_sources = parse_networks(networks)
    before = {"networks": endpoint.allowed_sources}
    endpoint.allowed_sources = allowed_sources
    endpoint.save(update_fields=["allowed_sources"])
    actor.audit(
        "inbound_endpoint.allow_sources",
        endpoint,
        reason=reason,
        before=before,
        after={"networks": allowed_sources},
        now=now,
    )
    return allowed_sources


class AllowedSourcesForm(ActionForm):
    networks = forms.CharField(
        label=_("Networks"),
        widget=forms.Textarea(attrs={"rows": 5}),
        required=False,
        help_text=_("One on each line. Empty: webhooks are accepted from everywhere."),
    )
    reason = forms.CharField(
        label=_("Reason"), max_length=300, required=False, help_text=_("Kept in the audit log.")
    )

    def __init__(self, *args: Any, obj: WebhookSubscription, **options: Any) -> None:
        initial = {"networks": "\n".join(obj.endpoint.allowed_sources)}
        super().__init__(*args, obj=obj, initial=initial, **options)

    def clean_networks(self) -> list[str]:
        return str(self.cleaned_data["networks"]).split()
