"""A person says that this account is meant: it is tested, stored, and what waited for it goes."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Literal

from django.db import transaction
from django.views.decorators.debug import sensitive_variables

from connectors.wire import Request, Response
from hub import audit
from hub.connections import links
from hub.connections.authorize.needs import lacking_permissions
from hub.connections.authorize.receive import problem_of_token
from hub.connections.authorize.who import Refused
from hub.connections.connect import AlreadyConnected, connect, draft, reconnect
from hub.connections.lives import Random
from hub.connections.login_hosts import login_host_of
from hub.connections.models import DISCONNECTED, Authorization, Connection
from hub.connections.probe import BUSY, Finding, probe
from hub.connections.revoke import abandon, give_up, lived_on, supersede
from hub.states import WrongState
from tenants.visitors import Visitor

Kind = Literal["new", "reconnect", "renew", "revive", "replace", "refused"]
VERBS = {"new": "connection.connect", "replace": "connection.replace", "revive": "connection.revive"}


@dataclass(frozen=True, slots=True)
class Plan:
    """What confirming would do: `connection` is the one that is there already. `problem` says why it needs more."""

    kind: Kind
    connection: Connection | None = None
    problem: str = ""
    elsewhere: bool = False  # another tenant has connected this account too
    lacking: tuple[str, ...] = ()  # permissions that active routes need, and that were not granted

    @property
    def goes(self) -> bool:
        return self.kind != "refused"


def plan_of(row: Authorization, visitor: Visitor) -> Plan:
    """Three statements. Which other tenant has it is told to nobody here."""
    same = Connection.unscoped.filter(connector_key=row.connector_key, account=row.account).exclude(account="")
    mine = same.filter(tenant=row.tenant).first()
    others = same.exclude(tenant=row.tenant).exclude(state="disabled", reason=DISCONNECTED)
    elsewhere = others.exists()
    target = row.connection
    if lacking := lacking_permissions(row.tenant, row.connector, target or mine, row.permissions):
        return Plan("refused", target or mine, "permission_needed", elsewhere, lacking)
    if target is None:
        kind: Kind = "new" if mine is None else "revive" if mine.disconnected else "renew"
        return Plan(kind, mine, elsewhere=elsewhere)
    if target.account in ("", row.account) or mine == target:
        return Plan("reconnect", target, elsewhere=elsewhere)
    if mine is not None:
        return Plan("refused", target, "taken")
    before = target.settings.get("environment", "")
    mixed = before and row.environment and before != row.environment
    problem = "other_environment" if mixed else "wrong_account"
    return Plan("replace" if visitor.owns else "refused", target, problem, elsewhere)


@sensitive_variables()
def confirm(
    row: Authorization,
    visitor: Visitor,
    *,
    replace: bool = False,
    call: Callable[[Request], Response],
    random: Random,
    now: datetime,
    request_id: str = "",
    ip: str = "",
) -> Connection:
    """The connection. Raises Refused, and WrongState where somebody was first."""
    still_good(row, now=now)
    plan = plan_of(row, visitor)
    if row.state != "granted":
        raise WrongState(row, "confirmed")
    if not plan.goes or (plan.kind == "replace" and not replace):
        raise Refused(plan.problem)
    kept = row.open()
    finding = tested(row, kept, call=call, now=now)
    before = {"account": plan.connection.account, "state": plan.connection.state} if plan.connection else None
    with transaction.atomic():
        row.confirm()  # first, so that of two at once only one stores anything
        connection = stored(row, plan, kept, finding, by=visitor, random=random, now=now)
        row.lead_to(connection)
        used_up(row, connection, now=now)
        audit.record(
            actor=visitor.actor,
            verb=VERBS.get(plan.kind, "connection.reconnect"),
            obj=connection,
            tenant=row.tenant,
            before=before,
            after=audited_facts(row, connection),
            request_id=request_id,
            ip=ip,
            now=now,
        )
    return connection


def audited_facts(row: Authorization, connection: Connection) -> dict[str, Any]:
    login_host = login_host_of(connection)
    facts = {"name": connection.name, "account": row.account, "permissions": row.permissions}
    return {**facts, "login_host": login_host} if login_host else facts


def still_good(row: Authorization, *, now: datetime) -> None:
    """Raises Refused; what was granted is given back."""
    if row.state != "granted":
        return
    ends = {
        "late": row.late(now=now),
        "link_ended": bool(row.link and not row.link.open(now)),
        "tenant_suspended": row.tenant.suspended,
    }
    if problem := next((word for word, holds in ends.items() if holds), ""):
        abandon(row, problem, now=now)
        raise Refused(problem)


def used_up(row: Authorization, connection: Connection, *, now: datetime) -> None:
    """In the caller's transaction: where the link has ended just now, nothing is stored."""
    try:
        if row.link:
            links.use(row.link, connection, now=now)
    except links.Ended:
        raise Refused("link_ended") from None


@sensitive_variables()
def tested(
    row: Authorization, kept: Mapping[str, Any], *, call: Callable[[Request], Response], now: datetime
) -> Finding:
    """It lives, and is the account that the person was shown. An outage may pass: then it is confirmed again."""
    connection = draft(row.tenant, row.connector_key, row.name, kept["settings"])
    connection.account = row.account
    finding = probe(connection, kept["secret"], call=call, now=now)
    if finding.lives and finding.account and finding.account.id == row.account:
        return finding
    closed = row.connector.problem(finding.reason) == "account_closed"
    if not finding.lives and finding.kind in ("later", "unknown") and not closed:
        passing = finding.reason if finding.reason in ("throttled", BUSY) else "unavailable"
        raise Refused(passing, "" if passing == BUSY else finding.detail, finding)
    problem = "strange_answer" if finding.lives else problem_of_token(row.connector, finding)
    abandon(row, problem, finding.detail, now=now)
    raise Refused(problem, finding.detail, None if finding.lives else finding)


@sensitive_variables()
def stored(
    row: Authorization,
    plan: Plan,
    kept: Mapping[str, Any],
    finding: Finding,
    *,
    by: Visitor,
    random: Random,
    now: datetime,
) -> Connection:
    """In the caller's transaction."""
    granted = datetime.fromisoformat(kept["at"])
    life = kept["expires_in"]
    expires_at = None if life is None else granted + timedelta(seconds=life)
    if plan.connection is None:
        made = draft(row.tenant, row.connector_key, row.name, kept["settings"])
        made.permissions = row.permissions
        try:
            return connect(made, kept["secret"], finding, by=by.user, expires_at=expires_at, random=random, now=now)
        except AlreadyConnected:
            raise Refused("taken") from None
    connection = plan.connection
    connection.permissions, connection.connected_by = row.permissions, by.user or connection.connected_by
    replaces, settings, old = plan.kind == "replace", connection.settings, lived_on(connection)
    if replaces:
        give_up(connection, now=now)
    how: dict[str, Any] = {"expires_at": expires_at, "replaces": replaces, "random": random}
    reconnect(connection, kept["settings"], kept["secret"], finding, **how, now=now)
    if not replaces:
        supersede(connection, old, kept["secret"], settings=settings, now=now)
    return connection
