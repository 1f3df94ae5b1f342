"""Ready-made integrations.

A *recipe* is a file in `catalogue/`: what it does, what it asks, and the routes and jobs it makes.
An *integration* is a recipe that is switched on for a tenant, with what it made.
`integration_actions` has the service functions; `definitions` loads and checks the recipes.
"""
