"""The forecast of what will need a tenant's people: `upcoming.list_upcoming_needs()`."""
