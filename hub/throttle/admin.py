"""List filters that several admin pages of staff share."""

from typing import Any

from django.http import HttpRequest

from connectors.registry import CONNECTORS
from hub import staff


class ConnectorFilter(staff.Filter):
    title = "system"
    parameter_name = "connector"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [(key, connector.label) for key, connector in CONNECTORS.items()]

    def queryset(self, request: HttpRequest, queryset: Any) -> Any:
        return queryset.filter(connector_key=self.value()) if self.value() else queryset
