"""Summarize the state of the hub in one sentence with the next step. Pure."""

from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

from hub.console.overview import MAX_ROWS_PER_STATE, ConnectionGroup, Overview
from hub.reason_codes import REASONS, find_reason

WORKER_SILENCE_LIMIT = timedelta(minutes=1)
BACKLOG_AGE_LIMIT = timedelta(minutes=5)


class NextStep(NamedTuple):
    label: str
    page: str  # the name of an admin URL
    query: str = ""
    url_args: tuple[int, ...] = ()  # of the URL


class Headline(NamedTuple):
    tone: str
    icon: str
    text: str
    detail: str
    step: NextStep


def build_headline(snapshot: Overview) -> Headline:
    """Return the headline of the most severe problem, otherwise that of normal operation."""
    for rule in HEADLINE_RULES:
        if headline := rule(snapshot):
            return headline
    return describe_normal_operation(snapshot)


def describe_setup(snapshot: Overview) -> Headline | None:
    if snapshot.last_deliveries:
        return None
    step = next(step for is_done, _, step in list_setup_steps(snapshot) if not is_done)
    return Headline(
        "info", "rocket_launch", "The hub is ready. Nothing has been sent yet.", "", step
    )


def list_setup_steps(snapshot: Overview) -> list[tuple[bool, str, NextStep]]:
    """Return the steps from an empty hub to the first delivery, as (is done, text, link)."""
    return [
        (
            snapshot.has_tenants,
            "A tenant is one customer organisation.",
            NextStep("Create a tenant", "tenants_tenant_add"),
        ),
        (
            snapshot.has_connections,
            "A connection is the tenant's account at another system.",
            NextStep("Connect a system", "connections_connection_add"),
        ),
        (
            snapshot.has_routes,
            "A route sends an event type to a system with an action.",
            NextStep("Add a route", "outgoing_route_add"),
        ),
        (
            bool(snapshot.last_deliveries),
            "Check that an event arrives.",
            NextStep("Send a test event", "outgoing_event_add"),
        ),
    ]


def describe_worker(snapshot: Overview) -> Headline | None:
    step = NextStep("Show waiting deliveries", "outgoing_delivery_changelist", "state=waiting")
    if snapshot.worker_seen_at is None:
        return Headline(
            "bad",
            "heart_broken",
            "No worker has been started.",
            "Start manage.py work to send deliveries.",
            step,
        )
    if snapshot.now - snapshot.worker_seen_at < WORKER_SILENCE_LIMIT:
        return None
    since = format_clock_time(snapshot.worker_seen_at, snapshot.now)
    text = f"No heartbeat from a worker since {since}."
    return Headline(
        "bad", "heart_broken", text, "Nothing is sent until manage.py work runs again.", step
    )


def describe_switches(snapshot: Overview) -> Headline | None:
    if not snapshot.switches:
        return None
    first_switch, other_count = snapshot.switches[0], len(snapshot.switches) - 1
    more_text = (
        f" {format_count(other_count, 'more switch is', 'more switches are')} off."
        if other_count
        else ""
    )
    subject = capitalize_first(first_switch.subject)
    since = format_clock_time(first_switch.activated_at, snapshot.now)
    text = f"{subject} is switched off since {since}: {first_switch.reason}"
    held_text = (
        f"{format_count(snapshot.held_back_count, 'delivery is', 'deliveries are')} held."
        if snapshot.held_back_count
        else ""
    )
    tone = "bad" if first_switch.scope == "platform" else "warn"
    step = NextStep("Show the off switches", "connections_killswitch_changelist")
    return Headline(tone, "block", f"{text.rstrip('.')}.{more_text}", held_text, step)


def describe_rejected_credentials(snapshot: Overview) -> Headline | None:
    largest_group = find_largest_group(
        [group for group in snapshot.connection_groups if group.state == "needs_reconnect"]
    )
    if largest_group is None:
        return None
    reason_text = (
        lower_first(REASONS[largest_group.reason].sentence)
        if largest_group.reason in REASONS
        else f"{largest_group.reason.replace('_', ' ')}."
    )
    tenants = format_tenants(largest_group)
    since = format_clock_time(largest_group.since, snapshot.now)
    text = f"{largest_group.label} refuses {tenants} since {since}: {reason_text}"
    return Headline(
        "bad",
        "link_off",
        text,
        format_waiting(snapshot),
        build_reconnect_step(largest_group, snapshot),
    )


def build_reconnect_step(group: ConnectionGroup, snapshot: Overview) -> NextStep:
    """Link to the connection if exactly one needs it, otherwise to the list of those that do.

    The connection's page sends a reconnect link.
    """
    rejected = [
        connection
        for connection in snapshot.broken_connections
        if (connection.connector_key, connection.state) == (group.connector, "needs_reconnect")
    ]
    if group.connections == len(rejected) == 1:
        return NextStep("Reconnect", "connections_connection_change", url_args=(rejected[0].pk,))
    query = f"state__exact=needs_reconnect&connector={group.connector}"
    return NextStep("Reconnect", "connections_connection_changelist", query)


def describe_incomplete_sources(snapshot: Overview) -> Headline | None:
    if not snapshot.incomplete_sources:
        return None
    text = f"{format_count(snapshot.incomplete_sources, 'source is', 'sources are')} not complete."
    detail = "Webhooks may be missing; the hub reads what it can from the systems."
    step = NextStep("Show them", "incoming_inboundsource_health", "view=failing")
    return Headline("warn", "warning", text, detail, step)


def describe_failed_deliveries(snapshot: Overview) -> Headline | None:
    dead_count = sum(hour.failed for hour in snapshot.hours)
    if not dead_count:
        return None
    text = f"{format_count(dead_count, 'delivery', 'deliveries')} failed in the last day."
    reason_text = (
        find_reason(snapshot.failed_reasons[0][0], system="The other system").sentence
        if snapshot.failed_reasons
        else ""
    )
    return Headline(
        "warn",
        "cancel",
        text,
        reason_text,
        NextStep("Show them", "outgoing_delivery_changelist", "state=failed"),
    )


def describe_held_deliveries(snapshot: Overview) -> Headline | None:
    if not snapshot.held_reasons:
        return None
    reason, count = max(snapshot.held_reasons, key=lambda entry: entry[1])
    reason_entry = find_reason(reason, system="The other system")
    count_text = format_count(count, "delivery is", "deliveries are")
    text = f"{count_text} held: {lower_first(reason_entry.sentence)}"
    step = NextStep("Show them", "outgoing_delivery_changelist", f"state=held&reason={reason}")
    return Headline("warn", "pan_tool", text, reason_entry.action, step)


def describe_unhealthy_connections(snapshot: Overview) -> Headline | None:
    largest_group = find_largest_group(
        [group for group in snapshot.connection_groups if group.needs_attention]
    )
    if largest_group is None:
        return None
    tenants = format_tenants(largest_group)
    since = format_clock_time(largest_group.since, snapshot.now)
    text = f"{largest_group.label} is {largest_group.state} for {tenants} since {since}."
    query = f"state__exact={largest_group.state}&connector={largest_group.connector}"
    reason_entry = find_reason(largest_group.reason, system=largest_group.label)
    detail = " ".join(filter(None, [reason_entry.sentence, reason_entry.action]))
    return Headline(
        "warn",
        "warning",
        text,
        detail,
        NextStep("Show it", "connections_connection_changelist", query),
    )


def describe_backlog(snapshot: Overview) -> Headline | None:
    if (
        snapshot.oldest_accepted_at is None
        or snapshot.now - snapshot.oldest_accepted_at < BACKLOG_AGE_LIMIT
    ):
        return None
    due = snapshot.waiting_count - snapshot.held_back_count - snapshot.later_count
    count_text = format_count(due, "delivery waits", "deliveries wait")
    since = format_clock_time(snapshot.oldest_accepted_at, snapshot.now)
    step = NextStep("Show waiting deliveries", "outgoing_delivery_changelist", "state=waiting")
    return Headline("warn", "schedule", f"{count_text}, oldest since {since}.", "", step)


def describe_normal_operation(snapshot: Overview) -> Headline:
    in_transit = snapshot.waiting_count - snapshot.held_back_count
    transit_text = (
        f"{format_count(in_transit, 'is', 'are')} on the way"
        if in_transit
        else "nothing is waiting"
    )
    text = f"All normal: {snapshot.delivered:,} delivered in the last day, {transit_text}."
    switched_off_count = snapshot.count_connections("paused", "disabled")
    parts = (
        [
            f"{format_count(switched_off_count, 'connection is', 'connections are')} paused or "
            f"disabled."
        ]
        if switched_off_count
        else []
    )
    parts += (
        [f"{format_count(snapshot.held_back_count, 'delivery is', 'deliveries are')} held by this."]
        if snapshot.held_back_count
        else []
    )
    detail = " ".join(parts)
    return Headline(
        "good",
        "check_circle",
        text,
        detail,
        NextStep("Show deliveries", "outgoing_delivery_changelist"),
    )


HEADLINE_RULES: tuple[Callable[[Overview], Headline | None], ...] = (
    describe_setup,
    describe_worker,
    describe_switches,
    describe_rejected_credentials,
    describe_incomplete_sources,
    describe_failed_deliveries,
    describe_held_deliveries,
    describe_unhealthy_connections,
    describe_backlog,
)


def find_largest_group(groups: Sequence[ConnectionGroup]) -> ConnectionGroup | None:
    return max(groups, key=lambda group: group.connections, default=None)


def format_count(count: int, singular: str, plural: str) -> str:
    if count > MAX_ROWS_PER_STATE:
        return f"More than {MAX_ROWS_PER_STATE:,} {plural}"
    return f"1 {singular}" if count == 1 else f"{count:,} {plural}"


def format_tenants(group: ConnectionGroup) -> str:
    if not group.tenants:
        return "the platform"
    return format_count(group.tenants, "tenant", "tenants")


def format_waiting(snapshot: Overview) -> str:
    return (
        f"{format_count(snapshot.held_back_count, 'delivery waits', 'deliveries wait')} for it."
        if snapshot.held_back_count
        else ""
    )


def capitalize_first(text: str) -> str:
    return text[:1].upper() + text[1:]


def lower_first(text: str) -> str:
    """Lower the first letter of a sentence for use after a colon, unless it begins with a name."""
    first_word = text.split(" ", 1)[0]
    return (
        text[:1].lower() + text[1:]
        if first_word in {"The", "A", "An", "No", "Every", "Even", "It", "What", "Nobody"}
        else text
    )


def format_clock_time(at: datetime, now: datetime) -> str:
    at = at.astimezone(UTC)
    return f"{at:%H:%M} UTC" if now - at < timedelta(hours=20) else f"{at:%d %b, %H:%M} UTC"
