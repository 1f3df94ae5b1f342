"""Items that wait for an account, an author or the end of a hold, and their release."""
