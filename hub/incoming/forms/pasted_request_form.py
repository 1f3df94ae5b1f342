"""Form of staff that tests a pasted request."""

from typing import Any

from django import forms
from django.db.models import QuerySet

from connectors.webhook_sources import MAX_PASTED_LENGTH
from hub.connections.models import Connection
from hub.staff import ActionForm


class ConnectionField(forms.ModelChoiceField):
    def label_from_instance(self, connection: Connection) -> str:
        return f"{connection} · {connection.tenant.name if connection.tenant else ''}"


class PastedRequestForm(ActionForm):
    connection = ConnectionField(
        queryset=Connection.unscoped.none(),
        help_text="Its settings say how the sender signs, and its secret verifies the request.",
    )
    request = forms.CharField(
        max_length=MAX_PASTED_LENGTH,
        strip=False,
        widget=forms.Textarea(attrs={"rows": 16, "spellcheck": "false"}),
        help_text="The headers, an empty line and the body, as the sender shows them. The request "
        "is not stored.",
    )

    def __init__(self, *args: Any, connections: QuerySet[Connection], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        field = self.fields["connection"]
        assert isinstance(field, forms.ModelChoiceField)
        field.queryset = connections
