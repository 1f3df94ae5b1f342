"""The webhook catcher: takes whatever is sent, and says whether its signature is good."""
