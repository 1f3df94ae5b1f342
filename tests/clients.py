"""Clients that tests drive the doors with."""

from rest_framework.test import APIClient

from tenants.api_scopes import SCOPES


class Api:
    def __init__(self, make):
        self.make = make

    def __call__(self, key):
        client = APIClient(raise_request_exception=False)
        client.credentials(HTTP_AUTHORIZATION=f"Bearer {key}")
        return client

    def of(self, tenant, scopes=None):
        everything = [name for name, scope in SCOPES.items() if not scope.platform_only]
        return self(self.make.api_key(tenant, scopes or everything))

    def platform(self, scopes=None):
        return self(self.make.api_key(None, scopes or list(SCOPES)))
