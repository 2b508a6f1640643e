"""When each customer was seen where: how long the channels took after Shopify's answer."""

import time
from dataclasses import dataclass, field

__all__ = ["Sightings"]


@dataclass(slots=True)
class Sightings:
    """`created`: loop seconds at which each customer was made; `after`: by channel, the seconds
    from there until the channel had them.
    """

    created: dict[str, float] = field(default_factory=dict)
    after: dict[str, list[float]] = field(default_factory=dict)

    def customer(self, number: str) -> None:
        self.created[number] = time.perf_counter()

    def channel(self, name: str, number: str) -> None:
        since = self.created.get(number)
        if since is not None:
            self.after.setdefault(name, []).append(time.perf_counter() - since)
