"""Real processes and real servers: what holds when they are killed, paused and cut off."""
