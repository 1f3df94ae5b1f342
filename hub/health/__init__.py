"""Health: probes of liveness, readiness and service, and metrics."""
