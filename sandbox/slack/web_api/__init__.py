"""The Web API: the arguments of a call, and the methods by subject."""
