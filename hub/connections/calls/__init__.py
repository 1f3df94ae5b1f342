"""What every call to a provider does: ask for holds, reserve quotas, classify failures, record.

The pump, runs and `provider_call` (blocking, of probes, refreshes and registrations) each send in
their own way.
"""
