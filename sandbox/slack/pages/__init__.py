"""A workspace as its people see it, and the settings of an app."""
