"""OAuth of Slack: consent, scopes, tokens, revocation."""
