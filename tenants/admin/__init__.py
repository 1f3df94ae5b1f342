"""Pages for staff: tenants, the people, the keys of their programs, and the links by which guests come in."""

from tenants.admin.links import PortalLinkAdmin
from tenants.admin.people import ApiKeyAdmin, TenantAdmin, UserAdmin

__all__ = ["ApiKeyAdmin", "PortalLinkAdmin", "TenantAdmin", "UserAdmin"]
