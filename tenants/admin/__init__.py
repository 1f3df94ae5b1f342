"""Admin pages of tenants, users, API keys and portal links."""

from tenants.admin.api_key_admin import ApiKeyAdmin
from tenants.admin.portal_link_admin import PortalLinkAdmin
from tenants.admin.tenant_admin import TenantAdmin
from tenants.admin.user_admin import UserAdmin

__all__ = ["ApiKeyAdmin", "PortalLinkAdmin", "TenantAdmin", "UserAdmin"]
