"""OAuth of Salesforce: consent, sessions and refresh tokens, ID tokens."""
