"""Our webhooks at Pipedrive: one for each object, for all of its changes.

https://developers.pipedrive.com/docs/api/v1/Webhooks: a webhook cannot be changed, so a repair
creates another and deletes it; at most 40 for each user.
"""

from collections.abc import Collection, Mapping
from typing import Any

from connectors.http import Request, Response
from connectors.i18n import _
from connectors.outcomes import Outcome, never, raises_unreadable
from connectors.pipedrive.actions import base_url, build_token_costs
from connectors.pipedrive.errors import COMPANY, FEATURE_NOT_ENABLED, find_rejection
from connectors.pipedrive.webhook_types import CHANGES, OBJECT_LABELS, PERMISSION
from connectors.schema import Credential
from connectors.webhook_sources import (
    BANNED,
    INACTIVE,
    NOT_SUPPORTED,
    FoundSubscription,
    Step,
    SubscriptionPage,
    Subscriptions,
    WantedSubscription,
    WatchCosts,
)

LIST_COST_TOKENS, CREATE_COST_TOKENS, DELETE_COST_TOKENS = 10, 10, 6  # tokens of the daily budget
ALL_CHANGES = "*"
CREATE, DELETE = "create", "delete"
NOT_FOUND = 404
WEBHOOK_NAME = "Integration Hub: %(key)s"


class PipedriveWebhookSubscriptions(Subscriptions):
    permissions = (PERMISSION,)
    check_every = 1800.0
    watch_costs = {COMPANY: WatchCosts(LIST_COST_TOKENS, look=LIST_COST_TOKENS + 10, canary=5)}
    evidence_labels = {
        "remove_reason": _("Why it was removed"),
        "last_http_status": _("Status of our last answer"),
        "last_delivery_time": _("Last delivery"),
    }
    guide = (
        _("Connect the account again, and allow the permission admin."),
        _("The person who connects must be an administrator of the company."),
    )

    def list_wanted_registrations(
        self, event_types: Collection[str]
    ) -> Mapping[str, tuple[str, ...]]:
        objects = {type.partition(".")[0] for type in event_types} & OBJECT_LABELS.keys()
        return {object: _list_event_types(object) for object in sorted(objects)}

    def list_request(self, credential: Credential, *, cursor: str = "") -> Request:
        return _build_request("GET", "webhooks", credential, LIST_COST_TOKENS)

    @raises_unreadable
    def parse_list(self, response: Response, *, cursor: str = "") -> SubscriptionPage | Outcome:
        if rejection := _find_rejection(response):
            return rejection
        webhooks = response.json()["data"] or []
        return SubscriptionPage([_parse_webhook(webhook) for webhook in webhooks])

    def find_differences(
        self, target: WantedSubscription, registration: FoundSubscription
    ) -> tuple[str, ...]:
        """Return what differs; one that is inactive and was not removed is banned (unverified)."""
        differences = super().find_differences(target, registration)
        if registration.is_active or registration.evidence.get("remove_reason"):
            return differences
        return tuple(BANNED if name == INACTIVE else name for name in differences)

    def next_step(
        self, credential: Credential, target: WantedSubscription, ids: Mapping[str, str]
    ) -> Step | None:
        return None if ids else Step(CREATE, _build_create_request(credential, target))

    def next_repair(
        self,
        credential: Credential,
        target: WantedSubscription,
        registration: FoundSubscription,
        done: Mapping[str, str],
    ) -> Step | None:
        """Create the new webhook before the old one is deleted, so that no change is missed."""
        if CREATE not in done:
            return Step(CREATE, _build_create_request(credential, target))
        if DELETE in done:
            return None
        return Step(DELETE, _build_delete_request(credential, registration.external_id))

    def next_removal(
        self, credential: Credential, external_id: str, done: Mapping[str, str]
    ) -> Step | None:
        return None if done else Step(DELETE, _build_delete_request(credential, external_id))

    @raises_unreadable
    def parse_step(self, step: str, response: Response) -> Mapping[str, str] | Outcome:
        if step == DELETE and response.status == NOT_FOUND:
            return {}
        if rejection := _find_rejection(response):
            return rejection
        return {"webhook": str(response.json()["data"]["id"])} if step == CREATE else {}


def _find_rejection(response: Response) -> Outcome | None:
    rejection = find_rejection(response)
    if rejection and rejection.reason == FEATURE_NOT_ENABLED:  # the company's plan has none
        return never(NOT_SUPPORTED, rejection.detail)
    return rejection


def _list_event_types(object: str) -> tuple[str, ...]:
    return tuple(f"{object}.{change}" for change in CHANGES.values())


def _build_request(
    method: str, path: str, credential: Credential, cost: int, json: Any = None
) -> Request:
    return Request(
        method,
        f"{base_url(credential)}/api/v1/{path}",
        json=json,
        bearer=credential.access_token,
        spends=build_token_costs(cost),
    )


def _build_create_request(credential: Credential, target: WantedSubscription) -> Request:
    user, _separator, password = target.secret.partition(":")
    body = {
        "subscription_url": target.url,
        "event_action": ALL_CHANGES,
        "event_object": target.key,
        "name": WEBHOOK_NAME % {"key": target.key},
        "http_auth_user": user,
        "http_auth_password": password,
        "version": "2.0",
    }
    return _build_request("POST", "webhooks", credential, CREATE_COST_TOKENS, body)


def _build_delete_request(credential: Credential, external_id: str) -> Request:
    return _build_request("DELETE", f"webhooks/{external_id}", credential, DELETE_COST_TOKENS)


def _parse_webhook(webhook: Mapping[str, Any]) -> FoundSubscription:
    """Parse a webhook. The API returns its password in clear text: it is compared, not stored."""
    object, action = str(webhook["event_object"]), str(webhook["event_action"])
    types = _list_event_types(object)
    if action != ALL_CHANGES:
        types = tuple(type for type in types if type == f"{object}.{CHANGES.get(action)}")
    user, password = webhook.get("http_auth_user"), webhook.get("http_auth_password")
    return FoundSubscription(
        external_id=str(webhook["id"]),
        url=str(webhook["subscription_url"]),
        key=object,
        event_types=types if str(webhook.get("version")) == "2.0" else (),
        is_active=webhook.get("is_active") in (1, True),
        secret=f"{user}:{password}" if password else "",
        evidence={
            name: webhook.get(name)
            for name in ("is_active", "remove_reason", "last_http_status", "last_delivery_time")
        },
    )
