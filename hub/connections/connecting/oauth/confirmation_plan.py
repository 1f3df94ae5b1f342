"""Determine what a confirmation would do with the account; shown before the person confirms."""

from dataclasses import dataclass
from typing import Literal

from hub.connections.connecting.oauth.needed_permissions import find_missing_permissions
from hub.connections.models import DISCONNECTED, Authorization, Connection
from tenants.access.tenant_users import TenantUser

ConfirmationKind = Literal["new", "reconnect", "renew", "revive", "replace", "refused"]


@dataclass(frozen=True, slots=True)
class ConfirmationPlan:
    """The effect of confirming: the existing `connection` if there is one, and `problem`."""

    kind: ConfirmationKind
    connection: Connection | None = None
    problem: str = ""
    is_connected_elsewhere: bool = False  # another tenant has connected this account too
    missing_permissions: tuple[str, ...] = ()  # needed by enabled routes and not granted

    @property
    def can_confirm(self) -> bool:
        return self.kind != "refused"


def plan_confirmation(authorization: Authorization, tenant_user: TenantUser) -> ConfirmationPlan:
    """Decide what confirming would do, in three queries.

    Names of other tenants are not disclosed.
    """
    own_connection, elsewhere = _find_account_connections(authorization)
    target = authorization.connection
    if missing := find_missing_permissions(
        authorization.tenant,
        authorization.connector,
        target or own_connection,
        authorization.permissions,
    ):
        return ConfirmationPlan(
            "refused", target or own_connection, "permission_needed", elsewhere, missing
        )
    if target is None:
        return ConfirmationPlan(
            _choose_kind(own_connection), own_connection, is_connected_elsewhere=elsewhere
        )
    if target.account in ("", authorization.account) or own_connection == target:
        return ConfirmationPlan("reconnect", target, is_connected_elsewhere=elsewhere)
    if own_connection is not None:
        return ConfirmationPlan("refused", target, "taken")
    kind: ConfirmationKind = "replace" if tenant_user.is_owner else "refused"
    return ConfirmationPlan(kind, target, _find_replacement_problem(authorization), elsewhere)


def _find_account_connections(authorization: Authorization) -> tuple[Connection | None, bool]:
    """Return the tenant's connection of this account, and whether another tenant has one."""
    same = Connection.unscoped.filter(
        connector_key=authorization.connector_key, account=authorization.account
    ).exclude(account="")
    others = same.exclude(tenant=authorization.tenant).exclude(
        state="disabled", reason=DISCONNECTED
    )
    return same.filter(tenant=authorization.tenant).first(), others.exists()


def _choose_kind(own_connection: Connection | None) -> ConfirmationKind:
    if own_connection is None:
        return "new"
    return "revive" if own_connection.is_disconnected else "renew"


def _find_replacement_problem(authorization: Authorization) -> str:
    """Return what the person must know before the account of the connection is replaced."""
    target = authorization.connection
    before = target.settings.get("environment", "") if target else ""
    mixed = before and authorization.environment and before != authorization.environment
    return "other_environment" if mixed else "wrong_account"
