"""The outside world of a bench: a server that notes every request, and the client that reads it."""
