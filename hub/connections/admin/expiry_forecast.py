"""The staff page of connections whose authorization expires soon."""

from django.http import HttpRequest, HttpResponse

from hub import staff
from hub.connections.models import Connection
from hub.connections.status.expiry_forecast import FORECAST_PERIOD, list_expiring_connections
from hub.db.clock import clock
from tenants.scoping import visible_rows


def render_forecast_page(page: staff.ModelAdmin, request: HttpRequest) -> HttpResponse:
    """Render the forecast within `page`, a page of the connections' admin."""
    expiring = list_expiring_connections(visible_rows(Connection, request.user), now=clock())
    rows = [(entry, entry.reason_text, entry.connection.connector.label) for entry in expiring]
    return page.page(
        request,
        "console/forecast.html",
        rows=rows,
        days=FORECAST_PERIOD.days,
        title="Expiring soon",
    )
