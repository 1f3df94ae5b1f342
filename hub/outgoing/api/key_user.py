"""The API key that sent a request."""

from rest_framework.request import Request

from tenants.access.api_authentication import ApiKeyUser


def get_key_user(request: Request) -> ApiKeyUser:
    """Return the authenticated API key; its `tenant` is None for a platform key."""
    user = request.user
    assert isinstance(user, ApiKeyUser)  # the API authenticates by keys only
    return user
