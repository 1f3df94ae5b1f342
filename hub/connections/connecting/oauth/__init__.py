"""The OAuth flow: begin, callback, confirm; pending authorizations; uninstall calls."""
