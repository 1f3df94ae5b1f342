"""Pages of tenants, members and invitations."""
