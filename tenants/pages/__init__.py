"""The pages of who: which tenants a person belongs to, who belongs to a tenant, and invitations."""
