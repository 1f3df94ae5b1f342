"""The review of people: its queues, its rows, and the decisions."""
