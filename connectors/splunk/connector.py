"""Splunk: events into the HTTP Event Collector, acknowledged where the token wants it."""

from collections.abc import Hashable, Mapping, Sequence
from datetime import datetime
from typing import Any
from urllib.parse import urlencode, urlsplit

from connectors.base import Connector
from connectors.marked import _
from connectors.outcomes import Outcome, or_unreadable, record_later
from connectors.parts import Account, Credential, Field, Input, Message, Move, stated
from connectors.splunk.acks import Collected, collector, headers
from connectors.splunk.answers import CONNECTION, code_of, failing, refusal
from connectors.splunk.envelope import TEXTS, envelope, wrong_with
from connectors.wire import WAIT_LEAST, Rate, Request, Response

NO_DATA = 5

WHERE = (
    Input("host", _("Host"), "The machine that it is about."),
    Input("source", _("Source"), "Where it comes from, such as integration-hub."),
    Input("sourcetype", _("Source type"), "How Splunk reads it, such as _json."),
    Input("index", _("Index"), "One that the token allows; otherwise the token's own."),
)


class SendEvent(Collected):
    key = "send_event"
    label = _("Send an event")
    help = "After a lost answer an event may be there twice: the indexed field delivery_id tells them apart."
    batch = 500
    inputs = (
        Input("event", _("Event"), "Text, or an object with the facts.", required=True),
        Input("time", _("Time"), "Seconds since 1970, or a time such as 2026-11-25T12:00:00Z."),
        *WHERE,
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
        return super().check(body) or wrong_with(body)

    def group(self, message: Message) -> Hashable:
        return message.company

    def request(self, messages: Sequence[Message], credential: Credential) -> Request:
        return Request(
            "POST",
            f"{collector(credential)}/event",
            body=b"\n".join(envelope(message.body, id=message.id) for message in messages),
            headers={"Content-Type": "application/json", **headers(credential)},
            spends=((CONNECTION, 1),),
        )

    def outcomes(self, response: Response, messages: Sequence[Message]) -> list[Outcome]:
        wrong = refusal(response)
        if wrong is None:
            return [self.taken(response, message) for message in messages]
        place = failing(response, len(messages)) if wrong.kind == "never" else None
        if place is not None:
            after = record_later("not_looked_at", "an event before this one was refused", after=WAIT_LEAST, free=True)
            before = [self.taken(response, message) for message in messages[:place]]
            return [*before, wrong, *[after] * (len(messages) - place - 1)]
        together = wrong.kind == "never" and len(messages) > 1
        alone = record_later("refused_together", wrong.detail, after=WAIT_LEAST)
        return [alone if together else wrong] * len(messages)


class SendRaw(Collected):
    key = "send_raw"
    label = _("Send raw text")
    help = "Splunk breaks the text into events by its source type."
    inputs = (Input("text", _("Text"), "One line, or several.", required=True), *WHERE)
    example = {
        "text": "join(' ', [occurred_at, type, to_string(data.number), to_string(data.total), data.currency])",
        "source": "'integration-hub'",
        "sourcetype": "'orders'",
    }

    def check(self, body: Mapping[str, Any]) -> str:
        if wrong := super().check(body):
            return wrong
        strange = [key for key in ("text", *TEXTS) if not isinstance(body.get(key), str | None)]
        return f"not text: {', '.join(strange)}" if strange else ""

    def request(self, messages: Sequence[Message], credential: Credential) -> Request:
        (message,) = messages
        where = {key: value for key, value in stated(message.body).items() if key in TEXTS}
        return Request(
            "POST",
            f"{collector(credential)}/raw?{urlencode(where)}".removesuffix("?"),
            body=str(message["text"]).encode("utf-8", "replace"),
            headers={"Content-Type": "text/plain; charset=utf-8", **headers(credential, with_channel=True)},
            spends=((CONNECTION, 1),),
        )

    def outcomes(self, response: Response, messages: Sequence[Message]) -> list[Outcome]:
        wrong = refusal(response)
        return [wrong or self.taken(response, message) for message in messages]


class Splunk(Connector):
    key = "splunk"
    label = "Splunk"
    summary = _("Events and logs into the HTTP Event Collector.")
    categories = (_("Logs"), _("Security"), _("Analytics"))
    synonyms = ("siem", "hec", "logging", "http event collector", "monitoring", "audit log")
    moves = (
        Move("out", _("Each event that your routes choose, as a whole or as they map it, into the token's indexes.")),
        Move("in", _("Nothing but the collector's word that it has taken an event.")),
    )
    approval = _("Splunk's administrator makes the token, and opens the collector to the addresses of this hub.")
    plan = _("Splunk Enterprise or Splunk Cloud with the HTTP Event Collector switched on.")
    fields = (
        Field("url", _("Collector URL"), _("Such as https://splunk.example.com:8088, without a path."), kind="url"),
        Field("token", _("Token"), _("A HEC token, as Splunk's administrator made it."), secret=True),
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
    quotas = {"connection": Rate(20, 1.0)}  # a courtesy: Splunk documents no quota, only back-pressure

    def check(self, credential: Credential) -> str:
        if not credential.secret.get("token"):
            return "missing: Token"
        return "" if host_of(credential) else "the collector URL has no host"

    def probe(self, credential: Credential, *, at: datetime) -> Request:
        """No events at all: a living collector answers *No data* once the token has passed.

        The health endpoint would not do: without a token in its query it does not look at the token.
        """
        url = f"{collector(credential)}/event"
        return Request("POST", url, body=b"", headers=headers(credential), spends=((CONNECTION, 1),))

    @or_unreadable
    def probed(self, response: Response, credential: Credential) -> Account | Outcome:
        wrong = refusal(response)
        if wrong is None or (response.status == 400 and code_of(response) == NO_DATA):
            return Account(id="", name=host_of(credential))  # no answer names the instance
        return wrong


def host_of(credential: Credential) -> str:
    try:
        return urlsplit(str(credential.settings.get("url", ""))).hostname or ""
    except ValueError:
        return ""
