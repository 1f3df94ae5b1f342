"""The collector: check endpoint, token, channel and body, in this order."""

import base64
import json
import re
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any
from urllib.parse import unquote

from sandbox.splunk import envelopes
from sandbox.splunk.accounts import HEC_TOKENS, HecToken
from sandbox.splunk.acks import Acks
from sandbox.splunk.codes import KINDS, OF_STATUS, Refused, build_code_response
from sandbox.splunk.fired_alerts import FiredAlerts
from sandbox.storage.account_store import AccountStore
from sandbox.storage.journal import JournaledDict
from sandbox.system import ApiRequest, ApiResponse, System

KEPT = 150_000
SHUTTING_DOWN, REFUSING = 0.2, 0.6  # parts of a restart; in the rest of it the server is busy
ENDPOINTS = {
    "": "event",
    "/event": "event",
    "/event/1.0": "event",
    "/raw": "raw",
    "/raw/1.0": "raw",
    "/ack": "ack",
    "/health": "health",
    "/health/1.0": "health",
}
GUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.I)
NOT_FOUND = {"text": "The requested URL was not found on this server.", "code": 404}
ROOT = "/services/collector"
COUNTED = ("index", "source", "sourcetype")
RAW_KEYS = ("host", "source", "sourcetype", "index")


class Splunk(System):
    key = "splunk"
    addresses = (
        ("/splunk", "/{stack}/services/{rest:.*}"),
        ("/splunk", "/{stack}/servicesNS/{rest:.*}"),
    )

    def __init__(self, store: AccountStore, state: Path):
        self.store = store
        self.events = JournaledDict(state / "splunk-events.jsonl", keep=KEPT)
        self.fired_alerts = FiredAlerts(store, state)
        self._acks = Acks()
        self._restarts: dict[str, tuple[float, float]] = {}  # from when until when, by stack
        self._number = max(map(int, self.events), default=0)

    def account(self, call: ApiRequest) -> str:
        stack = unquote(call.path.split("/")[1])
        return (
            stack if any(token.stack == stack for token in self.store[HEC_TOKENS].values()) else ""
        )

    def ids(self, call: ApiRequest) -> list[str]:
        try:
            return [id for envelope in envelopes.envelopes(call.text) if (id := id_of(envelope))]
        except (ValueError, RecursionError):
            return []

    def refusal(self, status: int) -> Any:
        return build_code_response(OF_STATUS.get(status, 8)).body

    def answer(self, call: ApiRequest) -> ApiResponse:
        _, stack, *remainder = call.path.split("/")
        path = "/" + "/".join(remainder).rstrip("/")
        if answer := self.fired_alerts.answer(call, unquote(stack), path):
            return answer
        endpoint = ENDPOINTS.get(path.removeprefix(ROOT)) if path.startswith(ROOT) else None
        if endpoint is None:
            return ApiResponse(404, NOT_FOUND, KINDS)
        if call.method == "OPTIONS":
            return ApiResponse(200, b"", {"Allow": "POST,OPTIONS"})
        if call.method != ("GET" if endpoint == "health" else "POST"):
            return ApiResponse(405, NOT_FOUND, KINDS)
        try:
            if self._is_refusing(unquote(stack), call.at):
                return ApiResponse(0)
            return self._receive(call, unquote(stack), endpoint)
        except Refused as refused:
            return build_code_response(refused.code, **refused.more)

    def answer_partly(self, call: ApiRequest, count: int) -> ApiResponse:
        """Take the first events only, as if the next one were cut off."""
        parts = [json.dumps(envelope) for envelope in envelopes.envelopes(call.text)]
        body = "\n".join([*parts[:count], "{"] if count < len(parts) else parts)
        return self.answer(replace(call, body=body.encode()))

    def restart(self, account: str, seconds: float, at: float) -> None:
        """Forget the acknowledgements, and lose what was not replicated yet."""
        tokens = {one.token for one in self.store[HEC_TOKENS].values() if one.stack == account}
        if not tokens:
            raise ValueError(f"there is no stack {account!r}")
        for number in self._acks.restart(tokens, at):
            self.events.pop(number, None)
        self._restarts[account] = (at, at + seconds)

    def list_records(self, account: str, object: str) -> Iterator[dict[str, Any]]:
        """The events of a stack, or how many there are by index, source and sourcetype."""
        events = (event for event in self.events.values() if event["stack"] == account)
        if object == "events":
            return events
        if object == "counts":
            return iter(count_events(events))
        raise ValueError("object is events or counts")

    def close(self) -> None:
        self.events.close()
        self.fired_alerts.close()

    def _is_refusing(self, stack: str, at: float) -> bool:
        """Whether no process listens. Raises Refused while it shuts down, and while it starts."""
        since, until = self._restarts.get(stack, (0.0, 0.0))
        if at >= until:
            return False
        part = (at - since) / (until - since)
        if part < SHUTTING_DOWN:
            raise Refused(23)
        if part >= REFUSING:
            raise Refused(9)
        return True

    def _receive(self, call: ApiRequest, stack: str, endpoint: str) -> ApiResponse:
        if endpoint == "health":
            return self._health(call, stack)
        token = self._token(call, stack)
        channel = channel_of(call)
        if channel and not GUID.fullmatch(channel):
            raise Refused(11)
        if endpoint == "ack":
            return self._answer_polling(call, token, channel)
        if token.ack and not channel:
            raise Refused(28 if token.cloud else 10)
        if call.headers.get("Content-Encoding", "identity").lower() not in ("gzip", "identity"):
            return ApiResponse(415, {"text": "Unsupported Media Type", "code": 415}, KINDS)
        return self._answer_indexing(call, token, channel, endpoint)

    def _token(self, call: ApiRequest, stack: str) -> HecToken:
        """Return the token, which is checked before the way in which it was sent."""
        in_query = "token" in call.query and "Authorization" not in call.headers
        token_text = call.query["token"] if in_query else token_of(call)
        ids = self._find_token(stack, token_text)
        if ids is None:
            raise Refused(4)
        if ids.disabled:
            raise Refused(1)
        if in_query and not ids.query_auth:
            raise Refused(16)
        return ids

    def _find_token(self, stack: str, token_text: str) -> HecToken | None:
        return next(
            (
                one
                for one in self.store[HEC_TOKENS].values()
                if (one.stack, one.token.lower()) == (stack, token_text.lower())
            ),
            None,
        )

    def _health(self, call: ApiRequest, stack: str) -> ApiResponse:
        if "token" in call.query:
            token = self._find_token(stack, call.query["token"])
            if token is None or token.disabled:
                raise Refused(22 if token else 21)
        return build_code_response(17)

    def _answer_indexing(
        self, call: ApiRequest, token: HecToken, channel: str, endpoint: str
    ) -> ApiResponse:
        if len(call.body) > token.max_bytes:
            raise envelopes.build_numbered_refusal(6, 0)
        if not call.body.strip():
            raise Refused(5)
        events, wrong = (
            raw(token, call)
            if endpoint == "raw"
            else envelopes.read_envelopes(token, call.body, call.at)
        )
        numbers = self._index(token, events, call.at)
        ack = {}
        if token.ack and (events or not wrong):
            ready_at = call.at + token.ack_after
            ack = {"ackId": self._acks.issue(token.token, channel, ready_at, numbers)}
        if wrong:
            raise Refused(wrong.code, **wrong.more, **ack)
        return build_code_response(0, **ack)

    def _index(self, token: HecToken, events: list[envelopes.Event], at: float) -> list[str]:
        """Store the events; return their numbers."""
        numbers = [str(self._number + place) for place in range(1, len(events) + 1)]
        self._number += len(events)
        stored = [{"stack": token.stack, "indexed_at": at, **event} for event in events]
        self.events.store_all(dict(zip(numbers, stored, strict=True)))
        return numbers

    def _answer_polling(self, call: ApiRequest, token: HecToken, channel: str) -> ApiResponse:
        if not token.ack:
            raise Refused(14)
        if not channel:
            raise Refused(28 if token.cloud else 10)
        body = call.json()
        ids = body.get("acks") if isinstance(body, dict) else None
        if not isinstance(ids, list) or not all(isinstance(id, int) for id in ids):
            raise Refused(6)
        return ApiResponse(
            200, {"acks": self._acks.poll(token.token, channel, ids, call.at)}, KINDS
        )


def count_events(events: Iterable[dict[str, Any]]) -> list[dict[str, Any]]:
    """How many events there are by index, source and sourcetype."""
    counts = Counter(tuple(event[name] for name in COUNTED) for event in events)
    return [
        {**dict(zip(COUNTED, values, strict=True)), "count": count}
        for values, count in sorted(counts.items())
    ]


def id_of(envelope: Any) -> str:
    """Where senders put an id of their own: an indexed field, or the event itself."""
    parts = [envelope.get("fields"), envelope.get("event")] if isinstance(envelope, dict) else []
    ids = [
        part[key]
        for part in parts
        if isinstance(part, dict)
        for key in ("delivery_id", "id")
        if part.get(key)
    ]
    return str(ids[0]) if ids else ""


def raw(token: HecToken, call: ApiRequest) -> tuple[list[envelopes.Event], Refused | None]:
    """Each line is an event."""
    about = {key: call.query[key] for key in RAW_KEYS if key in call.query}
    lines = [
        json.dumps({"event": line, **about}) for line in call.text.splitlines() if line.strip()
    ]
    return envelopes.read_envelopes(token, "".join(lines).encode(), call.at)


def token_of(call: ApiRequest) -> str:
    if "Authorization" not in call.headers:
        raise Refused(2)
    if token_text := call.credential("Splunk"):
        return token_text
    try:
        _, _, password = (
            base64.b64decode(call.credential("Basic"), validate=True).decode().partition(":")
        )
    except ValueError:
        password = ""
    if not password:
        raise Refused(3)
    return password


def channel_of(call: ApiRequest) -> str:
    return call.headers.get("X-Splunk-Request-Channel") or call.query.get("channel", "")
