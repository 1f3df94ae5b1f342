"""Pages on which an account is connected: by OAuth, and by a connect link."""
