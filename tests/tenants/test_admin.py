"""Staff keep tenants, people and keys."""

import pytest
from django.contrib.auth.models import Permission
from django.db import connection as database
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from hub.audit import AuditRow
from hub.db.clock import clock
from hub.queue import WakeUp
from tenants import api_key_format
from tenants.models import ApiKey, Tenant, User

pytestmark = pytest.mark.django_db

ISSUE = reverse("admin:tenants_apikey_add")


def issue_key(client, **fields):
    return client.post(
        ISSUE, {"name": "shop", "scopes": ["events:write"], "lifetime": "30"} | fields
    )


def test_a_tenant_is_suspended_with_a_reason_and_restored(superuser, acme):
    def do(verb, **fields):
        superuser.post(reverse("admin:tenants_tenant_verb", args=[acme.pk, verb]), fields)
        acme.refresh_from_db()
        return acme.suspended, acme.suspended_reason

    assert do("suspend") == (False, "")
    assert do("suspend", reason="unpaid") == (True, "unpaid")
    assert do("restore") == (False, "")
    assert list(AuditRow.objects.order_by("id").values_list("verb", "reason")) == [
        ("tenant.suspend", "unpaid"),
        ("tenant.restore", ""),
    ]
    assert WakeUp.objects.filter(name="drain").exists()


def test_a_new_tenant_is_audited_with_who_and_from_where(superuser):
    empty = {"memberships-TOTAL_FORMS": 0, "memberships-INITIAL_FORMS": 0}
    superuser.post(
        reverse("admin:tenants_tenant_add"),
        {"name": "New", "reference": "new", "time_zone": "UTC"} | empty,
    )
    act = AuditRow.objects.get()
    assert (act.verb, act.actor_label, act.ip, act.tenant_reference) == (
        "tenant.create",
        "robin@example.com",
        "127.0.0.1",
        "new",
    )
    assert act.after == {"name": "New", "reference": "new", "time_zone": "UTC"}
    assert act.request_id


def test_a_key_is_shown_on_the_answer_and_nowhere_else(superuser, acme):
    answer = issue_key(superuser, tenant=acme.pk)
    (text,) = {
        found[0] for found in api_key_format.API_KEY_PATTERN.finditer(answer.content.decode())
    }
    row = ApiKey.objects.of(acme).get()
    assert api_key_format.parse_api_key(text).digest == row.digest
    assert "no-store" in answer.headers["Cache-Control"]
    pages = [
        superuser.get(reverse("admin:tenants_apikey_changelist")),
        superuser.get(reverse("admin:tenants_apikey_change", args=[row.pk])),
        superuser.get(reverse("admin:hub_auditrow_changelist")),
    ]
    assert not any(
        text in page.content.decode() or row.digest in page.content.decode() for page in pages
    )
    assert text not in str(list(AuditRow.objects.values()))


def test_a_tenants_key_has_no_scope_of_the_platform(superuser, acme):
    answer = issue_key(superuser, tenant=acme.pk, scopes=["tenants:write"])
    assert "Only a platform key may have tenants:write" in answer.content.decode()
    assert not ApiKey.unscoped.exists()


def test_a_revoked_key_stays_and_cannot_be_revoked_twice(superuser, acme, issue):
    row, _ = issue(acme)
    url = reverse("admin:tenants_apikey_verb", args=[row.pk, "revoke"])
    superuser.post(url, {"reason": "leaked"})
    row.refresh_from_db()
    assert row.revoked_at
    superuser.post(url, {"reason": "again"})
    assert AuditRow.objects.get().reason == "leaked"


def test_staff_of_a_tenant_issue_keys_for_it_only(make, client, acme, globex, permissions):
    client.force_login(permissions(make.staff(acme)))
    assert issue_key(client, tenant=globex.pk).context["form"].errors.keys() == {"tenant"}
    assert issue_key(client).context["form"].errors.keys() == {"tenant"}
    issue_key(client, tenant=acme.pk)
    assert list(ApiKey.unscoped.values_list("tenant", flat=True)) == [acme.pk]


@pytest.fixture
def permissions():
    def all_of(user):
        user.user_permissions.set(Permission.objects.filter(content_type__app_label="tenants"))
        return user

    return all_of


def test_a_person_is_added_and_given_a_password(superuser):
    superuser.post(
        reverse("admin:tenants_user_add"),
        {
            "email": "sam@example.com",
            "password1": "a long sentence 7",
            "password2": "a long sentence 7",
        },
    )
    user = User.objects.get(email="sam@example.com")
    assert user.check_password("a long sentence 7")
    new = {"password1": "another sentence 8", "password2": "another sentence 8"}
    superuser.post(reverse("admin:auth_user_password_change", args=[user.pk]), new)
    user.refresh_from_db()
    assert user.check_password("another sentence 8")
    assert AuditRow.objects.filter(verb="user.change_password").exists()
    assert "sentence" not in str(list(AuditRow.objects.values()))


def test_one_changes_the_own_password_where_everybody_does(make, client):
    client.force_login(make.staff())
    assert client.get(reverse("admin:password_change")).url == reverse("account_change_password")


def test_a_lost_second_factor_is_replaced(superuser, make):
    user = make.staff()
    user.authenticator_set.create(type="totp", data={})
    superuser.post(
        reverse("admin:tenants_user_verb", args=[user.pk, "reset_factor"]),
        {"reason": "lost the phone"},
    )
    assert not user.authenticator_set.exists()
    assert AuditRow.objects.get().reason == "lost the phone"


def test_an_address_that_staff_change_is_no_longer_verified(superuser, make):
    user = make.user()
    page = reverse("admin:tenants_user_change", args=[user.pk])
    superuser.post(page, {"email": "new@example.com", "is_active": "on"})
    assert not user.emailaddress_set.exists()


def test_more_rows_cost_no_more_queries(superuser, make):
    def asked(view, *args):
        clock()
        with CaptureQueriesContext(database) as queries:
            assert superuser.get(reverse(f"admin:tenants_{view}", args=args)).status_code == 200
        return len(queries)

    tenant = make.connection().tenant
    make.api_key(tenant)
    pages = [
        ("tenant_changelist",),
        ("tenant_change", tenant.pk),
        ("apikey_changelist",),
        ("user_changelist",),
    ]
    _, before = (
        [asked(*page) for page in pages] for _ in range(2)
    )  # the first look fills the cache of content types
    for _ in range(3):
        make.api_key(make.connection().tenant)
        make.connection(tenant)
        make.staff(make.tenant())
    assert [asked(*page) for page in pages] == before
    assert max(before) <= 18


def test_a_tenant_is_found_by_its_reference_and_the_beginning_of_its_name(superuser, make):
    make.tenant("ref-1", name="Acme Coffee")
    make.tenant("ref-2", name="Globex")

    def found(term):
        answer = superuser.get(reverse("admin:tenants_tenant_changelist"), {"q": term})
        return [tenant.name for tenant in answer.context["cl"].result_list]

    assert (found("ref-2"), found("Acme"), found("Coffee")) == (["Globex"], ["Acme Coffee"], [])


def test_no_page_deletes_a_tenant(superuser, acme):
    assert (
        superuser.post(
            reverse("admin:tenants_tenant_delete", args=[acme.pk]), {"post": "yes"}
        ).status_code
        == 403
    )
    assert Tenant.objects.filter(pk=acme.pk).exists()
