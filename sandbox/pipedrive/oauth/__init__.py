"""OAuth of Pipedrive: consent, access tokens and refresh tokens."""
