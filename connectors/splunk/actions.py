"""Actions: send events, or raw text, to the HTTP Event Collector.

A token may use acknowledgements: an event is then delivered when the indexer has confirmed it.
"""

import hashlib
import uuid
from collections.abc import Hashable, Mapping, Sequence
from typing import Any
from urllib.parse import urlencode

from connectors.http import MIN_WAIT, Request, Response, Unreadable
from connectors.i18n import _
from connectors.outcomes import Outcome, delivered, pending, record_later, unknown
from connectors.roles import Action
from connectors.schema import Credential, Input, Message, remove_nulls
from connectors.splunk.errors import CONNECTION, find_failed_index, find_rejection
from connectors.splunk.schema import TEXT_FIELDS, build_envelope, find_envelope_problem

POLL_INTERVAL = 10.0  # seconds between two questions, as the documentation advises
ACK_TIMEOUT = 300.0  # seconds without acknowledgement, then it goes again


def _build_channel_id(credential: Credential) -> str:
    """Return the acknowledgement channel, derived from URL and token, so that it stays the same."""
    digest = hashlib.sha256(str(credential.secret["token"]).encode()).hexdigest()
    return str(uuid.uuid5(uuid.NAMESPACE_URL, f"{build_collector_url(credential)}#{digest}"))


def build_collector_url(credential: Credential) -> str:
    return str(credential.settings["url"]).rstrip("/") + "/services/collector"


def build_collector_headers(
    credential: Credential, *, with_channel: bool = False
) -> dict[str, str]:
    collector_header_values = {"Authorization": f"Splunk {credential.secret['token']}"}
    if with_channel or credential.settings.get("use_ack"):
        collector_header_values["X-Splunk-Request-Channel"] = _build_channel_id(credential)
    return collector_header_values


class CollectorAction(Action):
    """An action of the collector; an event with an `ackId` is *pending* until confirmed."""

    permissions = {"the token": _("to write to its indexes, on an enabled collector")}
    batch_bytes = 990_000  # a collector in the cloud takes about 1 MB

    def parse_accepted(self, response: Response, message: Message) -> Outcome:
        ack = response.json().get("ackId")
        if ack is None:
            return delivered()
        if not isinstance(ack, int) or isinstance(ack, bool):
            raise Unreadable("ackId is not a number")
        return pending(f"{ack}:{int(message.at.timestamp())}", after=POLL_INTERVAL)

    def confirm_request(self, messages: Sequence[Message], credential: Credential) -> Request:
        acks = sorted({int(message.ticket.partition(":")[0]) for message in messages})
        return Request(
            "POST",
            f"{build_collector_url(credential)}/ack",
            json={"acks": acks},
            headers=build_collector_headers(credential, with_channel=True),
            spends=((CONNECTION, 1),),
        )

    def parse_confirmation(self, response: Response, messages: Sequence[Message]) -> list[Outcome]:
        """Return an outcome for each message, by its acknowledgement. Raises Unreadable.

        Splunk reports `true` once only. An event without acknowledgement after ACK_TIMEOUT may be
        lost: its outcome is *unknown*.
        """
        rejection = _find_ack_problem(response)
        if rejection and rejection.kind == "reconnect":
            return [rejection] * len(messages)
        acks = {} if rejection else response.json()["acks"]
        return [parse_acknowledgement(acks, message) for message in messages]


def _find_ack_problem(response: Response) -> Outcome | None:
    """Return the Outcome of a failed acknowledgement request; None if it was answered."""
    try:
        if response.status == 200 and isinstance(response.json()["acks"], Mapping):
            return None
        return find_rejection(response) or unknown("unreadable")
    except (Unreadable, LookupError, TypeError):
        return unknown("unreadable")


def parse_acknowledgement(acks: Mapping[str, Any], message: Message) -> Outcome:
    ack, _, since = message.ticket.partition(":")
    if acks.get(ack) is True:
        return delivered()
    if message.at.timestamp() - int(since) >= ACK_TIMEOUT:
        return unknown("not_acknowledged", "not acknowledged within 5 minutes")
    return pending(message.ticket, after=POLL_INTERVAL)


LOCATION_INPUTS = (
    Input("host", _("Host"), _("The host of the event.")),
    Input("source", _("Source"), _("The source of the event, such as integration-hub.")),
    Input("sourcetype", _("Source type"), _("How Splunk parses it, such as _json.")),
    Input("index", _("Index"), _("An index that the token allows. Default: the token's index.")),
)


class SendEvent(CollectorAction):
    key = "send_event"
    label = _("Send an event")
    help = (
        "If a response is lost, an event may be stored twice. The indexed field "
        "delivery_id identifies duplicates."
    )
    batch_size_max = 500
    inputs = (
        Input(
            "event", _("Event"), _("Text, or an object with the data of the event."), required=True
        ),
        Input("time", _("Time"), _("Seconds since 1970, or a time such as 2026-11-25T12:00:00Z.")),
        *LOCATION_INPUTS,
        Input("fields", _("Indexed fields"), _("A flat object of strings or lists of strings.")),
    )
    example = {
        "time": "occurred_at",
        "source": "'integration-hub'",
        "sourcetype": "'_json'",
        "event": {"id": "id", "type": "type", "order": "data"},
        "fields": {"tenant": "to_string(tenant)"},
    }

    def find_body_problem(self, body: Mapping[str, Any]) -> str:
        return super().find_body_problem(body) or find_envelope_problem(body)

    def group_key(self, message: Message) -> Hashable:
        return message.batch_group

    def request(self, messages: Sequence[Message], credential: Credential) -> Request:
        return Request(
            "POST",
            f"{build_collector_url(credential)}/event",
            body=b"\n".join(build_envelope(message.body, id=message.id) for message in messages),
            headers={"Content-Type": "application/json", **build_collector_headers(credential)},
            spends=((CONNECTION, 1),),
        )

    def outcomes(self, response: Response, messages: Sequence[Message]) -> list[Outcome]:
        rejection = find_rejection(response)
        if rejection is None:
            return [self.parse_accepted(response, message) for message in messages]
        failed_place = (
            find_failed_index(response, len(messages)) if rejection.kind == "never" else None
        )
        if failed_place is not None:
            after = record_later(
                "not_looked_at",
                "an earlier event in the batch was rejected",
                after=MIN_WAIT,
                costs_no_attempt=True,
            )
            accepted_before = [
                self.parse_accepted(response, message) for message in messages[:failed_place]
            ]
            return [*accepted_before, rejection, *[after] * (len(messages) - failed_place - 1)]
        together = rejection.kind == "never" and len(messages) > 1
        alone = record_later("refused_together", rejection.detail, after=MIN_WAIT)
        return [alone if together else rejection] * len(messages)


class SendRaw(CollectorAction):
    key = "send_raw"
    label = _("Send raw text")
    help = "Splunk splits the text into events by its source type."
    inputs = (Input("text", _("Text"), _("One or more lines."), required=True), *LOCATION_INPUTS)
    example = {
        "text": "join(' ', [occurred_at, type, to_string(data.number), "
        "to_string(data.total), data.currency])",
        "source": "'integration-hub'",
        "sourcetype": "'orders'",
    }

    def find_body_problem(self, body: Mapping[str, Any]) -> str:
        if wrong := super().find_body_problem(body):
            return wrong
        not_text = [
            key for key in ("text", *TEXT_FIELDS) if not isinstance(body.get(key), str | None)
        ]
        return f"not text: {', '.join(not_text)}" if not_text else ""

    def request(self, messages: Sequence[Message], credential: Credential) -> Request:
        (message,) = messages
        location = {
            key: value for key, value in remove_nulls(message.body).items() if key in TEXT_FIELDS
        }
        return Request(
            "POST",
            f"{build_collector_url(credential)}/raw?{urlencode(location)}".removesuffix("?"),
            body=str(message["text"]).encode("utf-8", "replace"),
            headers={
                "Content-Type": "text/plain; charset=utf-8",
                **build_collector_headers(credential, with_channel=True),
            },
            spends=((CONNECTION, 1),),
        )

    def outcomes(self, response: Response, messages: Sequence[Message]) -> list[Outcome]:
        rejection = find_rejection(response)
        return [rejection or self.parse_accepted(response, message) for message in messages]
