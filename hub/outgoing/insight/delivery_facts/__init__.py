"""Facts about a delivery by comparison, for its page.

The last delivery that arrived, the phases in which its time was spent, and other deliveries with
the same error.
"""
