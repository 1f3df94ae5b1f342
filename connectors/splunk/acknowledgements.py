"""Splunk's acknowledgements: taken, then asked about until they are confirmed."""

import hashlib
import uuid
from collections.abc import Mapping, Sequence
from typing import Any

from connectors.base import Action
from connectors.http import Request, Response, Unreadable
from connectors.outcomes import Outcome, delivered, pending, unknown
from connectors.schema import Credential, Message
from connectors.splunk.errors import CONNECTION, find_rejection

POLL_INTERVAL = 10.0  # seconds between two questions, as the documentation advises
ACK_TIMEOUT = 300.0  # seconds without acknowledgement, then it goes again


def _channel_id(credential: Credential) -> str:
    """Acknowledgements are counted within a channel; ours is the same for as long as the token is."""
    digest = hashlib.sha256(str(credential.secret["token"]).encode()).hexdigest()
    return str(uuid.uuid5(uuid.NAMESPACE_URL, f"{collector_url(credential)}#{digest}"))


def collector_url(credential: Credential) -> str:
    return str(credential.settings["url"]).rstrip("/") + "/services/collector"


def collector_headers(credential: Credential, *, with_channel: bool = False) -> dict[str, str]:
    collector_header_values = {"Authorization": f"Splunk {credential.secret['token']}"}
    if with_channel or credential.settings.get("use_ack"):
        collector_header_values["X-Splunk-Request-Channel"] = _channel_id(credential)
    return collector_header_values


class CollectorAction(Action):
    """Taken by the collector; where an `ackId` comes back, delivered only when that is confirmed."""

    permissions = {"the token": "to write to its indexes, on a collector that is switched on"}
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
            f"{collector_url(credential)}/ack",
            json={"acks": acks},
            headers=collector_headers(credential, with_channel=True),
            spends=((CONNECTION, 1),),
        )

    def parse_confirmation(self, response: Response, messages: Sequence[Message]) -> list[Outcome]:
        """Splunk says `true` once and forgets; what it does not say in time goes again, as it may be lost."""
        rejection = _find_ack_problem(response)
        if rejection and rejection.kind == "reconnect":
            return [rejection] * len(messages)
        acks = {} if rejection else response.json()["acks"]
        return [parse_acknowledgement(acks, message) for message in messages]


def _find_ack_problem(response: Response) -> Outcome | None:
    """What is wrong with an answer about acknowledgements; it has no code when all is well."""
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
