"""Our own application's people come to a tenant's pages without a second account: links that it asks for, used once."""

from datetime import datetime

from django.conf import settings
from django.db import transaction
from django.db.models import Q

from hub import audit
from hub.audit import Actor
from hub.limits.spending import spend_exactly
from tenants.guests import Guest
from tenants.keys import Random, digest_of, link_token
from tenants.models import PortalLink, Tenant
from tenants.people import Hand, tell

URL_MOST = 500


class Ended(Exception):
    """The link was used or taken back, or its time is over."""


def may_return_to(url: str) -> bool:
    """Only where the whole origin is one of the settings': what follows it cannot be a part of a host any more."""
    if not url.isprintable() or "\\" in url or " " in url or len(url) > URL_MOST:
        return False
    allowed = settings.HUB_PORTAL_RETURN_URLS
    return url in allowed or url.startswith(tuple(f"{origin}{after}" for origin in allowed for after in "/?#"))


@transaction.atomic
def make(
    tenant: Tenant,
    reference: str,
    role: str,
    hand: Hand,
    *,
    name: str = "",
    return_url: str = "",
    random: Random,
    now: datetime,
) -> tuple[PortalLink, str]:
    """The row, and the token of its address: this is the only moment when it is known. Raises LimitExceeded."""
    spend_exactly(tenant, "portal_links", now=now)
    token = link_token(random=random)
    link = PortalLink.unscoped.create(
        tenant=tenant,
        reference=reference,
        role=role,
        name=name,
        return_url=return_url,
        digest=digest_of(token),
        created_at=now,
        expires_at=now + PortalLink.LASTS,
    )
    tell(hand, "portal_link.create", link, after={"reference": reference, "role": role}, now=now)
    return link, token


def named(token: str) -> PortalLink | None:
    """By the token of its address, in whatever state."""
    return PortalLink.unscoped.select_related("tenant").filter(digest=digest_of(token)).first()


@transaction.atomic
def use(link: PortalLink, *, request_id: str = "", ip: str = "", now: datetime) -> Guest:
    """Of two at once only one comes in. Raises Ended."""
    rows = PortalLink.unscoped.filter(pk=link.pk, used_at=None, revoked_at=None, expires_at__gt=now)
    if not rows.update(used_at=now):
        raise Ended
    audit.record(
        actor=Actor("guest", link.reference, link.name or link.reference),
        verb="portal_link.use",
        obj=link,
        tenant=link.tenant,
        after={"role": link.role},
        request_id=request_id,
        ip=ip,
        now=now,
    )
    who = (link.tenant.reference, link.role, link.reference, link.name, link.return_url)
    return Guest(*who, now + PortalLink.VISIT, str(link.public_id))


@transaction.atomic
def revoke(link: PortalLink, hand: Hand, *, now: datetime) -> None:
    """Nobody comes in by it any more, and whoever did is shown out. Raises Ended."""
    unused, visiting = Q(used_at=None, expires_at__gt=now), Q(used_at__gt=now - PortalLink.VISIT)
    if not PortalLink.unscoped.filter(unused | visiting, pk=link.pk, revoked_at=None).update(revoked_at=now):
        raise Ended
    link.revoked_at = now
    tell(hand, "portal_link.revoke", link, before={"used": link.used_at is not None}, now=now)
