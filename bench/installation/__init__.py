"""The installation on which a bench measures: fresh databases and keys, and its processes."""
