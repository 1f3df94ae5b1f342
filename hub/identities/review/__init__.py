"""The review of people: its queues, what a row says, and what a person decides."""
