"""Forms of actions on deliveries."""

from django import forms

from hub.staff import ActionForm


class ReasonForm(ActionForm):
    """Form for the reason of an action that ends a delivery or sends a message."""

    reason = forms.CharField(max_length=300, help_text="Kept in the audit log.")
