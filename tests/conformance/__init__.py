"""Clients of other schedulers, as they are, against a running service: they must not notice."""
