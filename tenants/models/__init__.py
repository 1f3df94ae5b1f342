"""Models of users, tenants, memberships, invitations, portal links, support visits and API keys."""

from tenants.models.api_keys import ApiKey, validate_scopes
from tenants.models.memberships import Invitation, Membership
from tenants.models.portal_links import PortalLink
from tenants.models.support_visits import SupportVisit
from tenants.models.tenants import (
    REFERENCE,
    Tenant,
    available_time_zones,
    is_reference,
    validate_time_zone,
)
from tenants.models.users import User

__all__ = [
    "REFERENCE",
    "ApiKey",
    "Invitation",
    "Membership",
    "PortalLink",
    "SupportVisit",
    "Tenant",
    "User",
    "available_time_zones",
    "is_reference",
    "validate_scopes",
    "validate_time_zone",
]
