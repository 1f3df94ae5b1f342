"""Crash limits: how many crashes in a row make a delivery a suspect, and how many fail it."""

SUSPECT_CRASHES = 2  # claims in a row without an outcome; then it is sent apart from all others
MAX_CRASHES = 5  # claims in a row without an outcome; then it is failed
