"""The first page of a tenant: its connections."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from hub.connections.models import Connection
from tenants.visitors import Visitor, for_visitors


@require_safe
@for_visitors()
def home(request: HttpRequest, visitor: Visitor) -> HttpResponse:
    connections = Connection.objects.of(visitor.tenant).order_by("name")
    return render(request, "portal/home.html", {"visitor": visitor, "connections": connections})
