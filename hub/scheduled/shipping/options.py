"""The options of a job of log shipping, and their check."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from django.utils.translation import gettext as _

from connectors.registry import CONNECTORS
from connectors.roles import LineFormat
from hub.number_texts import format_whole
from hub.scheduled.jobs.option_errors import NOT_ONE_OF, UNKNOWN_OPTION
from hub.scheduled.models import LogSource

BATCH_BYTES = 900_000
BATCH_BYTES_RANGE = (1_000, 990_000)
BATCH_SECONDS_RANGE = (0, 30)
ACKNOWLEDGE_SECONDS = 300  # Splunk's documentation advises about five minutes
ACKNOWLEDGE_SECONDS_RANGE = (10, 3_600)
FIELDS_MAX, TEXT_LENGTH_MAX = 20, 200
TEXT_OPTIONS = ("index", "sourcetype", "host")
APPLICATION = "app"  # the connector whose collection is read


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


def parse_shipping_options(options: Mapping[str, Any]) -> ShippingOptions:
    """Return the options with defaults; they were checked when the job was stored."""
    source = str(options.get("source", LogSource.API))
    texts = {name: str(options.get(name) or "") for name in TEXT_OPTIONS}
    return ShippingOptions(
        source=source,
        line_format=LineFormat(
            source=f"integration-hub:{source}", fields=dict(options.get("fields") or {}), **texts
        ),
        batch_bytes=int(options.get("batch_bytes", BATCH_BYTES)),
        batch_seconds=float(options.get("batch_seconds", 1)),
        acknowledge_seconds=float(options.get("acknowledge_seconds", ACKNOWLEDGE_SECONDS)),
        collection=str(options.get("collection") or "logs"),
        query=dict(options.get("query") or {}),
    )


def check_shipping_options(options: Mapping[str, Any], connector_key: str) -> dict[str, str]:
    """Return the errors of the options by path; empty if they are valid."""
    errors = {
        name: problem
        for name, value in options.items()
        if (problem := CHECKS[name](value) if name in CHECKS else _(UNKNOWN_OPTION))
    }
    connector = CONNECTORS.get(connector_key)
    if connector is None or connector.log_sink is None:
        errors[""] = _("This system takes no log lines.")
    if not errors and options.get("source") == LogSource.COLLECTION:
        keys = [entry.key for entry in CONNECTORS[APPLICATION].collections]
        if options.get("collection", "logs") not in keys:
            errors["collection"] = _(NOT_ONE_OF) % ", ".join(keys)
    return errors


def _check_text(value: object) -> str:
    is_text = isinstance(value, str) and value.isprintable() and len(value) <= TEXT_LENGTH_MAX
    return "" if is_text else _("This must be a text of at most %s characters.") % TEXT_LENGTH_MAX


def _check_source(value: object) -> str:
    if value in LogSource.values:
        return ""
    return _(NOT_ONE_OF) % ", ".join(LogSource.values)


def _check_fields(value: object) -> str:
    is_flat = (
        isinstance(value, dict)
        and len(value) <= FIELDS_MAX
        and all(
            name and not _check_text(name) and not _check_text(text) for name, text in value.items()
        )
    )
    return "" if is_flat else _("This must be an object of at most %s texts.") % FIELDS_MAX


def _check_query(value: object) -> str:
    is_flat = isinstance(value, dict) and not any(map(_check_text, value.values()))
    return "" if is_flat else _("This must be an object of texts.")


def _range_check(minimum: int, maximum: int) -> Callable[[object], str]:
    def check(value: object) -> str:
        is_within = (
            isinstance(value, int | float)
            and not isinstance(value, bool)
            and minimum <= value <= maximum
        )
        limits = {"least": format_whole(minimum), "most": format_whole(maximum)}
        return "" if is_within else _("This must be from %(least)s to %(most)s.") % limits

    return check


CHECKS: Mapping[str, Callable[[Any], str]] = {
    "source": _check_source,
    "fields": _check_fields,
    "query": _check_query,
    "collection": _check_text,
    "batch_bytes": _range_check(*BATCH_BYTES_RANGE),
    "batch_seconds": _range_check(*BATCH_SECONDS_RANGE),
    "acknowledge_seconds": _range_check(*ACKNOWLEDGE_SECONDS_RANGE),
    **dict.fromkeys(TEXT_OPTIONS, _check_text),
}
