"""Ready-made integrations as the portal shows them: catalogue, questions, and what runs."""
