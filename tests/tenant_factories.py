"""Rows of tenants, people and what lets them in; part of `make`."""

import os

from hub.audit import SYSTEM, ActorContext
from hub.db.clock import clock
from tenants.models import ApiKey, Membership, Tenant, User
from tenants.services import membership_actions, portal_link_actions, support_visit_actions
from tests.mails import token_of


class TenantFactories:
    def user(self, email=None, **fields):
        email = email or f"person{next(self.numbers)}@example.com"
        user = User.objects.create_user(email, "correct horse", **fields)
        user.mark_email_verified()
        return user

    def staff(self, *tenants, **fields):
        user = self.user(is_staff=True, **fields)
        for tenant in tenants:
            self.membership(tenant, user, role="admin")
        return user

    def tenant(self, reference=None, **fields):
        reference = reference or f"tenant-{next(self.numbers)}"
        return Tenant.objects.create(reference=reference, **{"name": reference.title()} | fields)

    def membership(self, tenant, user, role="member"):
        return Membership.unscoped.create(tenant=tenant, user=user, role=role)

    def invitation(self, tenant, email=None, role="member", *, now=None, by=None):
        """`token` of it is what its link carries; as long as `now` is not said, it is open."""
        email, now = email or f"invited{next(self.numbers)}@example.com", now or clock()
        hand = ActorContext.of_user(by) if by else ActorContext(SYSTEM)
        row = membership_actions.invite_member(
            tenant, hand, email=email, role=role, random=os.urandom, now=now
        )
        row.token = token_of(row)
        return row

    def portal_link(self, tenant, role="admin", *, reference="u-7", now=None, **fields):
        """`token` of it is what its address carries."""
        arguments = {"random": os.urandom, "now": now or clock()} | fields
        row, row.token = portal_link_actions.create_portal_link(
            tenant, reference, role, ActorContext(SYSTEM), **arguments
        )
        return row

    def support_visit(self, tenant, user=None, reason="ticket 7", *, now=None, **fields):
        """A visit of a member of staff; it belongs to no session."""
        user, now = user or self.staff(is_superuser=True), now or clock()
        return support_visit_actions.begin_support_visit(
            tenant, user, reason, ActorContext.of_user(user), now=now, **fields
        )

    def api_key(self, tenant=None, scopes=("events:write", "events:read"), **fields):
        """The text of the key."""
        return ApiKey.issue(
            name="tests", scopes=scopes, tenant=tenant, random=os.urandom, **fields
        )[1]
