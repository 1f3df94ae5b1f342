"""Canaries of sources are switched by people and programs, audited; offered at the three doors."""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

from django import forms
from django.db import transaction
from django.utils.translation import gettext_lazy as _

from connectors.http import Request, Response
from hub.actions import Action, ActionForm, Actions, declare_actions
from hub.audit import ActorContext
from hub.connections.credentials.connector_context import (
    find_connector_app,
    open_credential,
)
from hub.connections.credentials.provider_call import INTERACTIVE_PATIENCE
from hub.crypto.sealed import CannotOpen
from hub.incoming.insight.source_health import NO_CANARY_TEXT, describe_canary
from hub.incoming.models import InboundSource, SourceCanary, WebhookSubscription
from hub.incoming.registration.actions import SUBSCRIPTION_ACTIONS, WRITE_SCOPE
from hub.incoming.watch.canary_calls import (
    LATE_ROUNDS,
    NOTICE_KIND,
    REMOVED_LATER,
    find_unreported_type,
)
from hub.incoming.watch.canary_records import RETRIED_KINDS, delete_record, find_definition
from hub.notices.notify import resolve_notices
from hub.problems import Refusal

MINUTES_LEAST, MINUTES_MOST, MINUTES = 15, 1440, 60
MISSING_PERMISSION_TEXT = _("Connect the account again, and allow the permission %(permission)s.")
UNREPORTED_TEXT = _(
    "The hub's change would be reported as %(type)s, which no enabled route takes. Create such a "
    "route first."
)
NOT_REMOVED_TEXT = _("It is off. Its record could not be deleted in the other system: %(reason)s.")
State = SourceCanary.State


class CanaryRefused(Refusal):
    """The hub cannot prove the webhooks of this source by itself; the message says why."""


class CanaryForm(ActionForm):
    """How often the hub makes its change, in minutes."""

    minutes = forms.IntegerField(
        min_value=MINUTES_LEAST,
        max_value=MINUTES_MOST,
        initial=MINUTES,
        label=_("Minutes between two checks"),
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if isinstance(self.obj, WebhookSubscription):
            self.fields["minutes"].help_text = _describe_what_it_writes(self.obj)


def is_canary_on(source: InboundSource) -> bool:
    canary = SourceCanary.unscoped.filter(source=source).first()
    return canary is not None and canary.is_on


def switch_canary_on(
    source: InboundSource, actor: ActorContext, *, minutes: int = MINUTES, now: datetime
) -> None:
    """Have the hub prove the webhooks of a source by a change of its own, at this interval.

    Raises CanaryRefused if there is none for this object, a permission is missing, or its change
    would not be reported.
    """
    definition = find_definition(source)
    if definition is None:
        raise CanaryRefused(describe_canary(source))
    for permission in definition.permissions:
        granted = source.connection.permissions
        if granted is not None and not source.connection.connector.has_permission(
            permission, set(granted)
        ):
            raise CanaryRefused(MISSING_PERMISSION_TEXT % {"permission": permission})
    if type := find_unreported_type(source, definition.change):
        raise CanaryRefused(UNREPORTED_TEXT % {"type": type})
    interval = timedelta(minutes=minutes)
    due_at = now + LATE_ROUNDS * interval if definition.is_passive else now
    SourceCanary.unscoped.update_or_create(
        source=source,
        defaults={
            "is_on": True,
            "interval_seconds": minutes * 60,
            "state": State.IDLE,
            "reason": "",
            "detail": "",
            "failure_count": 0,
            "due_at": due_at,
        },
    )
    _resolve_refusals(source, now=now)
    actor.audit("source.canary_on", source, after={"minutes": minutes}, now=now)


def switch_canary_off(
    source: InboundSource,
    actor: ActorContext,
    *,
    call: Callable[[Request], Response],
    now: datetime,
) -> str:
    """Stop the changes of the hub, and delete its record; return what remains of it, or "".

    Calls the external system, so no transaction may be open. A record that cannot be deleted now
    is tried again later.
    """
    canary = SourceCanary.unscoped.filter(source=source).first()
    if canary is None:
        return ""
    with transaction.atomic():
        SourceCanary.unscoped.filter(pk=canary.pk).update(is_on=False, state=State.OFF, due_at=None)
        actor.audit("source.canary_off", source, now=now)
        _resolve_refusals(source, now=now)
    connection = source.connection
    try:
        credential = open_credential(connection, find_connector_app(connection.connector_key))
    except CannotOpen:
        return "credential_unreadable" if canary.record else ""
    refusal = delete_record(
        canary, connection, credential, call=call, now=now, patience=INTERACTIVE_PATIENCE
    )
    if refusal is None:
        return ""
    if refusal.kind in RETRIED_KINDS:
        SourceCanary.unscoped.filter(pk=canary.pk).update(due_at=now + REMOVED_LATER)
    return refusal.detail or refusal.reason


def _resolve_refusals(source: InboundSource, *, now: datetime) -> None:
    """Take back the notices that the canary was switched off by refusals."""
    resolve_notices(
        NOTICE_KIND, connection_id=source.connection_id, occurrence=str(source.public_id), now=now
    )


# --- the actions, on the registration that brings the source's webhooks ---------------------------


def find_source(subscription: WebhookSubscription) -> InboundSource | None:
    """Return the source whose webhooks a registration of one connection brings."""
    webhooks = subscription.endpoint.connector.webhook_source
    if webhooks is None or subscription.endpoint.connection_id is None:
        return None
    objects = {webhooks.find_object(type) for type in subscription.event_types} or {""}
    sources = InboundSource.unscoped.filter(
        connection=subscription.endpoint.connection_id, object__in=objects, retired_at=None
    )
    return sources.select_related("connection").order_by("object").first()


def _require_source(subscription: WebhookSubscription) -> InboundSource:
    source = find_source(subscription)
    if source is None:
        raise CanaryRefused(NO_CANARY_TEXT)
    return source


def _describe_what_it_writes(subscription: WebhookSubscription) -> str:
    source = find_source(subscription)
    return describe_canary(source) if source else ""


def prove_subscription(
    subscription: WebhookSubscription, actor: ActorContext, *, minutes: int, now: datetime
) -> None:
    """Have the hub prove its webhooks by changes. Raises CanaryRefused."""
    switch_canary_on(_require_source(subscription), actor, minutes=minutes, now=now)


def stop_proving_subscription(
    subscription: WebhookSubscription,
    actor: ActorContext,
    *,
    call: Callable[[Request], Response],
    random: Callable[[], float],
    now: datetime,
) -> str:
    """Stop the changes; return why the record remains, or "". Raises CanaryRefused."""
    return switch_canary_off(_require_source(subscription), actor, call=call, now=now)


def _can_be_proved(subscription: WebhookSubscription) -> bool:
    source = find_source(subscription)
    return source is not None and find_definition(source) is not None


def _is_proved(subscription: WebhookSubscription) -> bool:
    source = find_source(subscription)
    return source is not None and is_canary_on(source)


CANARY_ACTIONS = declare_actions(
    Action[WebhookSubscription](
        name="canary_on",
        label=_("Check by a change of the hub"),
        question=_(
            "The hub makes a harmless change in the other system at an interval, and waits for "
            "its webhook. So it notices a dead webhook also when nothing else happens."
        ),
        success=_("The hub checks these webhooks by itself now."),
        summary="Prove a webhook subscription by changes of the hub",
        run=prove_subscription,
        form=CanaryForm,
        find_caution=_describe_what_it_writes,
        is_available=_can_be_proved,
        scope=WRITE_SCOPE,
        icon="sensors",
        is_background=True,
    ),
    Action[WebhookSubscription](
        name="canary_off",
        label=_("Stop the changes of the hub"),
        question=_("The hub stops its changes, and deletes its record in the other system."),
        success=_("The hub does not check these webhooks by changes any more."),
        summary="Stop the changes of the hub that prove a webhook subscription",
        run=stop_proving_subscription,
        is_available=_is_proved,
        describe_result=lambda reason: NOT_REMOVED_TEXT % {"reason": reason} if reason else "",
        is_success=lambda reason: not reason,
        is_atomic=False,
        calls_system=True,
        scope=WRITE_SCOPE,
        icon="sensors_off",
    ),
)
WEBHOOK_ACTIONS: Actions = {**SUBSCRIPTION_ACTIONS, **CANARY_ACTIONS}  # as pages offer them
