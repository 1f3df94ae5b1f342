"""A tenant is changed, suspended and restored by one function, which every entry point calls."""

from datetime import UTC, datetime

import pytest
from django.urls import reverse

from hub.audit import ActorContext, AuditRow
from tenants.services import tenant_actions

NOON = datetime(2026, 11, 25, 12, tzinfo=UTC)

pytestmark = pytest.mark.django_db

ACTOR = ActorContext.system()
ACME = "/api/v1/tenants/acme"


def suspend_by_admin(admin, key, acme):
    url = reverse("admin:tenants_tenant_verb", args=[acme.pk, "suspend"])
    admin.post(url, {"reason": "unpaid"})


def suspend_by_rest(admin, key, acme):
    key.put(ACME, {"name": acme.name, "suspended": {"reason": "unpaid"}}, format="json")


def restore_by_admin(admin, key, acme):
    admin.post(reverse("admin:tenants_tenant_verb", args=[acme.pk, "restore"]))


def restore_by_rest(admin, key, acme):
    key.put(ACME, {"name": acme.name, "suspended": None}, format="json")


@pytest.mark.parametrize("suspend", [suspend_by_admin, suspend_by_rest])
@pytest.mark.parametrize("restore", [restore_by_admin, restore_by_rest])
def test_suspending_and_restoring_are_the_same_action_everywhere(
    api, make, client, acme, suspend, restore
):
    client.force_login(make.staff(is_superuser=True))
    key = api.platform()
    suspend(client, key, acme)
    acme.refresh_from_db()
    assert acme.suspended_reason == "unpaid"
    restore(client, key, acme)
    acme.refresh_from_db()
    assert not acme.suspended
    first, second = AuditRow.objects.filter(verb__startswith="tenant.").order_by("number")
    assert (first.verb, first.reason, first.before) == (
        "tenant.suspend",
        "unpaid",
        {"suspended": None},
    )
    assert first.after["suspended"]["reason"] == "unpaid"
    assert (second.verb, second.before, second.after) == (
        "tenant.restore",
        first.after,
        {"suspended": None},
    )


def test_the_same_suspension_again_is_not_audited(acme):
    for _ in range(2):
        tenant_actions.suspend_tenant(acme, ACTOR, reason="unpaid", now=NOON)
    assert AuditRow.objects.count() == 1


def test_only_changed_fields_are_audited(acme):
    changes = {"name": "Acme Ltd", "time_zone": acme.time_zone}
    tenant_actions.change_tenant(acme, changes, ACTOR, now=NOON)
    assert AuditRow.objects.get().after == {"name": "Acme Ltd"}


def test_a_change_to_the_same_values_is_not_audited(acme):
    tenant_actions.change_tenant(acme, {"name": acme.name}, ACTOR, now=NOON)
    assert not AuditRow.objects.exists()
