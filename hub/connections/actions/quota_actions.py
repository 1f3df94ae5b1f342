"""What staff can do with a quota: change what background work may use, and end a pause."""

from datetime import datetime

from django import forms
from django.db import transaction

from hub.actions import FOR_STAFF, Action, ActionForm, always, declare_actions
from hub.audit import ActorContext
from hub.connections.models import QuotaQueue
from hub.queue import wake_up
from hub.throttle.background_shares import (
    build_definition_columns,
    change_background_share,
    find_background_share,
    load_staff_shares,
)
from hub.throttle.definitions import quota_definition
from hub.throttle.models import QuotaState


class BackgroundShareForm(ActionForm):
    percent = forms.IntegerField(
        label="Share of the quota, in percent",
        min_value=1,
        max_value=100,
        required=False,
        help_text="What background work may use. Leave empty for the connector's own share.",
    )
    reason = forms.CharField(max_length=300, help_text="Kept in the audit log.")


def measure_background_percent(scope: QuotaState) -> int:
    """Return the percentage of this quota that background work may use."""
    share = find_background_share(scope.key, quota_definition(scope), load_staff_shares())
    return round(100 * share)


@transaction.atomic
def change_share(
    scope: QuotaState, actor: ActorContext, *, percent: int | None, reason: str, now: datetime
) -> int:
    """Change what background work may use of this quota, audited; return the new percentage."""
    before = measure_background_percent(scope)
    change_background_share(scope, percent)
    after = measure_background_percent(scope)
    actor.audit(
        "scope.change_share",
        scope,
        reason=reason,
        before={"percent": before},
        after=build_definition_columns(scope) | {"percent": after},
        now=now,
    )
    return after


@transaction.atomic
def end_quota_pause(scope: QuotaState, actor: ActorContext, *, reason: str, now: datetime) -> None:
    """End a pause that the other system requested, audited; the next call is made now."""
    before = {"paused_until": scope.paused_until}
    QuotaState.objects.filter(pk=scope.pk).update(
        paused_at=None, paused_until=None, is_probing=False
    )
    QuotaQueue.reopen([scope.key], now=now)
    wake_up("pump", now=now)
    actor.audit("scope.end_pause", scope, reason=reason, before=before, now=now)


QUOTA_ACTIONS = declare_actions(
    Action[QuotaState](
        name="change_share",
        label="Change the background share",
        question=(
            "Replays, repairs and scheduled runs keep to this share of the quota; the rest is free "
            "for live deliveries. It applies to this quota of every account."
        ),
        success="The share of background work has been changed.",
        run=change_share,
        describe_result=lambda percent: f"Background work may use {percent} % of this quota.",
        form=BackgroundShareForm,
        is_available=lambda scope: quota_definition(scope) is not None,
        icon="splitscreen",
        withheld=FOR_STAFF,
    ),
    Action[QuotaState](
        name="end_pause",
        label="End the pause",
        question=(
            "The other system asked us to wait. End the pause only if the system's operator "
            "confirms that it was a mistake."
        ),
        success="The pause has been ended. The next call is made immediately.",
        run=end_quota_pause,
        asks_reason=always,
        is_available=lambda scope: scope.paused_until is not None,
        icon="play_arrow",
        withheld=FOR_STAFF,
    ),
)
