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
from tests.mails import letters

pytestmark = pytest.mark.django_db

ISSUE = reverse("admin:tenants_apikey_add")


@pytest.fixture
def superuser(make, client):
    client.force_login(make.staff(email="robin@example.com", is_superuser=True))
    return client


def issued(client, **said):
    return client.post(ISSUE, {"name": "shop", "scopes": ["events:write"], "lifetime": "30"} | said)


def test_a_tenant_is_suspended_with_a_reason_and_restored(superuser, acme):
    def do(verb, **said):
        superuser.post(reverse("admin:tenants_tenant_verb", args=[acme.pk, verb]), said)
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
    answer = issued(superuser, tenant=acme.pk)
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
    answer = issued(superuser, tenant=acme.pk, scopes=["tenants:write"])
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
    assert issued(client, tenant=globex.pk).context["form"].errors.keys() == {"tenant"}
    assert issued(client).context["form"].errors.keys() == {"tenant"}
    issued(client, tenant=acme.pk)
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


def invited(client, tenant, **said):
    url = reverse("admin:tenants_tenant_verb", args=[tenant.pk, "invite"])
    return client.post(url, {"email": "ann@acme.test", "role": "owner"} | said, follow=True)


def test_staff_invite_the_first_owner(superuser, acme):
    assert "being sent to ann@acme.test" in invited(superuser, acme).content.decode()
    assert acme.invitations.get().role == "owner"
    assert AuditRow.objects.get().verb == "invitation.create"
    (letter,) = letters()
    assert letter.to == ["ann@acme.test"]


def test_staff_read_why_an_invitation_is_not_made(superuser, acme):
    invited(superuser, acme)
    assert "already been invited" in invited(superuser, acme).content.decode()


def test_members_that_staff_change_are_told_to_the_audit(superuser, acme, make):
    row = make.membership(acme, make.user("ann@acme.test"), "member")
    inline = {
        "memberships-TOTAL_FORMS": 1,
        "memberships-INITIAL_FORMS": 1,
        "memberships-0-id": row.pk,
    }
    inline |= {
        "memberships-0-tenant": acme.pk,
        "memberships-0-user": row.user_id,
        "memberships-0-role": "owner",
    }
    page = reverse("admin:tenants_tenant_change", args=[acme.pk])
    superuser.post(page, {"name": "Acme", "time_zone": "UTC"} | inline)
    act = AuditRow.objects.get(verb="membership.change_role")
    assert act.before == {"email": "ann@acme.test", "role": "member"}
    assert (act.after, act.tenant_reference) == ({"role": "owner"}, "acme")


def members_changed(client, tenant, *rows):
    """What the tenant's page answers to these members, each with what else its row says."""
    said = {"name": tenant.name, "time_zone": "UTC"}
    said |= {"memberships-TOTAL_FORMS": len(rows), "memberships-INITIAL_FORMS": len(rows)}
    for number, (row, changes) in enumerate(rows):
        form = {"id": row.pk, "tenant": tenant.pk, "user": row.user_id, "role": row.role} | changes
        said |= {f"memberships-{number}-{name}": value for name, value in form.items()}
    return client.post(reverse("admin:tenants_tenant_change", args=[tenant.pk]), said)


@pytest.mark.parametrize("change", [{"DELETE": "on"}, {"role": "admin"}])
def test_staff_cannot_take_the_last_owner_away(superuser, acme, make, change):
    owner, member = (
        make.membership(acme, make.user(), "owner"),
        make.membership(acme, make.user(), "member"),
    )
    page = members_changed(superuser, acme, (owner, change), (member, {}))
    assert "A tenant needs at least one owner" in page.content.decode()
    assert set(acme.memberships.values_list("pk", "role")) == {
        (owner.pk, "owner"),
        (member.pk, "member"),
    }


def test_an_owner_who_cannot_sign_in_does_not_count(superuser, acme, make):
    owner = make.membership(acme, make.user(), "owner")
    make.membership(acme, make.user(is_active=False), "owner")
    members_changed(superuser, acme, (owner, {"role": "member"}))
    owner.refresh_from_db()
    assert owner.role == "owner"


def test_staff_add_and_remove_members_as_the_portal_does(superuser, acme, make):
    member, ann = make.membership(acme, make.user(), "member"), make.user("ann@acme.test")
    data = {"name": "Acme", "time_zone": "UTC", "memberships-TOTAL_FORMS": 2}
    data |= {"memberships-INITIAL_FORMS": 1, "memberships-0-id": member.pk}
    data |= {"memberships-0-tenant": acme.pk, "memberships-0-DELETE": "on"}
    data |= {"memberships-0-role": "member", "memberships-1-tenant": acme.pk}
    data |= {"memberships-1-user": ann.pk, "memberships-1-role": "owner"}
    superuser.post(reverse("admin:tenants_tenant_change", args=[acme.pk]), data)
    assert list(acme.memberships.values_list("user", "role")) == [(ann.pk, "owner")]
    verbs = AuditRow.objects.filter(verb__startswith="membership").values_list("verb", flat=True)
    assert list(verbs.order_by("number")) == ["membership.create", "membership.remove"]


def test_a_membership_stays_with_its_user(superuser, acme, make):
    owner = make.membership(acme, make.user(), "owner")
    members_changed(superuser, acme, (owner, {"user": make.user().pk, "role": "admin"}))
    members_changed(superuser, acme, (owner, {"user": make.user().pk}))
    assert list(acme.memberships.values_list("user", "role")) == [(owner.user_id, "owner")]


def deactivated(client, user):
    page = reverse("admin:tenants_user_change", args=[user.pk])
    return client.post(page, {"email": user.email}).content.decode()


def test_staff_cannot_deactivate_the_only_owner_of_a_tenant(superuser, acme, make):
    owner = make.membership(acme, make.user(), "owner")
    assert "A tenant needs at least one owner" in deactivated(superuser, owner.user)
    owner.user.refresh_from_db()
    assert owner.user.is_active
    make.membership(acme, make.user(), "owner")
    deactivated(superuser, owner.user)
    owner.user.refresh_from_db()
    assert not owner.user.is_active


def test_staff_cannot_delete_the_only_owner_of_a_tenant(superuser, acme, make):
    owner = make.membership(acme, make.user(), "owner")
    page = reverse("admin:tenants_user_delete", args=[owner.user.pk])
    assert superuser.post(page, {"post": "yes"}).status_code == 403
    make.membership(acme, make.user(), "owner")
    superuser.post(page, {"post": "yes"})
    assert not acme.memberships.filter(pk=owner.pk).exists()


def test_staff_hand_a_tenant_over_in_one_go(superuser, acme, make):
    owner, member = (
        make.membership(acme, make.user(), "owner"),
        make.membership(acme, make.user(), "member"),
    )
    members_changed(superuser, acme, (owner, {"DELETE": "on"}), (member, {"role": "owner"}))
    assert list(acme.memberships.values_list("pk", "role")) == [(member.pk, "owner")]


def test_whoever_lost_the_second_factor_gets_another(superuser, make):
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
