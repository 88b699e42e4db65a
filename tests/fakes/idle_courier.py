"""A courier that notes what it is handed, and reports what a test tells it to."""

from executor.ports.courier import CourierListener, Parcel


class IdleCourier:
    """A :class:`~executor.ports.courier.Courier` that delivers nothing by itself."""

    def __init__(self, listener: CourierListener) -> None:
        self.listener = listener
        self.parcels: list[Parcel] = []
        self.stopped = False

    def deliver(self, parcel: Parcel) -> None:
        """Note *parcel*."""
        self.parcels.append(parcel)

    def stop(self) -> None:
        """Note that it is over."""
        self.stopped = True
