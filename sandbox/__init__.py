"""The external systems that the hub talks to, simulated over HTTP with their peculiarities."""
