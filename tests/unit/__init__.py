"""Domain and engine alone: no network, no sleep."""
