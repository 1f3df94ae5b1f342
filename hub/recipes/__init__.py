"""Ready-made integrations.

A *recipe* is a file in `catalogue/`: its texts, its questions, and the routes and jobs that it
creates. An *integration* is a recipe that is switched on for a tenant, with its routes and jobs.
`integration_actions` has the service functions; `definitions` loads and checks the recipes.
"""
