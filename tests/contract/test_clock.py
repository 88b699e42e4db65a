"""The clock contract, on the machine's clock and on the one that tests turn by hand."""

from abc import ABC, abstractmethod
from datetime import UTC, datetime, timedelta

from executor.adapters.system_clock import SystemClock
from executor.domain.instant import truncate
from executor.ports.clock import Clock
from tests.fakes.fake_clock import FakeClock


class ClockLaw(ABC):
    """What every clock keeps to."""

    @abstractmethod
    def make_clock(self) -> Clock:
        """Return a clock of the kind under test."""

    def test_now_is_an_aware_utc_instant_in_whole_milliseconds(self) -> None:
        """Every reading is in UTC and equals itself after the cut to a stored instant."""
        clock = self.make_clock()
        for _ in range(1000):
            now = clock.now()
            assert now.tzinfo is UTC
            assert now == truncate(now)
            assert now.microsecond % 1000 == 0

    def test_monotonic_never_goes_back(self) -> None:
        """Of two readings the later one is never smaller."""
        clock = self.make_clock()
        readings = [clock.monotonic() for _ in range(1000)]
        assert readings == sorted(readings)

    def test_the_two_readings_cannot_be_taken_for_each_other(self) -> None:
        """The durations' origin is not the epoch, so a mix-up shows at once."""
        clock = self.make_clock()
        assert (
            abs(clock.now().timestamp() - clock.monotonic()) > timedelta(days=365).total_seconds()
        )


class TestSystemClock(ClockLaw):
    """The law, and the operating system's time."""

    def make_clock(self) -> Clock:
        return SystemClock()

    def test_now_is_the_machines_time_of_day(self) -> None:
        """The reading lies between two of the operating system's own, cut down."""
        before = truncate(datetime.now(UTC))
        reading = SystemClock().now()
        assert before <= reading <= datetime.now(UTC)


class TestFakeClock(ClockLaw):
    """The law, and obedience."""

    def make_clock(self) -> Clock:
        return FakeClock()

    def test_time_passes_only_on_request(self) -> None:
        """Advancing moves both readings by the same amount; otherwise they stand still."""
        clock = FakeClock()
        now, monotonic = clock.now(), clock.monotonic()
        clock.advance(1.5)
        assert clock.now() - now == timedelta(seconds=1.5)
        assert abs(clock.monotonic() - monotonic - 1.5) < 1e-6
        assert clock.now() == clock.now()

    def test_setting_the_clock_is_not_the_passing_of_time(self) -> None:
        """A step moves the time of day, backwards too, and no duration."""
        clock = FakeClock()
        now, monotonic = clock.now(), clock.monotonic()
        clock.step(-60)
        assert (clock.now(), clock.monotonic()) == (now - timedelta(minutes=1), monotonic)
