"""The members of a tenant, below its form in the admin."""

from datetime import datetime
from typing import Any

from django.core.exceptions import ValidationError
from django.db import transaction
from django.db.models import QuerySet
from django.forms import BaseInlineFormSet, ModelForm, Select
from django.http import HttpRequest

from hub import staff
from hub.audit import ActorContext
from tenants.models import Membership
from tenants.scoping import ScopedAdminMixin
from tenants.services import membership_actions
from tenants.services.tenant_actions import lock_tenant


class MembershipForm(ModelForm):
    """A member of a tenant. The user of a membership never changes."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if self.instance.pk:
            user = self.fields["user"]
            user.disabled = True
            # the search of users would look up each member by a statement of its own
            user.widget = Select(
                attrs={"aria-label": user.label},
                choices=[(self.instance.user_id, str(self.instance.user))],
            )
            staff.apply_admin_style(user)


class MembershipFormSet(BaseInlineFormSet):
    """The members of a tenant in the staff form; the tenant must keep an owner."""

    def clean(self) -> None:
        super().clean()
        if not self.instance.pk or any(self.errors):
            return
        lock_tenant(self.instance)  # until this request's transaction ends
        owners = membership_actions.find_owners(self.instance)
        shown_ids = {form.instance.pk for form in self.initial_forms}
        keeps_owner = owners.exclude(pk__in=shown_ids).exists() or any(
            map(self.is_owner, self.forms)
        )
        if owners.exists() and not keeps_owner:
            raise ValidationError(membership_actions.last_owner_message())

    def is_owner(self, form: ModelForm) -> bool:
        """Return whether this row is an owner after the change."""
        data = form.cleaned_data
        has_owner_role = (
            form not in self.deleted_forms and data.get("role") == membership_actions.OWNER
        )
        return has_owner_role and data["user"].is_active

    @transaction.atomic
    def save_members(self, actor: ActorContext, *, now: datetime) -> None:
        """Add, change and remove members; new owners first, so that the last old one can go."""
        remaining_forms = [form for form in self.initial_forms if form not in self.deleted_forms]
        changed = [form for form in remaining_forms if form.has_changed()]
        changed.sort(key=lambda form: form.cleaned_data["role"] != membership_actions.OWNER)
        self.new_objects = [
            membership_actions.add_member(
                self.instance, form.cleaned_data["user"], form.cleaned_data["role"], actor, now=now
            )
            for form in self.extra_forms
            if form.has_changed() and form not in self.deleted_forms
        ]
        for form in changed:
            membership_actions.change_member_role(
                form.instance, actor, role=form.cleaned_data["role"], now=now
            )
        removed = [form.instance for form in self.initial_forms if form in self.deleted_forms]
        for membership in removed:
            membership_actions.remove_member(membership, actor, now=now)
        self.changed_objects = [(form.instance, form.changed_data) for form in changed]
        self.deleted_objects = removed


class MembershipInline(ScopedAdminMixin, staff.TabularInline):
    model = Membership
    form = MembershipForm
    formset = MembershipFormSet
    fields = ("user", "role")
    autocomplete_fields = ("user",)
    verbose_name_plural = "members"

    def get_queryset(self, request: HttpRequest) -> QuerySet:
        return super().get_queryset(request).select_related("user", "tenant")
