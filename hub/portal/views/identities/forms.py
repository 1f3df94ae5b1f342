"""The forms of the pages of identities: a file of pairs, and the fallback for missing ones."""

from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.core.files.uploadedfile import UploadedFile
from django.utils.translation import gettext_lazy as _

from hub.identities.csv_pairs import decode_file
from hub.mappings.models import IdentityFallback


class PairsFileForm(forms.Form):
    """The file of an import, as an upload."""

    file = forms.FileField(
        label=_("CSV file"),
        help_text=_(
            "UTF-8, with the columns kind, local_id and remote_id, and optionally name. At most "
            "5,000 rows and 2 MB."
        ),
        widget=forms.ClearableFileInput(attrs={"accept": ".csv,text/csv"}),
    )

    def clean_file(self) -> str:
        """Return the text of the file."""
        uploaded: UploadedFile = self.cleaned_data["file"]
        return decode_file(uploaded.read())


class ConfirmedPlanForm(forms.Form):
    """The plan of an import that a person saw and confirmed."""

    text = forms.CharField(widget=forms.HiddenInput, strip=False)
    digest = forms.CharField(widget=forms.HiddenInput, max_length=64)

    def clean_text(self) -> str:
        """Return the text as it was planned; browsers change line ends to CR LF."""
        return str(self.cleaned_data["text"]).replace("\r\n", "\n")


class FallbackKeyForm(forms.Form):
    """The kind and direction that identify a stored fallback."""

    kind = forms.CharField(max_length=60, strip=False)
    direction = forms.ChoiceField(choices=IdentityFallback.Direction.choices)


class FallbackForm(forms.Form):
    """What happens to a record of one kind that has no identity, in one direction."""

    direction = forms.ChoiceField(label=_("Direction"), choices=IdentityFallback.Direction.choices)
    kind = forms.CharField(
        label=_("Kind"),
        max_length=60,
        widget=forms.TextInput(attrs={"list": "kinds", "autocomplete": "off"}),
        help_text=_("For example channel, user or product. Of incoming events only user."),
    )
    choice = forms.ChoiceField(
        label=_("If no record is selected"),
        choices=IdentityFallback.Choice.choices,
        widget=forms.RadioSelect,
        initial=IdentityFallback.Choice.HOLD,
    )
    default_id = forms.CharField(
        label=_("ID of the default record"),
        max_length=200,
        required=False,
        help_text=_(
            "The other system's ID for deliveries, the ID of your user for incoming events."
        ),
    )
    explanation = forms.CharField(
        label=_("Why it is skipped"),
        max_length=200,
        required=False,
        help_text=_("Shown in the log of what was skipped."),
    )

    def add_errors(self, error: ValidationError) -> None:
        """Add the errors of the service function to their fields."""
        problems: dict[str, Any] = error.message_dict
        for name, texts in problems.items():
            self.add_error(name if name in self.fields else None, texts)
