"""One suite for each port; its base class is the law, every adapter passes it."""
