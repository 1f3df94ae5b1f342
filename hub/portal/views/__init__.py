"""The pages of the portal: each view reads, calls one service function and renders."""
