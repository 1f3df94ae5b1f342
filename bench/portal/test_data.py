"""Two thousand tenants and a person who belongs to two of them: the largest, and one as most
are.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from allauth.account.authentication import AUTHENTICATION_METHODS_SESSION_KEY
from allauth.mfa.recovery_codes.internal.auth import RecoveryCodes
from allauth.mfa.totp.internal.auth import TOTP, generate_totp_secret
from django.conf import settings
from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY, SESSION_KEY
from django.db.models import QuerySet

from bench import seed
from bench.portal.feature_rows import OF_THE_LARGE, OF_THE_USUAL, insert_feature_rows
from bench.portal.history import index_values, insert_month
from bench.portal.staff_rows import insert_staff_rows
from hub.audit import ActorContext
from hub.connections.connecting.oauth.session import digest_browser_value
from hub.connections.models import Authorization, Connection
from hub.connections.views.oauth_begin import BROWSER_SESSION_KEY
from hub.crypto.sessions import SessionStore
from hub.db.clock import clock
from hub.outgoing.models import Delivery
from hub.outgoing.subscriptions.endpoint_routes import subscribe_endpoint
from hub.staff import mfa_gate
from hub.staff.session_limits import ACTIVE_AT, SIGNED_IN_AT
from tenants.models import Membership, Tenant, User

HERE = "the browser of the bench"
AUTHENTICATED_USER_SESSION_KEY = "account_authentication_methods_user"  # allauth's
SLACK = 4  # every fourth connection
MEMBERS = 100
INDEXED_DELIVERIES = 60  # the newest of a tenant, for which the search looks


@dataclass(frozen=True, slots=True)
class Counts:
    tenants: int
    connections: int
    of_the_large: int  # connections
    deliveries: int


FULL = Counts(tenants=2_000, connections=8_000, of_the_large=200, deliveries=1_000_000)
QUICK = Counts(tenants=20, connections=80, of_the_large=20, deliveries=2_000)


@dataclass(frozen=True, slots=True)
class PortalTestData:
    tenants: tuple[Tenant, Tenant]
    features: tuple[Mapping[str, object], Mapping[str, object]]  # see feature_rows
    cookie: str
    staff_cookie: str
    authorization: Authorization


def prepare_test_data(counts: Counts, url: str) -> PortalTestData:
    now = clock()
    seed.empty()
    seed.connections(counts.of_the_large, url)
    seed.connections(counts.connections - counts.of_the_large, url, tenants=counts.tenants - 1)
    Connection.unscoped.extra(where=["id %% %s = 0"], params=[SLACK]).update(
        connector_key="slack", settings={}
    )
    seed.route()
    seed.route("slack", "post_message", mapping={"channel": "data.channel", "text": "data.note"})
    insert_month(counts.deliveries, tenants=counts.tenants, now=now)
    large, usual = Tenant.objects.order_by("pk")[:2]
    for endpoint in endpoints_of(large):
        subscribe_endpoint(endpoint, ["invoice.*"], ActorContext.system(), now=now)
    index_values(
        [
            delivery.event
            for tenant in (large, usual)
            for delivery in newest_deliveries(tenant, INDEXED_DELIVERIES)
        ]
    )
    of_the_large = OF_THE_LARGE if counts is FULL else OF_THE_USUAL
    person, staff = create_owner(large, usual), create_staff()
    features = (
        insert_feature_rows(large, of_the_large, now=now) | name_member(large, person),
        insert_feature_rows(usual, OF_THE_USUAL, now=now) | name_member(usual, person),
    )
    insert_staff_rows([large, usual], staff, now=now)
    seed.settle_down()
    return PortalTestData(
        (large, usual),
        features,
        signed_in_cookie(person, now=now),
        signed_in_cookie(staff, now=now),
        granted_authorization(large, person, now=now),
    )


def endpoints_of(tenant: Tenant) -> QuerySet[Connection]:
    return Connection.objects.of(tenant).filter(connector_key="webhook").order_by("pk")


def create_owner(*tenants: Tenant) -> User:
    """An owner of these; the first has many members."""
    person = User.objects.create_user("owner@example.com", "bench-only")
    TOTP.activate(person, generate_totp_secret())
    RecoveryCodes.activate(person)
    others = User.objects.bulk_create(
        User(email=f"member-{number}@example.com") for number in range(MEMBERS)
    )
    owned = [Membership(tenant=tenant, user=person, role="owner") for tenant in tenants]
    Membership.unscoped.bulk_create(
        [
            *owned,
            *(Membership(tenant=tenants[0], user=other) for other in others),
            *(Membership(tenant=tenant, user=others[0]) for tenant in tenants[1:]),
        ]
    )
    return person


def name_member(tenant: Tenant, person: User) -> dict[str, object]:
    """Return what an address names of another member of the tenant."""
    member = Membership.objects.of(tenant).exclude(user=person).earliest("pk")
    return {"membership": member.public_id}


def create_staff() -> User:
    return User.objects.create_user(
        "staff@example.com", None, is_staff=True, is_superuser=True, name="Sam Staff"
    )


def signed_in_cookie(person: User, *, now: datetime) -> str:
    """The cookie of a browser in which this person has signed in with a second factor, and begun to
    connect; as if that was a moment ago, however long the bench takes.
    """
    at = (now + timedelta(days=1)).timestamp()
    session = SessionStore()
    session[SESSION_KEY] = str(person.pk)
    session[BACKEND_SESSION_KEY] = settings.AUTHENTICATION_BACKENDS[0]
    session[HASH_SESSION_KEY] = person.get_session_auth_hash()
    session[BROWSER_SESSION_KEY] = HERE
    session[AUTHENTICATION_METHODS_SESSION_KEY] = [{"method": "mfa", "at": at}]
    session[AUTHENTICATED_USER_SESSION_KEY] = str(person.pk)
    session[mfa_gate.SESSION_KEY] = person.pk
    session[SIGNED_IN_AT] = session[ACTIVE_AT] = at
    session.save()
    return f"{settings.SESSION_COOKIE_NAME}={session.session_key}"


def granted_authorization(tenant: Tenant, person: User, *, now: datetime) -> Authorization:
    """On the way back from Slack: the page asks whether this account is meant."""
    row = Authorization(
        tenant=tenant,
        connector_key="slack",
        name="Slack",
        user=person,
        digest=digest_browser_value("state"),
        account="T1",
        account_name="Teas",
        browser=digest_browser_value(HERE),
        redirect_uri="http://127.0.0.1/",
        return_to="/",
        created_at=now,
        expires_at=now,
    )
    row.save()
    row.transition_to("received")
    row.grant({"secret": {}, "settings": {}}, until=now + timedelta(hours=1))
    return row


def newest_deliveries(tenant: Tenant, count: int) -> QuerySet[Delivery]:
    return Delivery.objects.of(tenant).select_related("event", "connection").order_by("-pk")[:count]
