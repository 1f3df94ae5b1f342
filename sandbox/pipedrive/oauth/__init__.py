"""How our application gets into a company: consent, access tokens and refresh tokens."""
