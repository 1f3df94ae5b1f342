"""Pages of what a tenant's systems send, and of the webhooks registered there."""
