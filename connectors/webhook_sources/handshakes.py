"""Answer the requests by which providers check that a URL is ours; described by parameters.

`verify_first` tells a receiver whether the request must be authentic before it is answered. Slack
signs its check (True); Meta's check carries no signature (False).
"""

import hmac
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import orjson

from connectors.http import KIBIBYTE, Json, Response, dump_json
from connectors.signatures import (
    MIN_SECRET_BYTES,
    Algorithm,
    Encoding,
    Secret,
    WebhookRequest,
    encode_signature,
    is_equal_secret,
)

MAX_BODY_BYTES = 64 * KIBIBYTE  # bytes of a request that is looked at
CHALLENGE_PATTERN = re.compile(r"[!-~]{1,256}")
# without braces, quotes and colons: a hash of such a text is the signature of no JSON body
HASHED_TOKEN_PATTERN = re.compile(r"[A-Za-z0-9_+/-]{1,256}={0,2}")
TEXT, JSON = "text/plain; charset=utf-8", "application/json"

Values = tuple[tuple[str, Json], ...]  # pairs of a name and the value that it must have


@dataclass(frozen=True, slots=True, kw_only=True)
class JsonEcho:
    """Echo a field of the JSON body (Slack, monday).

    `match`: fields that mark the check, such as `type` = `url_verification`.
    """

    field: str = "challenge"
    match: Values = ()
    reply: Literal["text", "json"] = "text"  # the value, or an object with the field
    methods: tuple[str, ...] = ("POST",)
    verify_first: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class QueryEcho:
    """Echo a query parameter as text (Meta, Dropbox, WebSub; Microsoft Graph by POST).

    `token_parameter`: the parameter that must equal one of the secrets, or the answer is 403.
    """

    parameter: str = "challenge"
    match: Values = ()
    token_parameter: str = ""
    methods: tuple[str, ...] = ("GET",)
    verify_first: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class HashAnswer:
    """Answer with the HMAC of a token under the current secret (Zoom, X).

    `source`: whether `token` is a path in the JSON body or a query parameter. `answer_field` names
    the hash in the answer, `token_field` the token; empty: the answer does not repeat it.
    """

    source: Literal["json", "query"]
    token: str
    answer_field: str
    token_field: str = ""
    match: Values = ()
    algorithm: Algorithm = "sha256"
    encoding: Encoding = "hex"
    prefix: str = ""
    methods: tuple[str, ...] = ("POST",)
    verify_first: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class FixedAnswer:
    """Answer with a fixed status and JSON: to Trello's HEAD, Discord's PING, Slack's SSL check."""

    match: Values = ()  # empty: every request with one of the methods
    source: Literal["json", "query"] = "json"  # whether `match` is of the body or of the query
    status: int = 200
    json: Json = None
    methods: tuple[str, ...] = ("HEAD", "GET")
    verify_first: bool = False


Handshake = JsonEcho | QueryEcho | HashAnswer | FixedAnswer

URL_VERIFICATION = JsonEcho(match=(("type", "url_verification"),), verify_first=True)


def respond_to_handshake(
    handshake: Handshake, request: WebhookRequest, secrets: Sequence[Secret]
) -> Response | None:
    """Return the answer to a provider's check of the URL; None if the request is no check.

    Never raises. A check that cannot be answered is 400, one with a wrong token 403.
    """
    if request.method not in handshake.methods:
        return None
    if isinstance(handshake, JsonEcho):
        return _respond_to_json_echo(handshake, request)
    if isinstance(handshake, QueryEcho):
        return _respond_to_query_echo(handshake, request, secrets)
    if isinstance(handshake, HashAnswer):
        return _respond_with_hash(handshake, request, secrets)
    has_values = _has_json_values if handshake.source == "json" else _has_query_values
    if handshake.match and not has_values(request, handshake.match):
        return None
    return _answer(b"" if handshake.json is None else dump_json(handshake.json), handshake.status)


def _respond_to_json_echo(handshake: JsonEcho, request: WebhookRequest) -> Response | None:
    challenge = _find_json_value(request, handshake.field)
    if challenge is None or not _has_json_values(request, handshake.match):
        return None
    if not isinstance(challenge, str) or not CHALLENGE_PATTERN.fullmatch(challenge):
        return _answer(status=400)
    if handshake.reply == "json":
        return _answer(dump_json({handshake.field: challenge}))
    return _answer(challenge.encode(), content_type=TEXT)


def _respond_to_query_echo(
    handshake: QueryEcho, request: WebhookRequest, secrets: Sequence[Secret]
) -> Response | None:
    challenge = _find_query_value(request, handshake.parameter)
    if challenge is None or not _has_query_values(request, handshake.match):
        return None
    if handshake.token_parameter and not _has_valid_token(handshake, request, secrets):
        return _answer(status=403)
    if not CHALLENGE_PATTERN.fullmatch(challenge):
        return _answer(status=400)
    return _answer(challenge.encode(), content_type=TEXT)


def _has_valid_token(
    handshake: QueryEcho, request: WebhookRequest, secrets: Sequence[Secret]
) -> bool:
    token = _find_query_value(request, handshake.token_parameter) or ""
    presented = token.encode("utf-8", "surrogatepass")
    comparisons = [is_equal_secret(presented, key) for key in _usable_keys(secrets)]
    return any(comparisons)


def _usable_keys(secrets: Sequence[Secret]) -> list[bytes]:
    """Return the secrets as UTF-8 bytes, without those that are too short."""
    values = (secret.value for secret in secrets if secret.value.strip())
    keys = (value.encode("utf-8", "surrogatepass") for value in values)
    return [key for key in keys if len(key) >= MIN_SECRET_BYTES]


def _respond_with_hash(
    handshake: HashAnswer, request: WebhookRequest, secrets: Sequence[Secret]
) -> Response | None:
    token = (
        _find_query_value(request, handshake.token)
        if handshake.source == "query"
        else _find_json_value(request, handshake.token)
    )
    if token is None or not _has_json_values(request, handshake.match):
        return None
    keys = _usable_keys(secrets)
    if not keys:
        return _answer(status=403)
    if not isinstance(token, str) or not HASHED_TOKEN_PATTERN.fullmatch(token):
        return _answer(status=400)
    digest = hmac.digest(keys[0], token.encode(), handshake.algorithm)
    content = {
        handshake.answer_field: handshake.prefix + encode_signature(digest, handshake.encoding)
    }
    if handshake.token_field:
        content[handshake.token_field] = token
    return _answer(dump_json(content))


def _answer(body: bytes = b"", status: int = 200, *, content_type: str = JSON) -> Response:
    """Build a response that browsers do not render as HTML."""
    headers = {"content-type": content_type, "x-content-type-options": "nosniff"}
    return Response(status=status, body=body, headers=headers if body else {})


def _find_query_value(request: WebhookRequest, name: str) -> str | None:
    """Return the value of a query parameter; None unless it occurs exactly once."""
    try:
        values = request.query_values(name)
    except ValueError:
        return None
    return values[0] if len(values) == 1 else None


def _has_query_values(request: WebhookRequest, values: Values) -> bool:
    """Return whether the query has each of these parameters once, with its value."""
    return all(_find_query_value(request, name) == value for name, value in values)


def _has_json_values(request: WebhookRequest, values: Values) -> bool:
    """Return whether the JSON body has these values, each of the same type."""
    value_pairs = [(_find_json_value(request, path), value) for path, value in values]
    return all(type(actual) is type(value) and actual == value for actual, value in value_pairs)


def _find_json_value(request: WebhookRequest, path: str) -> Json:
    """Return the value at a dotted path in the JSON body; None if there is none."""
    if len(request.body) > MAX_BODY_BYTES:
        return None
    try:
        value = orjson.loads(request.body)
    except orjson.JSONDecodeError:
        return None
    for name in path.split("."):
        if not isinstance(value, Mapping):
            return None
        value = value.get(name)
    return value
