"""The faces of other schedulers against a running service: what their clients send and expect."""
