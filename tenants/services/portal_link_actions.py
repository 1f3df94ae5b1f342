"""Portal links, used once: users of our application open a tenant's pages without an account."""

from datetime import datetime

from django.conf import settings
from django.db import transaction
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from hub.actions import Action, declare_actions
from hub.audit import Actor, ActorContext
from hub.db.clock import clock
from hub.limits.spending import spend_tenant_limit
from hub.problems import Refusal
from tenants.access.guest_sessions import Guest
from tenants.api_key_format import RandomBytes, digest_token, generate_link_token
from tenants.models import PortalLink, Tenant
from tenants.services.membership_actions import audit_membership_change

MAX_URL_LENGTH = 500


class PortalLinkEnded(Refusal):
    """The link was used or revoked, or has expired."""

    sentence = _("The link is no longer valid, and the session has ended.")


def is_allowed_return_url(url: str) -> bool:
    """Return whether the URL's whole origin is allowed, so that what follows is no part of it."""
    if not url.isprintable() or "\\" in url or " " in url or len(url) > MAX_URL_LENGTH:
        return False
    allowed = settings.HUB_PORTAL_RETURN_URLS
    return url in allowed or url.startswith(
        tuple(f"{origin}{separator}" for origin in allowed for separator in "/?#")
    )


@transaction.atomic
def create_portal_link(
    tenant: Tenant,
    reference: str,
    role: str,
    actor: ActorContext,
    *,
    name: str = "",
    return_url: str = "",
    random: RandomBytes,
    now: datetime,
) -> tuple[PortalLink, str]:
    """Return the row and the token of its URL, of which only the digest is stored.

    Raises LimitExceeded when the tenant has used its limit of portal links.
    """
    spend_tenant_limit(tenant, "portal_links", now=now)
    token = generate_link_token(random=random)
    link = PortalLink.unscoped.create(
        tenant=tenant,
        reference=reference,
        role=role,
        name=name,
        return_url=return_url,
        digest=digest_token(token),
        created_at=now,
        expires_at=now + PortalLink.LIFETIME,
    )
    audit_membership_change(
        actor, "portal_link.create", link, after={"reference": reference, "role": role}, now=now
    )
    return link, token


def find_portal_link(token: str) -> PortalLink | None:
    """Return the link with this token, in any state; None if there is none."""
    return PortalLink.unscoped.select_related("tenant").filter(digest=digest_token(token)).first()


@transaction.atomic
def use_portal_link(
    link: PortalLink, *, request_id: str = "", ip: str = "", now: datetime
) -> Guest:
    """Use the link once and return its guest. Raises PortalLinkEnded if it was used before."""
    rows = PortalLink.unscoped.filter(pk=link.pk, used_at=None, revoked_at=None, expires_at__gt=now)
    if not rows.update(used_at=now):
        raise PortalLinkEnded
    ActorContext(
        Actor("guest", link.reference, link.name or link.reference), request_id=request_id, ip=ip
    ).audit("portal_link.use", link, tenant=link.tenant, after={"role": link.role}, now=now)
    guest_fields = (link.tenant.reference, link.role, link.reference, link.name, link.return_url)
    return Guest(*guest_fields, now + PortalLink.VISIT_LENGTH, str(link.public_id))


@transaction.atomic
def revoke_portal_link(link: PortalLink, actor: ActorContext, *, now: datetime) -> None:
    """Revoke the link and end its guest's visit.

    Raises PortalLinkEnded when it is revoked already, has expired unused, or its visit has ended.
    """
    can_be_used = Q(used_at=None, expires_at__gt=now)
    has_visiting_guest = Q(used_at__gt=now - PortalLink.VISIT_LENGTH)
    active_links = PortalLink.unscoped.filter(can_be_used | has_visiting_guest, revoked_at=None)
    if not active_links.filter(pk=link.pk).update(revoked_at=now):
        raise PortalLinkEnded
    link.revoked_at = now
    audit_membership_change(
        actor, "portal_link.revoke", link, before={"used": link.used_at is not None}, now=now
    )


LINK_ACTIONS = declare_actions(
    Action[PortalLink](
        name="revoke",
        label="Revoke",
        question=(
            "The link stops working, and the session of the person who used it ends immediately."
        ),
        success="The link has been revoked, and the session has ended.",
        run=revoke_portal_link,
        is_available=lambda link: link.is_active(clock()),
        icon="block",
        tone="danger",
        withheld={
            "portal": "Your own application gives links to people, and revokes them.",
            "rest": "Programs send DELETE to the URL of the link.",
        },
    ),
)
