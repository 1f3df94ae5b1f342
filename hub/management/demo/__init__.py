"""The demo: two customers with every system, on the desk's sandbox."""
