"""Quotas of a connection's calls: `scopes` names what a call spends."""
