"""How long the engine waits for what, with the reasons.  All in seconds."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from executor.domain.audit import AUDIT_KEPT
from executor.domain.permitted_targets import ALL_TARGETS, PermittedTargets

#: Claims are written this long before their second is due: ten times a batch insert of
#: 1,000 rows on a slow disk (5-30 ms), and short enough that an edit seldom meets a claim.
CLAIM_AHEAD_S: Final = 0.4

#: The term is cleared this long before the second: several majority writes (1-4 ms each),
#: and little enough that a crash leaves few rows in doubt.
CLEAR_AHEAD_S: Final = 0.06

#: The term is cleared at least this often; it is the executor's heartbeat, and how soon
#: a superseded executor learns of it.
HEARTBEAT_S: Final = 1.0

#: How long after a successful clearance *began* runs may be started on the strength of it.
#: Several heartbeats, and well below any run lease, so that an executor that was paused
#: clears again before it starts anything.
TRUST_S: Final = 2.5

#: A call of the store that is out for so long counts as silence, and is said so: a clearance is
#: worth nothing any more by then, and everything else that is written takes far less.
SILENT_S: Final = TRUST_S

#: What is read at a takeover may take this long: 100,000 jobs due in one minute take 3 to 5 s.
LOAD_S: Final = 10.0

#: Slots noticed later than this count as caught up rather than on schedule.
LATE_S: Final = 1.0

#: A claimed slot that could not be started for so long was held up by an outage, longer than any
#: call of the store may take; if a later slot is due by then, that one is run instead.
OVERTAKEN_S: Final = 5.0

#: Jobs due within this time are loaded first at a takeover; loading all others takes less.
URGENT_S: Final = 60.0

#: How often rows of former terms are looked at.
SUPERVISION_S: Final = 1.0

#: Whoever has a remote run has so long to confirm that it has ended, once that was asked for; then
#: it is over as far as its job is concerned.  As long as most programs take to end cleanly, and
#: as short as a person may be made to wait for the next run.
RECALL_GRACE_S: Final = 30.0

#: Pings that came while nobody executed are in the queue: for so long after commands are taken
#: again, and after the last such ping, no watched run is given up.  Whole batches take less.
PINGS_IN_S: Final = 10.0

#: A report that a run was begun may be on its way for so long, seconds, when the run is recalled
#: because nobody seems to have begun it; reports take milliseconds while the broker is there.
UNBEGUN_GRACE_S: Final = 2.0

#: The store may be silent this long before the executor gives the token away.
STORE_PATIENCE_S: Final = 10.0

#: How long a candidate that could not reach the store keeps away from the token: first, at most.
STEP_ASIDE_S: Final = (1.0, 15.0)

#: Rows handed off in one round of the engine, about 3 ms of work: the first are started while the
#: others are still being admitted, and news is heard in between.
HAND_OFF_ROWS: Final = 200

#: Starts and results wait this long for company, or until the batch has so many rows.
JOURNAL_DELAY_S: Final = 0.02
JOURNAL_ROWS: Final = 500

#: Pause before a request that the store did not answer is repeated: first, at most.
RETRY_S: Final = (0.1, 1.0)

#: A job whose slots the store does not take rests before they are tried again: first, at most.
REFUSED_REST_S: Final = (1.0, 60.0)

#: An entry of the journal that the store does not take is tried so often as it is, and as often
#: without its texts; then it is given up.
JOURNAL_TRIES: Final = 5

#: How often the instance's own record is refreshed; the store forgets it after 30 s.
BEAT_S: Final = 5.0

#: How often retention runs, and how many rows one step may remove.
UPKEEP_S: Final = 10.0
UPKEEP_ROWS: Final = 2_000

#: Live output is written this often at most, and at most so many bytes of it at once.  Together
#: they bound what talkative programs take of the store; SQLite's one writer is kept from all
#: others for some milliseconds by it.
OUTPUT_EVERY_S: Final = 0.25
OUTPUT_BATCH: Final = 1024 * 1024

#: Bytes of live output that wait for the store; beyond it the oldest are left out.
OUTPUT_BACKLOG: Final = 4 * OUTPUT_BATCH

#: Live output stays this long after a run has said something last, though the run is over: who
#: follows it has read all of it by then.
OUTPUT_REST_S: Final = 60.0

#: Rows claimed but not yet written, above which no further seconds are opened.
CLAIM_BACKLOG: Final = 20_000

#: Rows in one call of the store: the larger a batch, the longer a clearance behind it waits, and
#: one that outlasts the call's time limit would be repeated for ever.
INSERT_ROWS: Final = 2_000
ADOPT_ROWS: Final = 1_000

#: Runs told of together, and notifications looked at together.
TOLD_TOGETHER: Final = 200
OUTBOX_ROWS: Final = 100

#: How often the outbox is looked at where nothing is known to be new: what is to be tried again
#: comes at most so much later than it is due, and its first pause is twice as long.
OUTBOX_POLL_S: Final = 5.0

#: Deliveries under way for one channel, and pings of all jobs: a channel takes messages by the
#: dozen at the most, pings come by the hundred when a minute begins.
PER_CHANNEL: Final = 4
PINGS_AT_ONCE: Final = 50

#: Notifications that are over are kept for so long: two weeks, as runs are by default.
NOTIFICATIONS_KEPT_S: Final = 14 * 86_400.0

#: Commands decided together.
COMMAND_BATCH: Final = 100

#: Deleted jobs stay this long, so that a late repetition of a command still finds its effect.
DELETED_KEPT_S: Final = 86_400.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """What differs between deployments.

    Attributes:
        instance: id of this process, the ``holder`` of its terms.
        host, version, tzdata: for the list of instances.
        run_lease_s: how long a silent executor's runs count as alive.
        retention_rest_s: how long a row stays at least once it has ended: longer than a write that
            its sender has given up may still be under way, because it would meet no row and make
            another.
        grace_s: how long running work may go on after a stop was asked for.
        audit_kept: how long entries of the audit stay.
        recall_grace_s: how long whoever has a remote run may take to confirm that it has ended.
        permitted: the targets of jobs that may be saved.
        code: whether there may be jobs that are declared in code.
        precondition: whether scheduling may begin only once the code says so.
        url: where people reach the web process, for links in messages; None if not known.
    """

    instance: str
    host: str = ""
    version: str = ""
    tzdata: str = ""
    run_lease_s: float = 10.0
    retention_rest_s: float = 300.0
    grace_s: float = 25.0
    audit_kept: timedelta = AUDIT_KEPT
    recall_grace_s: float = RECALL_GRACE_S
    permitted: PermittedTargets = ALL_TARGETS
    code: bool = False
    precondition: bool = False
    url: str | None = None
