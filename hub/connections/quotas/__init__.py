"""Quotas of a connection's calls: `scopes` names what a call spends, `metered_call` spends it."""
