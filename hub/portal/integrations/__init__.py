"""Ready-made integrations in the portal: catalogue, questions, and those switched on."""
