"""How our application gets into a workspace: consent, scopes, tokens, revocation."""
