"""What a delivery is compared with on its page.

That is the last delivery that arrived, the phases in which its time was spent, and the other
deliveries that stopped for the same reason.
"""
