"""Pages of ready-made integrations."""
