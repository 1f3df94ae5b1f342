"""Forms of actions on deliveries."""

from django import forms

from hub.staff import ActionForm


class ReasonForm(ActionForm):
    """The reason for an action that has an effect outside, or ends something."""

    reason = forms.CharField(max_length=300, help_text="It is kept in the audit.")
