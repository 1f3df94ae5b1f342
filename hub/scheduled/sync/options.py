"""The options of a sync: which records are read, and which changes become events."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from django.utils.translation import gettext_lazy as _

from connectors.registry import CONNECTORS
from hub.scheduled.jobs.option_schema import (
    ChoiceOption,
    ChoicesOption,
    JobOptions,
    Label,
    NumberOption,
    Section,
    TextOption,
)
from hub.scheduled.reading.requests import PAGE_REQUEST_ARGUMENTS

OWN_PARAMETERS = PAGE_REQUEST_ARGUMENTS | {
    "since",
    "until",
    "ids",
    "deleted",
    "page_size",
    "sort_by",
}


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


def find_objects(connector_key: str) -> Mapping[str, str]:
    """Return the collections that can be read instead of webhooks, each with its object."""
    source = CONNECTORS[connector_key].webhook_source
    return source.read_objects if source else {}


def _list_collections(connector_key: str) -> Mapping[str, Label]:
    labels = {entry.key: entry.label for entry in CONNECTORS[connector_key].collections}
    return {key: labels.get(key, key) for key in find_objects(connector_key)}


def _check_system(connector_key: str) -> Label:
    return "" if find_objects(connector_key) else _("The changes of this system cannot be read.")


def _check_parameter_name(name: str) -> Label:
    return _("The sync sets this itself.") if name in OWN_PARAMETERS else ""


SYNC_OPTIONS = JobOptions(
    example_connector="pipedrive",
    example_title=_("Sync: persons that were created"),
    find_system_problem=_check_system,
    options=(
        ChoiceOption(
            "collection",
            label=_("Records"),
            choices=_list_collections,
            default=lambda connector_key: next(iter(find_objects(connector_key)), ""),
        ),
        ChoicesOption(
            "changes",
            label=_("Changes"),
            choices={"created": _("New records"), "updated": _("Changed records")},
            default=["created"],
            example=["created"],
        ),
        NumberOption(
            "overlap_minutes",
            label=_("Overlap (minutes)"),
            help=_("How far before the last change that was read a run begins."),
            minimum=1,
            maximum=24 * 60,
            default=10,
        ),
        NumberOption(
            "lookback_hours",
            label=_("First run (hours back)"),
            help=_("How far back the first run reads."),
            minimum=1,
            maximum=30 * 24,
            default=24,
        ),
        Section(
            "query",
            help="Further parameters of the collection, all texts.",
            others=TextOption(),
            others_max=10,
            find_name_problem=_check_parameter_name,
        ),
    ),
)


def parse_sync_options(options: Mapping[str, Any], connector_key: str) -> SyncOptions:
    """Return checked options, with the defaults of this connector."""
    values = SYNC_OPTIONS.fill(options, connector_key)
    return SyncOptions(
        values["collection"],
        tuple(values["changes"]),
        timedelta(minutes=values["overlap_minutes"]),
        timedelta(hours=values["lookback_hours"]),
        values["query"],
    )
