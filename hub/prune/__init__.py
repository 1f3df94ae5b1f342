"""What is kept for how long, and deleted after that: a little at a time."""
