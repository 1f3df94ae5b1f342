"""The outside world on your desk: the systems that the hub talks to, simulated over HTTP with their
manners.
"""
