"""REST API of tenants, API keys, members, invitations and portal links."""
