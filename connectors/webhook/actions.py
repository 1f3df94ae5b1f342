"""Action: send an event to the endpoint, signed after Standard Webhooks 1.0.0."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from connectors.http import Request, Response, Scope, parse_retry_after
from connectors.i18n import _
from connectors.outcomes import Outcome, delivered, disable, later, never, throttled
from connectors.roles import Action
from connectors.schema import Credential, Message
from connectors.signatures import sign_standard_webhook, valid_signing_secrets
from connectors.webhook.schema import parse_custom_headers

ENDPOINT = Scope("connection")
OVERLOAD_STATUSES = {502, 503, 504}  # with 429: the endpoint is overloaded


WHOLE_EVENT = {"type": "type", "timestamp": "occurred_at", "data": "data"}


def build_own_limit_scopes(settings: Mapping[str, Any]) -> tuple[Scope, ...]:
    """Return the scope of the customer's own rate limit; its key contains the limit.

    After a change of the limit the scope is another one, whose count starts at zero.
    """
    limit = settings.get("calls_a_second")
    return (Scope("connection", str(limit)),) if limit else ()


def build_signed_post(credential: Credential, *, id: str, at: datetime, body: bytes) -> Request:
    return Request(
        "POST",
        str(credential.settings["url"]),
        body=body,
        headers={
            **parse_custom_headers(str(credential.secret.get("headers", ""))),
            "Content-Type": "application/json",
            **sign_standard_webhook(
                valid_signing_secrets(credential.secret, at=at), id=id, at=at, body=body
            ),
        },
        spends=tuple(
            (scope, 1) for scope in (ENDPOINT, *build_own_limit_scopes(credential.settings))
        ),
    )


class Send(Action):
    key = "send"
    label = _("Send the event to the endpoint")
    help = (
        "The body is the mapped object as JSON. Without a mapping, it contains type, timestamp "
        "and data."
    )
    example = WHOLE_EVENT
    default = WHOLE_EVENT
    notice_mapping = WHOLE_EVENT
    permissions = {
        "the signing secret": _("so that your endpoint can verify that requests come from us")
    }
    is_idempotent = True  # webhook-id stays the same over all attempts

    def request(self, messages: Sequence[Message], credential: Credential) -> Request:
        (message,) = messages
        return build_signed_post(credential, id=message.id, at=message.at, body=message.raw)

    def outcome(self, response: Response) -> Outcome:
        """Return the Outcome by Standard Webhooks: 2xx is success, and 410 disables the endpoint.

        3xx is permanent, as redirects are not followed; other statuses, including 4xx, are retried.
        """
        status = response.status
        if 200 <= status < 300:
            return delivered()
        wait = parse_retry_after(response)
        if status == 410:
            return disable(
                "gone", "the endpoint responded with 410 Gone: it does not accept events any more"
            )
        if 300 <= status < 400:
            return never(
                "redirected", f"the endpoint responded with {status}; redirects are not followed"
            )
        if status == 429:
            return throttled(response.text(), after=wait, pauses=(ENDPOINT,))
        pauses = (ENDPOINT,) if status in OVERLOAD_STATUSES and wait else ()
        return later(f"status_{status}", response.text(), after=wait, pauses=pauses)
