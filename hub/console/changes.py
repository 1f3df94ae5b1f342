"""Rank what changed since yesterday, the largest deviation first, with its likely cause. Pure."""

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import NamedTuple

from hub.connections.quotas.quota_names import describe_system
from hub.console.day_figures import ErrorGroup
from hub.console.headline import format_count
from hub.console.overview import ConnectionGroup
from hub.reason_codes import find_reason
from hub.state_texts import state_label

CHANGES_SHOWN = 6
CHANGED_DELIVERIES_MIN = 3  # more or fewer deliveries than yesterday; smaller changes are chance
DELIVERED_YESTERDAY_MIN = 20  # yesterday: a system with fewer is too quiet to be compared
# errors after a start of the workers point to a release
RELEASE_SUSPECTED_FOR = timedelta(minutes=30)

PROVIDER_REASONS = (
    "unavailable",
    "timed_out",
    "connect_failed",
    "connection_lost",
    "dns_failed",
    "tls_failed",
    "breaker_open",
    "calls_failing",
    "maintenance",
    "unreadable",
    "bad_answer",
    "failing",
    "exhausted",
)
AUTHORIZATION_REASONS = (
    "needs_reconnect",
    "unauthorized",
    "tokens_revoked",
    "token_revoked",
    "invalid_grant",
    "no_access_token",
    "refused_after_refresh",
    "refused_again",
    "uninstalled",
    "account_not_open",
    "refresh_failing",
    "no_refresh_token",
    "permission_missing",
)
OWN_LIMIT_REASONS = (
    "throttled",
    "behind",
    "expired",
    "paused",
    "disabled",
    "switched_off",
    "route_off",
    "tenant_suspended",
)
CONTENT_REASONS = (
    "payload_refused",
    "mapping_failed",
    "identity_missing",
    "filter_failed",
    "several_records",
)
DEFECT_REASONS = ("internal_error", "defect", "crashed", "credential_unreadable")
LIKELY_CAUSES = (
    (PROVIDER_REASONS, "The other system fails or does not answer."),
    (AUTHORIZATION_REASONS, "The authorization was revoked or has ended."),
    (OWN_LIMIT_REASONS, "Our own limit, pause or switch."),
    (CONTENT_REASONS, "The content: a mapping, an identity or a field of the other system."),
    (DEFECT_REASONS, "A defect of the hub."),
)


class Change(NamedTuple):
    """A deviation from yesterday: description, start, likely cause, and the list that shows it."""

    tone: str
    text: str
    cause: str
    since: datetime | None
    size: int  # by how many deliveries or connections today differs from yesterday
    query: str  # of the list
    page: str = "admin:outgoing_delivery_changelist"


class Cluster(NamedTuple):
    """Failed or held deliveries of one system with one reason code, of all tenants."""

    state: str
    connector_key: str
    reason: str
    today: int
    yesterday: int
    tenants: Sequence[str]
    since: datetime | None


def rank_changes(
    errors: Sequence[ErrorGroup],
    days: dict[tuple[str, str], list[int]],
    connection_groups: Sequence[ConnectionGroup] = (),
    *,
    started_at: datetime | None,
) -> list[Change]:
    """Return the largest deviations from yesterday, those of connections first: they are the cause
    of others. `started_at`: when the workers were started.
    """
    changes = [
        describe_cluster(cluster, started_at=started_at)
        for cluster in cluster_errors(errors)
        if cluster.today - cluster.yesterday >= CHANGED_DELIVERIES_MIN
    ]
    changes += describe_quiet_systems(days)
    broken = describe_broken_connections(connection_groups)
    ranked = [sorted(kind, key=lambda change: -change.size) for kind in (broken, changes)]
    return [change for kind in ranked for change in kind][:CHANGES_SHOWN]


def describe_broken_connections(groups: Sequence[ConnectionGroup]) -> list[Change]:
    """Return the connections that stopped working within the last day, by system and cause."""
    return [
        Change(
            "bad",
            f"{group.label}: {format_count(group.changed, 'connection', 'connections')} changed to "
            f"“{state_label(group.state)}”.",
            find_reason(group.reason, system=group.label).sentence,
            group.changed_since,
            group.changed,
            f"state__exact={group.state}&connector={group.connector}",
            "admin:connections_connection_changelist",
        )
        for group in groups
        if group.needs_attention and group.changed
    ]


def cluster_errors(errors: Iterable[ErrorGroup]) -> list[Cluster]:
    groups: dict[tuple[str, str, str], list[ErrorGroup]] = {}
    for group in errors:
        groups.setdefault((group.state, group.connector_key, group.reason), []).append(group)
    return [
        Cluster(
            *key,
            sum(group.today for group in cluster_groups),
            sum(group.yesterday for group in cluster_groups),
            [group.tenant_name for group in cluster_groups if group.today],
            min((group.since for group in cluster_groups if group.since), default=None),
        )
        for key, cluster_groups in groups.items()
    ]


def describe_cluster(cluster: Cluster, *, started_at: datetime | None) -> Change:
    system = describe_system(cluster.connector_key)
    sentence = find_reason(cluster.reason, system=system).sentence
    tenants = cluster.tenants[0] if len(cluster.tenants) == 1 else f"{len(cluster.tenants)} tenants"
    state = "failed" if cluster.state == "failed" else "held"
    text = f"{system}: {cluster.today:,} {state} for {tenants}, {cluster.yesterday:,} yesterday."
    query = f"state={cluster.state}&reason={cluster.reason}&connector={cluster.connector_key}"
    cause = f"{sentence} {find_likely_cause(cluster, started_at=started_at)}".strip()
    return Change(
        "bad" if cluster.state == "failed" else "warn",
        text,
        cause,
        cluster.since,
        cluster.today - cluster.yesterday,
        query,
    )


def find_likely_cause(cluster: Cluster, *, started_at: datetime | None) -> str:
    """Return the likely cause: of the reason code, or a release shortly before the first error."""
    if is_after_start(cluster, started_at):
        return "Likely cause: a deploy. The workers were started shortly before."
    for reasons, cause in LIKELY_CAUSES:
        if cluster.reason in reasons:
            return f"Likely cause: {cause[0].lower()}{cause[1:]}"
    if cluster.reason.startswith("status_5"):
        return "Likely cause: the other system fails or does not answer."
    return "Likely cause: the other system refuses the request."


def is_after_start(cluster: Cluster, started_at: datetime | None) -> bool:
    """Return whether these errors are new and began shortly after the workers were started."""
    if cluster.since is None or started_at is None or cluster.yesterday:
        return False
    return timedelta() <= cluster.since - started_at <= RELEASE_SUSPECTED_FOR


def describe_quiet_systems(days: dict[tuple[str, str], list[int]]) -> list[Change]:
    """Return the systems with less than half of yesterday's deliveries."""
    changes = []
    for (connector_key, state), (today, yesterday) in days.items():
        if state == "delivered" and yesterday >= DELIVERED_YESTERDAY_MIN and today * 2 < yesterday:
            text = (
                f"{describe_system(connector_key)}: {today:,} delivered, {yesterday:,} yesterday."
            )
            cause = "Likely cause: fewer events, or what is held or failed above."
            query = f"connector={connector_key}"
            changes.append(Change("warn", text, cause, None, yesterday - today, query))
    return changes
