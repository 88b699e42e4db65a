"""The tests of Solocron, one folder per tier."""
