"""Let a person connect an account: they are sent away, come back with a code, and say which account is meant."""
