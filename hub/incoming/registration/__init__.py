"""Registration: keep our webhooks in external systems as the enabled routes want them.

`check` lists what a system has registered, `compare` decides what has drifted, and `changes`
creates, repairs and removes.
"""
