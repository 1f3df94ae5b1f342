"""Registration: keep our webhooks in external systems as the enabled routes want them."""
