"""People before the endpoints."""

from tests.hub.connections.conftest import outside
from tests.hub.portal.visiting import acme, admin, globex, member, stranger, visit
from tests.sandbox.conftest import desk

__all__ = ["acme", "admin", "desk", "globex", "member", "outside", "stranger", "visit"]
