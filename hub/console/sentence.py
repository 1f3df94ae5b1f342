"""How things are in one sentence, and the next step. Pure."""

from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

from hub.console.overview import COUNTED, Overview, Trouble
from hub.words import REASONS, reason_of

WORKER_SILENT = timedelta(minutes=1)
BACKLOG = timedelta(minutes=5)


class Step(NamedTuple):
    label: str
    page: str  # a name of the admin's addresses
    query: str = ""
    args: tuple[int, ...] = ()  # of the address


class Sentence(NamedTuple):
    tone: str
    icon: str
    text: str
    detail: str
    step: Step


def sentence(seen: Overview) -> Sentence:
    """The worst thing counts."""
    for look in LOOKS:
        if said := look(seen):
            return said
    return normal(seen)


def setting_up(seen: Overview) -> Sentence | None:
    if seen.last:
        return None
    step = next(step for done, _, step in steps(seen) if not done)
    return Sentence("info", "rocket_launch", "The hub is ready, and nothing has been sent yet.", "", step)


def steps(seen: Overview) -> list[tuple[bool, str, Step]]:
    """From an empty hub to the first delivery."""
    return [
        (seen.has_tenants, "A tenant is one customer organisation.", Step("Create a tenant", "tenants_tenant_add")),
        (
            seen.has_connections,
            "A connection is the tenant's account at another system.",
            Step("Connect a system", "connections_connection_add"),
        ),
        (
            seen.has_routes,
            "A route says which events do which action there.",
            Step("Add a route", "outgoing_route_add"),
        ),
        (bool(seen.last), "See it arrive.", Step("Send a test event", "outgoing_event_add")),
    ]


def worker(seen: Overview) -> Sentence | None:
    step = Step("See what waits", "outgoing_delivery_changelist", "state=waiting")
    if seen.worker_at is None:
        return Sentence("bad", "heart_broken", "No worker has been started.", "Start manage.py work: it sends.", step)
    if seen.now - seen.worker_at < WORKER_SILENT:
        return None
    text = f"The worker has not been heard since {clock_time(seen.worker_at, seen.now)}."
    return Sentence("bad", "heart_broken", text, "Nothing is sent until manage.py work runs again.", step)


def switched_off(seen: Overview) -> Sentence | None:
    if not seen.switches:
        return None
    first, others = seen.switches[0], len(seen.switches) - 1
    more = f" {many(others, 'more switch is', 'more switches are')} off." if others else ""
    text = f"{capitalized(first.what)} is switched off since {clock_time(first.activated_at, seen.now)}: {first.reason}"
    held = f"{many(seen.held_back, 'delivery is', 'deliveries are')} held." if seen.held_back else ""
    tone = "bad" if first.scope == "platform" else "warn"
    step = Step("See the off switches", "connections_killswitch_changelist")
    return Sentence(tone, "block", f"{text.rstrip('.')}.{more}", held, step)


def refused(seen: Overview) -> Sentence | None:
    worst = most([trouble for trouble in seen.troubles if trouble.state == "needs_reconnect"])
    if worst is None:
        return None
    why = lower(REASONS[worst.reason].sentence) if worst.reason in REASONS else f"{worst.reason.replace('_', ' ')}."
    text = f"{worst.label} refuses {tenants(worst)} since {clock_time(worst.since, seen.now)}: {why}"
    return Sentence("bad", "link_off", text, waits(seen), reconnect(worst, seen))


def reconnect(trouble: Trouble, seen: Overview) -> Step:
    """To the connection, where it is one, whose page sends a reconnect link; else to the list of them."""
    ended = [row for row in seen.broken if (row.connector_key, row.state) == (trouble.connector, "needs_reconnect")]
    if trouble.connections == len(ended) == 1:
        return Step("Reconnect", "connections_connection_change", args=(ended[0].pk,))
    query = f"state__exact=needs_reconnect&connector={trouble.connector}"
    return Step("Reconnect", "connections_connection_changelist", query)


def given_up(seen: Overview) -> Sentence | None:
    lately = sum(hour.failed for hour in seen.hours)
    if not lately:
        return None
    text = f"{many(lately, 'delivery was', 'deliveries were')} given up in the last day."
    why = reason_of(seen.failed[0][0], system="The other system").sentence if seen.failed else ""
    return Sentence("warn", "cancel", text, why, Step("Look at them", "outgoing_delivery_changelist", "state=failed"))


def stopped(seen: Overview) -> Sentence | None:
    if not seen.held:
        return None
    reason, count = max(seen.held, key=lambda held: held[1])
    told = reason_of(reason, system="The other system")
    text = f"{many(count, 'delivery is', 'deliveries are')} held: {lower(told.sentence)}"
    step = Step("Look at them", "outgoing_delivery_changelist", f"state=held&reason={reason}")
    return Sentence("warn", "pan_tool", text, told.action, step)


def unwell(seen: Overview) -> Sentence | None:
    worst = most([trouble for trouble in seen.troubles if trouble.state in ("degraded", "silent")])
    if worst is None:
        return None
    text = f"{worst.label} is {worst.state} for {tenants(worst)} since {clock_time(worst.since, seen.now)}."
    query = f"state__exact={worst.state}&connector={worst.connector}"
    words = reason_of(worst.reason, system=worst.label)
    detail = " ".join(filter(None, [words.sentence, words.action]))
    return Sentence("warn", "warning", text, detail, Step("Look at it", "connections_connection_changelist", query))


def backlog(seen: Overview) -> Sentence | None:
    if seen.oldest is None or seen.now - seen.oldest < BACKLOG:
        return None
    text = f"{many(seen.waiting - seen.held_back, 'delivery waits', 'deliveries wait')}, the oldest since "
    step = Step("See what waits", "outgoing_delivery_changelist", "state=waiting")
    return Sentence("warn", "schedule", f"{text}{clock_time(seen.oldest, seen.now)}.", "", step)


def normal(seen: Overview) -> Sentence:
    going = seen.waiting - seen.held_back
    rest = f"{many(going, 'is', 'are')} on the way" if going else "nothing waits"
    text = f"All normal: {seen.delivered:,} delivered in the last day, {rest}."
    switched_off = seen.connections("paused", "disabled")
    parts = [f"{many(switched_off, 'connection is', 'connections are')} paused or disabled."] if switched_off else []
    parts += [f"{many(seen.held_back, 'delivery is', 'deliveries are')} held by that."] if seen.held_back else []
    detail = " ".join(parts)
    return Sentence("good", "check_circle", text, detail, Step("See deliveries", "outgoing_delivery_changelist"))


LOOKS: tuple[Callable[[Overview], Sentence | None], ...] = (
    setting_up,
    worker,
    switched_off,
    refused,
    given_up,
    stopped,
    unwell,
    backlog,
)


def most(troubles: Sequence[Trouble]) -> Trouble | None:
    return max(troubles, key=lambda trouble: trouble.connections, default=None)


def many(count: int, one: str, more: str) -> str:
    if count > COUNTED:
        return f"More than {COUNTED:,} {more}"
    return f"1 {one}" if count == 1 else f"{count:,} {more}"


def tenants(trouble: Trouble) -> str:
    if not trouble.tenants:
        return "the platform"
    return many(trouble.tenants, "tenant", "tenants")


def waits(seen: Overview) -> str:
    return f"{many(seen.held_back, 'delivery waits', 'deliveries wait')} for it." if seen.held_back else ""


def capitalized(text: str) -> str:
    return text[:1].upper() + text[1:]


def lower(text: str) -> str:
    """A sentence of its own, after a colon; a name keeps its capital."""
    first = text.split(" ", 1)[0]
    return (
        text[:1].lower() + text[1:]
        if first in {"The", "A", "An", "No", "Every", "Even", "It", "What", "Nobody"}
        else text
    )


def clock_time(at: datetime, now: datetime) -> str:
    at = at.astimezone(UTC)
    return f"{at:%H:%M} UTC" if now - at < timedelta(hours=20) else f"{at:%d %b, %H:%M} UTC"
