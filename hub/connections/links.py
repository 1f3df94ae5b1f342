"""Connect links: somebody without an account connects one system for one tenant. Pages, admin and REST call these."""

from datetime import datetime

from django.db import transaction
from django.db.models import Q, QuerySet
from django.urls import reverse
from django.utils.translation import gettext

from connectors.base import Connector
from hub import audit, mail
from hub.audit import Actor
from hub.connections.login_hosts import login_host_of, offered_login_host
from hub.connections.models import Connection, ConnectLink, ConnectorApp
from tenants.keys import Random, digest_of, link_token
from tenants.models import Membership, Tenant
from tenants.people import Hand, hold, tell
from tenants.visitors import Visitor


class Ended(Exception):
    """The link was used or taken back, its time is over, or another browser has it."""


class Refused(Exception):
    """No such link is made; the sentence says why."""


class TooMany(Refused):
    """As many are open as may be."""


OPEN_MOST = 100  # of a tenant at a time


@transaction.atomic
def make(
    tenant: Tenant,
    connector: Connector,
    hand: Hand,
    *,
    connection: Connection | None = None,
    environment: str = "",
    login_host: str = "",
    random: Random,
    now: datetime,
) -> tuple[ConnectLink, str]:
    """The row, and the token of its address: this is the only moment when it is known.

    Raises Refused, and LoginHostRefused for a host at which nobody of that system signs in.
    """
    if connector.key not in ConnectorApp.ready():
        raise Refused(gettext("%(system)s is not set up yet, so nobody can connect it.") % {"system": connector.label})
    if connection and (connection.tenant_id, connection.connector_key) != (tenant.pk, connector.key):
        raise Refused(gettext("This connection is of another system."))
    environment, login_host = login_of(connector, connection, environment, login_host)
    if environment and not login_host and environment not in offered(connector):
        raise Refused(
            gettext("Nobody can be sent to an account of this kind at %(system)s.") % {"system": connector.label}
        )
    refuse_too_many(tenant, now=now)
    token = link_token(random=random)
    link = ConnectLink.unscoped.create(
        tenant=tenant,
        connector_key=connector.key,
        connection=connection,
        environment=environment,
        login_host=login_host,
        maker=asking(tenant, hand)[:200],
        digest=digest_of(token),
        created_at=now,
        expires_at=now + ConnectLink.LASTS,
    )
    after = {"system": connector.label, "environment": environment}
    after |= {"login_host": login_host} if login_host else {}
    tell(hand, "connect_link.create", link, after=after, now=now)
    return link, token


def refuse_too_many(tenant: Tenant, *, now: datetime) -> None:
    """Raises TooMany; two at once count each other."""
    hold(tenant)
    ended = Q(used_at__isnull=False) | Q(revoked_at__isnull=False) | Q(expires_at__lte=now)
    if ConnectLink.objects.of(tenant).exclude(ended).count() >= OPEN_MOST:
        words = gettext("%(count)s connect links are open already: take some back, or wait until they end.")
        raise TooMany(words % {"count": OPEN_MOST})


def login_of(connector: Connector, connection: Connection | None, environment: str, login_host: str) -> tuple[str, str]:
    """Return environment and login host: a connection of the environment that was asked for keeps its login host."""
    if connection and environment and environment == connection.settings.get("environment"):
        login_host = login_host or login_host_of(connection)
    if not login_host:
        return environment, ""
    app = ConnectorApp.objects.filter(connector_key=connector.key).first() or ConnectorApp(connector_key=connector.key)
    host, found = offered_login_host(app, login_host, environment)
    return found, host


def offered(connector: Connector) -> set[str]:
    """The kinds of accounts that people may be sent to."""
    app = ConnectorApp.objects.filter(connector_key=connector.key).first()
    return {entry.key for entry in app.environments} if app else set()


def asking(tenant: Tenant, hand: Hand) -> str:
    """As the page says it: a person by name, a program in the name of the tenant."""
    if hand.user or hand.actor.kind == "guest":
        return str(hand.user or hand.actor.label)
    return tenant.name


def named(token: str) -> ConnectLink | None:
    """By the token of its address, in whatever state."""
    return rows().filter(digest=digest_of(token)).first()


def rows() -> QuerySet[ConnectLink]:
    return ConnectLink.unscoped.select_related("tenant", "connection__tenant")


@transaction.atomic
def enter(link: ConnectLink, browser: str, *, request_id: str = "", ip: str = "", now: datetime) -> None:
    """The first browser has it from now on, and may try again as long as the link lasts. Raises Ended."""
    digest = digest_of(browser)
    if not link.take(Q(browser="") | Q(browser=digest), browser=digest, opened_at=link.opened_at or now, now=now):
        raise Ended
    told = {"after": {"system": link.connector.label}, "request_id": request_id, "ip": ip, "now": now}
    audit.record(actor=visitor_by(link).actor, verb="connect_link.open", obj=link, tenant=link.tenant, **told)


def use(link: ConnectLink, connection: Connection, *, now: datetime) -> None:
    """In the transaction that stores what came of it. Raises Ended, and nothing is stored then."""
    if not link.take(used_at=now, connection=connection, now=now):
        raise Ended


@transaction.atomic
def revoke(link: ConnectLink, hand: Hand, *, now: datetime) -> None:
    """Whoever is on the way gets no further. Raises Ended."""
    ended = ConnectLink.unscoped.filter(pk=link.pk, used_at=None, revoked_at=None).update(revoked_at=now)
    if not ended:
        raise Ended
    link.revoked_at = now
    tell(hand, "connect_link.revoke", link, before={"opened": link.opened_at is not None}, now=now)


def address_of(token: str) -> str:
    return mail.link(reverse("connections:link", args=[token]))


def held_by(link: ConnectLink | None, browser: str, *, now: datetime) -> bool:
    return bool(link and browser and link.open(now) and link.browser == digest_of(browser))


def visitor_by(link: ConnectLink) -> Visitor:
    """Who comes by it may connect, and nothing else: this visitor is handed to no page of the tenant's."""
    actor = Actor("guest", link.guest, f"guest of {link.maker}")
    return Visitor(link.tenant, Membership.Role.ADMIN, None, actor.id, actor.label)
