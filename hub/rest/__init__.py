"""Parts shared by the REST API of every package: pagination, idempotency, fields and OpenAPI."""
