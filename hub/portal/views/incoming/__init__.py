"""Pages of received webhooks, and of the webhooks registered at a tenant's systems."""
