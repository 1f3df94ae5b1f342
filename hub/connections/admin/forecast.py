"""The page for staff of connections that end within days."""

from typing import Any

from django.http import HttpRequest, HttpResponse

from hub.clock import clock
from hub.connections.forecast import AHEAD, forecast
from hub.connections.models import Connection
from tenants.scoping import visible_to


def forecast_page(page: Any, request: HttpRequest) -> HttpResponse:
    """`page`: the admin of connections, in whose frame it stands."""
    dying = forecast(visible_to(Connection, request.user), now=clock())
    rows = [(entry, entry.words, entry.connection.connector.label) for entry in dying]
    return page.page(
        request, "console/forecast.html", rows=rows, days=AHEAD.days, title=f"Ending within {AHEAD.days} days"
    )
