"""People before the log."""

from tests.hub.portal.visiting import acme, admin, globex, member, stranger, visit

__all__ = ["acme", "admin", "globex", "member", "stranger", "visit"]
