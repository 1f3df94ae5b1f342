"""Health: the liveness, readiness and service probes, and metrics."""
