"""The widget of a mapping's body in a form of the admin: a table of rows, or JSON."""

from collections.abc import Mapping, Sequence
from typing import Any

from django import forms
from django.template.loader import render_to_string
from django.utils.safestring import SafeString

from hub.mappings.json_fields import format_json_text
from hub.mappings.rows.body_draft import BodyDraft


class RowTableWidget(forms.Textarea):
    """Shows a draft. A posted table's value is the JSON of its rows; "" if they have errors."""

    def __init__(self, draft: BodyDraft, attrs: Mapping[str, Any] | None = None) -> None:
        super().__init__(attrs=dict(attrs or {}))
        self.draft = draft
        self.paths: Sequence[tuple[str, str]] = ()  # of ours, with examples
        self.identity_kinds: Sequence[str] = ()

    def value_from_datadict(self, data: Mapping[str, Any], files: Any, name: str) -> Any:
        if self.draft.view == "json":
            return self.draft.text
        body = self.draft.build_body()
        return format_json_text(body) if body else ""

    def render(
        self, name: str, value: Any, attrs: dict[str, Any] | None = None, renderer: Any = None
    ) -> SafeString:
        context: dict[str, Any] = {
            "draft": self.draft,
            "targets": self.draft.table.targets,
            "paths": self.paths,
            "identity_kinds": self.identity_kinds,
            "button_class": "hub-button",
        }
        if self.draft.view == "json":
            text = self.draft.text
            context["textarea"] = super().render(name, text, attrs, renderer)
        return render_to_string("mappings/body.html", context)
