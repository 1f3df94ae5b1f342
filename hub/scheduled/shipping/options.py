"""The options of a job of log shipping."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django.utils.translation import gettext_lazy as _

from connectors.registry import CONNECTORS
from connectors.roles import LineFormat
from hub.scheduled.jobs.option_schema import (
    ChoiceOption,
    JobOptions,
    Label,
    NumberOption,
    Section,
    TextOption,
    is_filled,
)
from hub.scheduled.models import LogSource

BATCH_BYTES = 900_000
ACKNOWLEDGE_SECONDS = 300  # Splunk's documentation advises about five minutes
TEXT_OPTIONS = ("index", "sourcetype", "host")
APPLICATION = "app"  # the connector whose collection is read
FIELD_NAME = TextOption(is_valid=is_filled)


@dataclass(frozen=True, slots=True)
class ShippingOptions:
    """Options of log shipping; `source` is the log.

    A batch is sent when it has `batch_bytes`, or when its first line has waited for
    `batch_seconds`; it is sent again after `acknowledge_seconds` without an acknowledgement.
    """

    source: str
    line_format: LineFormat
    batch_bytes: int
    batch_seconds: float
    acknowledge_seconds: float
    collection: str
    query: Mapping[str, Any]


def _list_collections(connector_key: str) -> Mapping[str, Label]:
    labels = {entry.key: entry.label for entry in CONNECTORS[APPLICATION].collections}
    return {"": _("Lines of the operational log"), **labels}


def _check_system(connector_key: str) -> Label:
    takes_lines = CONNECTORS[connector_key].log_sink is not None
    return "" if takes_lines else _("This system takes no log lines.")


def _check_field_name(name: str) -> Label:
    return FIELD_NAME.find_problem(name, "")


SHIPPING_OPTIONS = JobOptions(
    example_connector="splunk",
    example_title=_("Log shipping: lines sent by API"),
    find_system_problem=_check_system,
    options=(
        ChoiceOption(
            "source",
            label=_("Log"),
            choices=dict(LogSource.choices),
            default=str(LogSource.API),
            example="api",
        ),
        ChoiceOption(
            "collection",
            label=_("Collection of our application"),
            help=_("Only for lines that are read from our application."),
            choices=_list_collections,
            default="logs",
        ),
        TextOption("index", label=_("Index"), help=_("Empty: as the token says.")),
        TextOption("sourcetype", label=_("Source type")),
        TextOption("host", label=_("Host")),
        NumberOption(
            "batch_seconds",
            label=_("Seconds for a batch"),
            help=_("How long the first line waits for more."),
            minimum=0,
            maximum=30,
            is_whole=False,
            default=1,
        ),
        NumberOption(
            "batch_bytes",
            help="A batch is sent when it has so many bytes.",
            minimum=1_000,
            maximum=990_000,
            is_whole=False,
            default=BATCH_BYTES,
        ),
        NumberOption(
            "acknowledge_seconds",
            help="After so long without an acknowledgement, a batch is sent again.",
            minimum=10,
            maximum=3_600,
            is_whole=False,
            default=ACKNOWLEDGE_SECONDS,
        ),
        Section(
            "fields",
            help="Fields that each line gets, all texts.",
            others=TextOption(),
            others_max=20,
            find_name_problem=_check_field_name,
        ),
        Section("query", help="Parameters of the collection, all texts.", others=TextOption()),
    ),
)


def parse_shipping_options(options: Mapping[str, Any]) -> ShippingOptions:
    """Return the options with defaults; they were checked when the job was stored."""
    values = SHIPPING_OPTIONS.fill(options)
    source = values["source"]
    texts = {name: values[name] for name in TEXT_OPTIONS}
    return ShippingOptions(
        source=source,
        line_format=LineFormat(
            source=f"integration-hub:{source}", fields=values["fields"], **texts
        ),
        batch_bytes=int(values["batch_bytes"]),
        batch_seconds=float(values["batch_seconds"]),
        acknowledge_seconds=float(values["acknowledge_seconds"]),
        collection=values["collection"],
        query=values["query"],
    )
