"""The options of a sync: which records are read, and which changes become events."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from django.utils.translation import gettext as _

from connectors.registry import CONNECTORS
from hub.scheduled.jobs.option_errors import (
    NOT_AN_OBJECT,
    NOT_ONE_OF,
    TOO_MANY_ENTRIES,
    UNKNOWN_OPTION,
)
from hub.scheduled.reading.requests import PAGE_REQUEST_ARGUMENTS

CHANGES = ("created", "updated")
KNOWN_OPTIONS = ("collection", "changes", "overlap_minutes", "lookback_hours", "query")
MAX_OVERLAP_MINUTES, MAX_LOOKBACK_HOURS = 24 * 60, 30 * 24  # minutes, hours
QUERY_PARAMETERS_MAX = 10  # parameters
OWN_PARAMETERS = PAGE_REQUEST_ARGUMENTS | {
    "since",
    "until",
    "ids",
    "deleted",
    "page_size",
    "sort_by",
}

Errors = dict[str, str]


@dataclass(frozen=True, slots=True)
class SyncOptions:
    """The options of a sync. `overlap`: how far before the last read change the next run begins.

    `lookback`: how far before its time the first run begins.
    """

    collection: str
    changes: tuple[str, ...]
    overlap: timedelta
    lookback: timedelta
    query: Mapping[str, str]


def check_sync_options(options: Any, connector_key: str) -> Errors:
    """Return the errors of a sync's options by path; empty if they are valid."""
    if not isinstance(options, Mapping):
        return {"": _(NOT_AN_OBJECT)}
    objects = find_objects(connector_key)
    if not objects:
        return {"": _("The changes of this system cannot be read.")}
    errors = {str(name)[:80]: _(UNKNOWN_OPTION) for name in options if name not in KNOWN_OPTIONS}
    collection = options.get("collection", next(iter(objects)))
    if not isinstance(collection, str) or collection not in objects:
        errors["collection"] = _(NOT_ONE_OF) % ", ".join(objects)
    changes = options.get("changes", ["created"])
    is_list = isinstance(changes, list) and bool(changes)
    if not is_list or not all(isinstance(one, str) and one in CHANGES for one in changes):
        errors["changes"] = _("This must be a list of: %s.") % ", ".join(CHANGES)
    for name, maximum in (
        ("overlap_minutes", MAX_OVERLAP_MINUTES),
        ("lookback_hours", MAX_LOOKBACK_HOURS),
    ):
        value = options.get(name, 1)
        if isinstance(value, bool) or not isinstance(value, int) or not 1 <= value <= maximum:
            errors[name] = _("This must be a whole number from 1 to %d.") % maximum
    return errors | _find_query_errors(options.get("query", {}))


def _find_query_errors(query: Any) -> Errors:
    if not isinstance(query, Mapping) or len(query) > QUERY_PARAMETERS_MAX:
        return {"query": _(TOO_MANY_ENTRIES) % QUERY_PARAMETERS_MAX}
    errors = {}
    for name, value in query.items():
        if name in OWN_PARAMETERS:
            errors[f"query.{name}"] = _("The sync sets this itself.")
        elif not isinstance(name, str) or not isinstance(value, str) or len(value) > 200:
            errors[f"query.{str(name)[:80]}"] = _("This must be text.")
    return errors


def find_objects(connector_key: str) -> Mapping[str, str]:
    """Return the collections that can be read instead of webhooks, each with its object."""
    source = CONNECTORS[connector_key].webhook_source
    return source.read_objects if source else {}


def parse_sync_options(options: Mapping[str, Any], connector_key: str) -> SyncOptions:
    """Return checked options, with the defaults of this connector."""
    return SyncOptions(
        options.get("collection") or next(iter(find_objects(connector_key))),
        tuple(options.get("changes") or ["created"]),
        timedelta(minutes=options.get("overlap_minutes", 10)),
        timedelta(hours=options.get("lookback_hours", 24)),
        options.get("query") or {},
    )
