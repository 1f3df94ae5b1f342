"""Staff change who belongs to a tenant; an owner who can sign in stays."""

import re

import pytest
from django.db import connection as database
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from hub.audit import AuditRow
from tests.mails import deliver_mails

pytestmark = pytest.mark.django_db


def invite_member(client, tenant, **fields):
    url = reverse("admin:tenants_tenant_verb", args=[tenant.pk, "invite"])
    return client.post(url, {"email": "ann@acme.test", "role": "owner"} | fields, follow=True)


def test_staff_invite_the_first_owner(superuser, acme):
    assert "being sent to ann@acme.test" in invite_member(superuser, acme).content.decode()
    assert acme.invitations.get().role == "owner"
    assert AuditRow.objects.get().verb == "invitation.create"
    (letter,) = deliver_mails()
    assert letter.to == ["ann@acme.test"]


def test_staff_read_why_an_invitation_is_not_made(superuser, acme):
    invite_member(superuser, acme)
    assert "already been invited" in invite_member(superuser, acme).content.decode()


def test_members_that_staff_change_are_audited(superuser, acme, make):
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


def change_members(client, tenant, *rows):
    """What the tenant's page answers to these members, each with what else its row says."""
    data = {"name": tenant.name, "time_zone": "UTC"}
    data |= {"memberships-TOTAL_FORMS": len(rows), "memberships-INITIAL_FORMS": len(rows)}
    for number, (row, changes) in enumerate(rows):
        form = {"id": row.pk, "tenant": tenant.pk, "user": row.user_id, "role": row.role} | changes
        data |= {f"memberships-{number}-{name}": value for name, value in form.items()}
    return client.post(reverse("admin:tenants_tenant_change", args=[tenant.pk]), data)


@pytest.mark.parametrize("change", [{"DELETE": "on"}, {"role": "admin"}])
def test_staff_cannot_take_the_last_owner_away(superuser, acme, make, change):
    owner, member = (
        make.membership(acme, make.user(), "owner"),
        make.membership(acme, make.user(), "member"),
    )
    page = change_members(superuser, acme, (owner, change), (member, {}))
    assert "A tenant needs at least one owner" in page.content.decode()
    assert set(acme.memberships.values_list("pk", "role")) == {
        (owner.pk, "owner"),
        (member.pk, "member"),
    }


def test_an_owner_who_cannot_sign_in_does_not_count(superuser, acme, make):
    owner = make.membership(acme, make.user(), "owner")
    make.membership(acme, make.user(is_active=False), "owner")
    change_members(superuser, acme, (owner, {"role": "member"}))
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
    change_members(superuser, acme, (owner, {"user": make.user().pk, "role": "admin"}))
    change_members(superuser, acme, (owner, {"user": make.user().pk}))
    assert list(acme.memberships.values_list("user", "role")) == [(owner.user_id, "owner")]


def deactivate_user(client, user):
    page = reverse("admin:tenants_user_change", args=[user.pk])
    return client.post(page, {"email": user.email}).content.decode()


def test_staff_cannot_deactivate_the_only_owner_of_a_tenant(superuser, acme, make):
    owner = make.membership(acme, make.user(), "owner")
    assert "A tenant needs at least one owner" in deactivate_user(superuser, owner.user)
    owner.user.refresh_from_db()
    assert owner.user.is_active
    make.membership(acme, make.user(), "owner")
    deactivate_user(superuser, owner.user)
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
    change_members(superuser, acme, (owner, {"DELETE": "on"}), (member, {"role": "owner"}))
    assert list(acme.memberships.values_list("pk", "role")) == [(member.pk, "owner")]


def count_statements(client, page):
    with CaptureQueriesContext(database) as statements:
        assert client.get(page).status_code == 200
    return len(statements)


def test_more_members_cost_the_page_no_more_statements(superuser, acme, make):
    page = reverse("admin:tenants_tenant_change", args=[acme.pk])
    make.membership(acme, make.user("ann@acme.test"), "owner")
    count_statements(superuser, page)  # what is cached later
    few = count_statements(superuser, page)
    for number in range(5):
        make.membership(acme, make.user(f"member{number}@acme.test"), "member")
    assert count_statements(superuser, page) == few


def test_the_field_of_a_member_has_a_name_for_screen_readers(superuser, acme, make):
    make.membership(acme, make.user("ann@acme.test"), "owner")
    page = superuser.get(reverse("admin:tenants_tenant_change", args=[acme.pk])).content.decode()
    (field,) = re.findall(r'<select name="memberships-0-user"[^>]*>', page)
    assert 'aria-label="User"' in field
    assert "disabled" in field
