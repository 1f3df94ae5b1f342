"""Ready-made integrations in the portal: catalogue, questions, and integrations that are switched
on.
"""
