"""Create, open, use up and revoke connect links. Portal, admin and REST call these."""

from datetime import datetime

from django.db import transaction
from django.db.models import Q, QuerySet
from django.utils.translation import gettext, gettext_lazy, gettext_noop

from connectors.base import Connector
from hub import mail
from hub.actions import Action, declare_actions
from hub.audit import Actor, ActorContext
from hub.connections.connecting.login_hosts import login_host_of, read_offered_login_host
from hub.connections.models import Connection, ConnectLink, ConnectorApp
from hub.db.clock import clock
from hub.problems import Refusal
from tenants.access.tenant_users import TenantUser
from tenants.api_key_format import RandomBytes, digest_token, generate_link_token
from tenants.models import Membership, Tenant
from tenants.services.membership_actions import audit_membership_change
from tenants.services.tenant_actions import lock_tenant


class ConnectLinkEnded(Refusal):
    """The link was used or revoked, has expired, or was opened in another browser."""

    sentence = gettext_lazy("The link is no longer valid.")


class ConnectLinkRefused(Refusal):
    """The link was not created."""


class TooManyConnectLinks(ConnectLinkRefused):
    """The tenant has the maximal number of open links."""

    code = "too-many-links"


OTHER_SYSTEM = gettext_noop("This connection belongs to another system.")
OPEN_LINKS_MAX = 100  # of a tenant at a time
# Of the URL pattern and of the links in mails: a worker builds them without loading pages.
CONNECT_LINK_PATH = "connect/link/{token}/"


@transaction.atomic
def create_connect_link(
    tenant: Tenant,
    connector: Connector,
    actor: ActorContext,
    *,
    connection: Connection | None = None,
    environment: str = "",
    login_host: str = "",
    random: RandomBytes,
    now: datetime,
) -> tuple[ConnectLink, str]:
    """Create a link; return it with the token of its address, which is not stored.

    Raises ConnectLinkRefused if the link cannot be created, LoginHostRefused for an invalid login
    host.
    """
    _refuse_unready_connector(tenant, connector, connection)
    environment, login_host = choose_login(connector, connection, environment, login_host)
    if environment and not login_host and environment not in _list_offered_environments(connector):
        message = gettext("Accounts of this kind cannot be connected at %(system)s.")
        raise ConnectLinkRefused(message % {"system": connector.label})
    refuse_too_many_links(tenant, now=now)
    token = generate_link_token(random=random)
    link = ConnectLink.unscoped.create(
        tenant=tenant,
        connector_key=connector.key,
        connection=connection,
        environment=environment,
        login_host=login_host,
        maker=_describe_requester(tenant, actor)[:200],
        digest=digest_token(token),
        created_at=now,
        expires_at=now + ConnectLink.LIFETIME,
    )
    after = {"system": connector.label, "environment": environment}
    after |= {"login_host": login_host} if login_host else {}
    audit_membership_change(actor, "connect_link.create", link, after=after, now=now)
    return link, token


def _refuse_unready_connector(
    tenant: Tenant, connector: Connector, connection: Connection | None
) -> None:
    """Raise ConnectLinkRefused if the connector is not configured.

    The same applies if the connection is of another tenant or system.
    """
    if connector.key not in ConnectorApp.list_configured_connector_keys():
        message = gettext("%(system)s is not set up yet and cannot be connected.")
        raise ConnectLinkRefused(message % {"system": connector.label})
    expected = (tenant.pk, connector.key)
    if connection and (connection.tenant_id, connection.connector_key) != expected:
        raise ConnectLinkRefused(gettext(OTHER_SYSTEM))


def refuse_too_many_links(tenant: Tenant, *, now: datetime) -> None:
    """Raise TooManyConnectLinks at the limit; the tenant is locked while links are counted."""
    lock_tenant(tenant)
    has_ended = Q(used_at__isnull=False) | Q(revoked_at__isnull=False) | Q(expires_at__lte=now)
    if ConnectLink.objects.of(tenant).exclude(has_ended).count() >= OPEN_LINKS_MAX:
        words = gettext(
            "%(count)s connect links are open already. Revoke some, or wait until they expire."
        )
        raise TooManyConnectLinks(words % {"count": OPEN_LINKS_MAX})


def choose_login(
    connector: Connector, connection: Connection | None, environment: str, login_host: str
) -> tuple[str, str]:
    """Return environment and login host; by default the login host of the connection."""
    if connection and environment and environment == connection.settings.get("environment"):
        login_host = login_host or login_host_of(connection)
    if not login_host:
        return environment, ""
    app = ConnectorApp.objects.filter(connector_key=connector.key).first() or ConnectorApp(
        connector_key=connector.key
    )
    host, host_environment = read_offered_login_host(app, login_host, environment)
    return host_environment, host


def _list_offered_environments(connector: Connector) -> set[str]:
    """List the kinds of accounts that people may be sent to."""
    app = ConnectorApp.objects.filter(connector_key=connector.key).first()
    return {entry.key for entry in app.environments} if app else set()


def _describe_requester(tenant: Tenant, actor: ActorContext) -> str:
    """Return the person's name or, for a program, the tenant's."""
    if actor.user or actor.actor.kind == "guest":
        return str(actor.user or actor.actor.label)
    return tenant.name


def find_connect_link_by_token(token: str) -> ConnectLink | None:
    """Find a link, in any state, by the token of its address."""
    return query_connect_links().filter(digest=digest_token(token)).first()


def query_connect_links() -> QuerySet[ConnectLink]:
    return ConnectLink.unscoped.select_related("tenant", "connection__tenant")


@transaction.atomic
def open_connect_link(
    link: ConnectLink, browser: str, *, request_id: str = "", ip: str = "", now: datetime
) -> None:
    """Bind the link to the first browser, which may reopen it.

    Raises ConnectLinkEnded if the link has ended, or another browser has opened it.
    """
    digest = digest_token(browser)
    if not link.update_if_open(
        Q(browser="") | Q(browser=digest), browser=digest, opened_at=link.opened_at or now, now=now
    ):
        raise ConnectLinkEnded
    guest = build_guest_tenant_user(link)
    ActorContext(guest.actor, request_id=request_id, ip=ip).audit(
        "connect_link.open",
        link,
        tenant=link.tenant,
        after={"system": link.connector.label},
        now=now,
    )


def use_up_connect_link(link: ConnectLink, connection: Connection, *, now: datetime) -> None:
    """Mark the link used, in the transaction that connects.

    Raises ConnectLinkEnded if the link has ended.
    """
    if not link.update_if_open(used_at=now, connection=connection, now=now):
        raise ConnectLinkEnded


@transaction.atomic
def revoke_connect_link(link: ConnectLink, actor: ActorContext, *, now: datetime) -> None:
    """Revoke the link, even if it is open in a browser.

    Raises ConnectLinkEnded if it was used or revoked.
    """
    revoked_count = ConnectLink.unscoped.filter(pk=link.pk, used_at=None, revoked_at=None).update(
        revoked_at=now
    )
    if not revoked_count:
        raise ConnectLinkEnded
    link.revoked_at = now
    audit_membership_change(
        actor, "connect_link.revoke", link, before={"opened": link.opened_at is not None}, now=now
    )


def build_connect_link_url(token: str) -> str:
    return mail.build_absolute_url(f"/{CONNECT_LINK_PATH.format(token=token)}")


def is_connect_link_held_by(link: ConnectLink | None, browser: str, *, now: datetime) -> bool:
    return bool(link and browser and link.is_open(now) and link.browser == digest_token(browser))


def build_guest_tenant_user(link: ConnectLink) -> TenantUser:
    """Build the guest of a link, who may only connect its system."""
    actor = Actor("guest", link.guest, f"guest of {link.maker}")
    return TenantUser(link.tenant, Membership.Role.ADMIN, None, actor.id, actor.label)


CONNECT_LINK_ACTIONS = declare_actions(
    Action[ConnectLink](
        name="revoke",
        label=gettext_lazy("Revoke"),
        question=gettext_lazy(
            "The link stops working immediately, even if it has already been opened."
        ),
        success=gettext_lazy("The link has been revoked and no longer works."),
        run=revoke_connect_link,
        is_available=lambda link: link.is_open(clock()),
        icon="block",
        tone="danger",
        withheld={"rest": "Programs send DELETE to the URL of the link."},
    ),
)
