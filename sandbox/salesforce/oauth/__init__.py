"""How our application gets into an org: consent, sessions and refresh tokens, ID tokens."""
