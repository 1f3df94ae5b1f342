"""Pages of connecting: by OAuth, and by the link that somebody without an account was sent."""
