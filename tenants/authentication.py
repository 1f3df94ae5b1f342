"""An API key in, a tenant and scopes out."""

from rest_framework.authentication import BaseAuthentication
from rest_framework.permissions import BasePermission
from rest_framework.request import Request
from rest_framework.views import APIView


class ApiKeyAuthentication(BaseAuthentication):
    def authenticate(self, request: Request) -> None:
        return None


class HasScope(BasePermission):
    def has_permission(self, request: Request, view: APIView) -> bool:
        return False
