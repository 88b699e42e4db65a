"""One suite for each port; its base class is the law, every adapter passes it."""

import pytest

# The laws are no test modules by name; this makes their failed asserts show the values.
pytest.register_assert_rewrite(
    *(
        f"tests.contract.{law}"
        for law in (
            "broker_contract",
            "broker_workshop",
            "broker_world",
            "change_law",
            "claim_law",
            "command_law",
            "command_workshop",
            "job_law",
            "lease_law",
            "named_law",
            "outbox_law",
            "reader_law",
            "retention_law",
            "revision_law",
            "slot_law",
            "store_workshop",
            "term_law",
        )
    )
)
