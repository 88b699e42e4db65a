"""What the engine's world must offer: Protocols whose docstrings are the contract.

Each port names the suite under ``tests/contract`` that every adapter passes.
"""
