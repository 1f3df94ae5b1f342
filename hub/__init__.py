"""The Integration Hub."""

import gc

# The collector's defaults are for small programs: with them, a third of the time in which a process
# loads the hub goes into looking for garbage among what stays.
gc.set_threshold(50_000, 20, 20)
