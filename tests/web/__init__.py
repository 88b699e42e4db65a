"""The HTTP surface, one file for each behaviour, on the memory store and a fake executor."""
