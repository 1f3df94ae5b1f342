"""What the systems send by themselves: signed webhooks, their attempts, and the retry schedules."""
