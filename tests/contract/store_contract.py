"""The law of ``executor/ports/store.py``, for every adapter.

A subclass supplies what :class:`~tests.contract.store_workshop.StoreWorkshop` asks for;
each part of the law has a file beside this one.  Nothing here knows how an adapter
works.  The rows have instants of their own, years away, so nothing may depend on the
real time but what the contract says: leases, heartbeats and instances.
"""

from tests.contract.audit_law import AuditLaw
from tests.contract.change_law import ChangeLaw, OpenRowLaw
from tests.contract.claim_law import AdoptionLaw, InsertLaw
from tests.contract.command_law import CommandLaw
from tests.contract.job_law import LoadLaw, ProgressLaw, WriteLaw
from tests.contract.job_order_law import JobOrderLaw
from tests.contract.lease_law import LeaseLaw
from tests.contract.named_law import NamedLaw
from tests.contract.outbox_law import NotificationLaw, NotificationListLaw, TallyLaw
from tests.contract.output_law import OutputLaw
from tests.contract.reader_law import FindLaw, JobListLaw, RunListLaw, StatusLaw
from tests.contract.remote_law import RemoteLaw
from tests.contract.retention_law import PruneLaw, PurgeLaw
from tests.contract.revision_law import RevisionLaw
from tests.contract.session_law import SessionLaw
from tests.contract.slot_law import ScheduleLaw, SlotLaw
from tests.contract.tag_law import TagLaw
from tests.contract.term_law import TermLaw
from tests.contract.token_use_law import TokenUseLaw
from tests.contract.uses_law import UsesLaw


class StoreContract(
    TermLaw,
    InsertLaw,
    AdoptionLaw,
    ChangeLaw,
    OpenRowLaw,
    LeaseLaw,
    OutputLaw,
    RemoteLaw,
    PruneLaw,
    PurgeLaw,
    WriteLaw,
    ProgressLaw,
    LoadLaw,
    RevisionLaw,
    NamedLaw,
    TallyLaw,
    NotificationLaw,
    NotificationListLaw,
    TokenUseLaw,
    SessionLaw,
    AuditLaw,
    CommandLaw,
    FindLaw,
    JobListLaw,
    JobOrderLaw,
    RunListLaw,
    TagLaw,
    UsesLaw,
    SlotLaw,
    ScheduleLaw,
    StatusLaw,
):
    """What holds for every store."""
