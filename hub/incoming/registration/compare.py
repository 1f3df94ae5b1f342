"""Compare reported and wanted registrations: find drifted, missing and orphaned ones. Pure."""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field

from connectors.webhook_sources import (
    FoundSubscription,
    Subscriptions,
    WantedSubscription,
)
from hub.incoming.registration.installation.own_urls import remove_query

EXPIRING = "expiring"  # one of the differences: correct, and to be renewed


@dataclass(slots=True)
class Comparison:
    """The result: correct registrations, and those to create, repair and remove, by key.

    A repair has the names of the differences. `unread`: correct as far as the listing says.
    `orphans` are our registrations without a subscription.
    """

    verified: dict[str, FoundSubscription] = field(default_factory=dict)
    unread: dict[str, FoundSubscription] = field(default_factory=dict)
    missing: list[WantedSubscription] = field(default_factory=list)
    drifted: dict[str, tuple[FoundSubscription, tuple[str, ...]]] = field(default_factory=dict)
    orphans: list[FoundSubscription] = field(default_factory=list)


def compare_subscriptions(
    subscriptions: Subscriptions,
    targets: Collection[WantedSubscription],
    registrations: Sequence[FoundSubscription],
    *,
    external_ids: Mapping[str, str],
    is_own: Callable[[str], bool],
    foreign_urls: Collection[str],
    now: float,
) -> Comparison:
    """Compare the wanted registrations of an endpoint with those of its system.

    `external_ids`: the stored ids by key. A registration is ours if `is_own` says so of its URL, or
    if its id is stored; all others are ignored. So are those with `foreign_urls`, the URLs of our
    other endpoints. One that has expired at `now`, in seconds since 1970, is an orphan.
    """
    result = Comparison()
    unused = [entry for entry in registrations if not _expires_until(entry, now)]
    expired = [entry for entry in registrations if _expires_until(entry, now)]
    for entry in targets:
        match = _find_match(subscriptions, entry, unused, external_ids.get(entry.key, ""))
        if match is None:
            result.missing.append(entry)
            continue
        unused.remove(match)
        if differences := subscriptions.find_differences(entry, match):
            result.drifted[entry.key] = (match, differences)
        elif _expires_until(match, now + subscriptions.renew_before):
            result.drifted[entry.key] = (match, (EXPIRING,))
        else:
            result.verified[entry.key] = match
    known_ids = set(external_ids.values())
    result.orphans = [
        entry
        for entry in (*unused, *expired)
        if (is_own(entry.url) or entry.external_id in known_ids)
        and remove_query(entry.url) not in foreign_urls
    ]
    return result


def _expires_until(registration: FoundSubscription, at: float) -> bool:
    return registration.expires_at is not None and registration.expires_at <= at


def _find_match(
    subscriptions: Subscriptions,
    target: WantedSubscription,
    registrations: Sequence[FoundSubscription],
    external_id: str,
) -> FoundSubscription | None:
    """Return the registration with the stored id, otherwise the one with our URL and its key.

    A correct one takes precedence: a repair may have created it without having removed the other.
    """
    by_id = [entry for entry in registrations if external_id and entry.external_id == external_id]
    by_url = [
        entry for entry in registrations if entry.url == target.url and entry.key == target.key
    ]
    matches = [*by_id, *by_url]
    as_wanted = [entry for entry in matches if not subscriptions.find_differences(target, entry)]
    return next(iter([*as_wanted, *matches]), None)
