"""REST: which systems are connected, how they are, and what a program does about it."""
