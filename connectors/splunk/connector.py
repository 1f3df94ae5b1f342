"""Splunk: events into the HTTP Event Collector, acknowledged where the token wants it."""

from collections.abc import Hashable, Mapping, Sequence
from datetime import datetime
from typing import Any
from urllib.parse import urlencode, urlsplit

from connectors.base import Connector
from connectors.http import MIN_WAIT, Rate, Request, Response
from connectors.i18n import _
from connectors.outcomes import Outcome, raises_unreadable, record_later
from connectors.schema import Account, Credential, Field, Input, Message, Move, without_nulls
from connectors.splunk.acknowledgements import CollectorAction, collector_headers, collector_url
from connectors.splunk.errors import CONNECTION, failed_index, find_rejection, parse_code
from connectors.splunk.schema import TEXT_FIELDS, build_envelope, find_envelope_problem

NO_DATA_CODE = 5

LOCATION_INPUTS = (
    Input("host", _("Host"), "The machine that it is about."),
    Input("source", _("Source"), "Where it comes from, such as integration-hub."),
    Input("sourcetype", _("Source type"), "How Splunk reads it, such as _json."),
    Input("index", _("Index"), "One that the token allows; otherwise the token's own."),
)


class SendEvent(CollectorAction):
    key = "send_event"
    label = _("Send an event")
    help = "After a lost answer an event may be there twice: the indexed field delivery_id tells them apart."
    batch = 500
    inputs = (
        Input("event", _("Event"), "Text, or an object with the facts.", required=True),
        Input("time", _("Time"), "Seconds since 1970, or a time such as 2026-11-25T12:00:00Z."),
        *LOCATION_INPUTS,
        Input("fields", _("Indexed fields"), "A flat object of texts, or of lists of texts."),
    )
    example = {
        "time": "occurred_at",
        "source": "'integration-hub'",
        "sourcetype": "'_json'",
        "event": {"id": "id", "type": "type", "order": "data"},
        "fields": {"tenant": "to_string(tenant)"},
    }

    def check(self, body: Mapping[str, Any]) -> str:
        return super().check(body) or find_envelope_problem(body)

    def group(self, message: Message) -> Hashable:
        return message.batch_group

    def request(self, messages: Sequence[Message], credential: Credential) -> Request:
        return Request(
            "POST",
            f"{collector_url(credential)}/event",
            body=b"\n".join(build_envelope(message.body, id=message.id) for message in messages),
            headers={"Content-Type": "application/json", **collector_headers(credential)},
            spends=((CONNECTION, 1),),
        )

    def outcomes(self, response: Response, messages: Sequence[Message]) -> list[Outcome]:
        rejection = find_rejection(response)
        if rejection is None:
            return [self.parse_accepted(response, message) for message in messages]
        failed_place = failed_index(response, len(messages)) if rejection.kind == "never" else None
        if failed_place is not None:
            after = record_later(
                "not_looked_at", "an event before this one was refused", after=MIN_WAIT, free=True
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
    help = "Splunk breaks the text into events by its source type."
    inputs = (Input("text", _("Text"), "One line, or several.", required=True), *LOCATION_INPUTS)
    example = {
        "text": "join(' ', [occurred_at, type, to_string(data.number), to_string(data.total), data.currency])",
        "source": "'integration-hub'",
        "sourcetype": "'orders'",
    }

    def check(self, body: Mapping[str, Any]) -> str:
        if wrong := super().check(body):
            return wrong
        not_text = [
            key for key in ("text", *TEXT_FIELDS) if not isinstance(body.get(key), str | None)
        ]
        return f"not text: {', '.join(not_text)}" if not_text else ""

    def request(self, messages: Sequence[Message], credential: Credential) -> Request:
        (message,) = messages
        location = {
            key: value for key, value in without_nulls(message.body).items() if key in TEXT_FIELDS
        }
        return Request(
            "POST",
            f"{collector_url(credential)}/raw?{urlencode(location)}".removesuffix("?"),
            body=str(message["text"]).encode("utf-8", "replace"),
            headers={
                "Content-Type": "text/plain; charset=utf-8",
                **collector_headers(credential, with_channel=True),
            },
            spends=((CONNECTION, 1),),
        )

    def outcomes(self, response: Response, messages: Sequence[Message]) -> list[Outcome]:
        rejection = find_rejection(response)
        return [rejection or self.parse_accepted(response, message) for message in messages]


class Splunk(Connector):
    key = "splunk"
    label = "Splunk"
    summary = _("Events and logs into the HTTP Event Collector.")
    categories = (_("Logs"), _("Security"), _("Analytics"))
    synonyms = ("siem", "hec", "logging", "http event collector", "monitoring", "audit log")
    moves = (
        Move(
            "out",
            _(
                "Each event that your routes choose, as a whole or as they map it, into the token's indexes."
            ),
        ),
        Move("in", _("Nothing but the collector's word that it has taken an event.")),
    )
    approval = _(
        "Splunk's administrator makes the token, and opens the collector to the addresses of this hub."
    )
    plan = _("Splunk Enterprise or Splunk Cloud with the HTTP Event Collector switched on.")
    fields = (
        Field(
            "url",
            _("Collector URL"),
            _("Such as https://splunk.example.com:8088, without a path."),
            kind="url",
        ),
        Field(
            "token", _("Token"), _("A HEC token, as Splunk's administrator made it."), secret=True
        ),
        Field(
            "use_ack",
            _("Indexer acknowledgement"),
            _(
                "Switch it on exactly where the token has it: an event then counts as delivered when Splunk confirms "
                "it."
            ),
            kind="flag",
            required=False,
        ),
    )
    actions = (SendEvent(), SendRaw())
    quotas = {
        "connection": Rate(20, 1.0)
    }  # a courtesy: Splunk documents no quota, only back-pressure

    def check(self, credential: Credential) -> str:
        if not credential.secret.get("token"):
            return "missing: Token"
        return "" if _collector_host(credential) else "the collector URL has no host"

    def probe_request(self, credential: Credential, *, at: datetime) -> Request:
        """No events at all: a living collector answers *No data* once the token has passed.

        The health endpoint would not do: without a token in its query it does not look at the token.
        """
        url = f"{collector_url(credential)}/event"
        return Request(
            "POST", url, body=b"", headers=collector_headers(credential), spends=((CONNECTION, 1),)
        )

    @raises_unreadable
    def parse_probe(self, response: Response, credential: Credential) -> Account | Outcome:
        rejection = find_rejection(response)
        if rejection is None or (response.status == 400 and parse_code(response) == NO_DATA_CODE):
            return Account(id="", name=_collector_host(credential))  # no answer names the instance
        return rejection


def _collector_host(credential: Credential) -> str:
    try:
        return urlsplit(str(credential.settings.get("url", ""))).hostname or ""
    except ValueError:
        return ""
