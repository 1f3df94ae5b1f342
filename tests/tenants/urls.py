"""The API of the tenants, and views that fail in every way, for tests."""

from django.core.exceptions import PermissionDenied, SuspiciousOperation
from django.db import OperationalError
from django.http import Http404
from django.urls import include, path
from rest_framework import exceptions, serializers
from rest_framework.response import Response
from rest_framework.views import APIView

from hub.problems import Problem, StrictSerializer

handler400 = "hub.problems.bad_request"
handler403 = "hub.problems.permission_denied"
handler404 = "hub.problems.not_found"
handler500 = "hub.problems.server_error"

ERRORS = {
    "gone": Http404("the secret name"),
    "forbidden": PermissionDenied("the secret reason"),
    "suspicious": SuspiciousOperation("the secret trick"),
    "throttled": exceptions.Throttled(wait=2.4),
    "database": OperationalError("the secret host"),
    "parse": exceptions.ParseError(),
    "moved": Problem("wrong-state", "It was delivered meanwhile."),
    "overloaded": Problem("overloaded"),
    "bug": ZeroDivisionError("the secret number"),
}


class Open(APIView):
    authentication_classes = ()
    permission_classes = ()


class Failing(Open):
    def get(self, request, name):
        raise ERRORS[name]


class Line(StrictSerializer):
    sku = serializers.CharField()


class Order(StrictSerializer):
    lines = Line(many=True)
    note = serializers.CharField(required=False)


class Echo(Open):
    max_bytes = 1024 * 1024

    def post(self, request):
        return Response({"got": request.data, "bytes": len(request.raw_body)})


class Orders(Open):
    def post(self, request):
        order = Order(data=request.data)
        order.is_valid(raise_exception=True)
        return Response(order.validated_data)


class Silent(APIView):
    """Says nothing of scopes."""

    def get(self, request):
        return Response()


urlpatterns = [
    path("api/v1/", include("tenants.urls")),
    path("api/fail/<name>", Failing.as_view()),
    path("api/echo", Echo.as_view()),
    path("api/orders", Orders.as_view()),
    path("api/silent", Silent.as_view()),
]
