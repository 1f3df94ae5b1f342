"""Programs that a bench runs as processes of their own, and the settings that some of them use."""
