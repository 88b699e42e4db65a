"""Named stand-ins for the outside world, each held to the same law as the real thing."""
