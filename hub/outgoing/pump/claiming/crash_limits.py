"""Crash limits: how many crashes in a row make a delivery a suspect, and how many fail it."""

SUSPECT_CRASHES = 2  # claims in a row without an outcome; then it is sent apart from all others
MAX_CRASHES = 5  # claims in a row without an outcome; then it is failed
# Suspects that are sent together, by their crashes. After MAX_CRASHES - 1 each is alone: what fails
# at the last crash is its cause, and not what was sent beside it.
SUSPECT_GROUP_BY_CRASHES = {SUSPECT_CRASHES: 32, SUSPECT_CRASHES + 1: 8}
MAX_SUSPECT_GROUP = max(SUSPECT_GROUP_BY_CRASHES.values())
