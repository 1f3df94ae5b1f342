"""The demo: two customers with every system, on the sandbox of a local installation."""
