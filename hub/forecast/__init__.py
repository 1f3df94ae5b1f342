"""The forecast of problems that a tenant's people will have to solve soon.

Entry point: `upcoming.list_upcoming_needs()`.
"""
