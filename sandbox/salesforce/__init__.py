"""Salesforce: the REST API of an org as documented in 2026, its login, and pages of its records."""
