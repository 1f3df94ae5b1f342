"""Limits of what one tenant and one API key may use: definitions, counts, and the refusal.

`request_limits.count_request` counts each API request, `spending.spend_tenant_limit` a row that is
written (such as an invitation), and `spending.require_room` compares the number of existing rows
with a limit.
"""
