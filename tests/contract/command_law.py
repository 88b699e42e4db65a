"""The law of answers to commands: the first one stays, and revisions remember their command."""

import pytest

from executor.domain.command import CommandKind, ResultStatus
from executor.domain.errors import CommandNotFound, Fault
from executor.domain.writes import KnownCommands
from tests.contract.store_workshop import StoreWorkshop
from tests.contract.store_world import AWKWARD, a_job, an_answer, made_by


class CommandLaw(StoreWorkshop):
    """Saving and finding answers."""

    def test_an_answer_comes_back_as_it_went_in(self) -> None:
        """Every field, or none that was not given."""
        full = an_answer(
            AWKWARD,
            kind=CommandKind.UPDATE_JOB,
            digest=AWKWARD,
            status=ResultStatus.INVALID,
            job_id="job",
            run_id="run",
            revision=0,
            message=AWKWARD,
            faults=(Fault("a.b", AWKWARD), Fault("", "$x")),
        )
        self.store.save_results([full, an_answer("bare")])

        assert self.readers.get_result(AWKWARD) == full
        assert self.readers.get_result("bare") == an_answer("bare")

    def test_a_command_without_an_answer_is_not_found(self) -> None:
        """The error names it."""
        with pytest.raises(CommandNotFound) as caught:
            self.readers.get_result("unknown")

        assert caught.value.command == "unknown"

    def test_the_first_answer_stays(self) -> None:
        """A later one for the same command changes nothing and stops no other."""
        first = an_answer(message="first")
        self.store.save_results([first])
        self.store.save_results([an_answer(message="second"), an_answer("other")])

        assert self.readers.get_result(first.command_id) == first
        assert self.readers.get_result("other") == an_answer("other")

    def test_known_commands_are_those_answered_or_applied(self) -> None:
        """Answers by id, and the jobs whose revision a command made, deleted ones included."""
        answers = [an_answer(f"c{number}") for number in range(3)]
        jobs = [
            a_job("a", last_command=made_by("c1")),
            a_job("b", last_command=made_by("c7"), deleted=True),
            a_job("c", last_command=made_by("c8")),
        ]
        self.store.save_results(answers)
        self.put_jobs([*jobs, a_job("d")])

        known = self.store.known_commands(["c0", "c1", "c7", "c9", ""])
        assert known.results == {"c0": answers[0], "c1": answers[1]}
        assert sorted(known.jobs, key=lambda job: job.name) == jobs[:2]

    def test_no_commands_are_known_of_none(self) -> None:
        """Every batch may be empty."""
        self.store.save_results([])

        assert self.store.known_commands([]) == KnownCommands({}, ())
