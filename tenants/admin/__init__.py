"""Pages for staff: tenants, the people, the keys of their programs, and the links by which guests come in."""

from tenants.admin.portal_link_admin import PortalLinkAdmin
from tenants.admin.tenant_admin import ApiKeyAdmin, TenantAdmin, UserAdmin

__all__ = ["ApiKeyAdmin", "PortalLinkAdmin", "TenantAdmin", "UserAdmin"]
