"""What an org says of its objects, and how the control changes them."""
