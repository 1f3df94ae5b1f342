"""Limits of one tenant's and one API key's use: definitions, counts, and refusals.

`request_limits.count_request` counts each API request, `spending.spend_tenant_limit` a written row
(such as an invitation), and `spending.require_room` compares the number of existing rows with a
limit.
"""
