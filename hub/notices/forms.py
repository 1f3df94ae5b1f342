"""Which notices a member of a tenant wants by mail; every page tells them all the same."""

from typing import Any

from django import forms

from hub.notices.models import MailChoice
from hub.words import NOTICES
from tenants.models import Membership


class MailForm(forms.Form):
    """A box for each kind of notice."""

    def __init__(self, *args: Any, membership: Membership, **options: Any) -> None:
        super().__init__(*args, **options)
        self.membership = membership
        chosen = dict(MailChoice.unscoped.filter(membership=membership).values_list("kind", "wanted"))
        for kind, entry in NOTICES.items():
            wanted = chosen.get(kind, entry.mailed)
            self.fields[kind] = forms.BooleanField(label=entry.label, required=False, initial=wanted)

    def save(self) -> None:
        choices = [
            MailChoice(membership=self.membership, kind=kind, wanted=wanted)
            for kind, wanted in self.cleaned_data.items()
        ]
        MailChoice.unscoped.bulk_create(
            choices, update_conflicts=True, unique_fields=["membership", "kind"], update_fields=["wanted"]
        )
