"""Since when each flag is as it is: the start of this process, or a reload that changed it."""

from collections.abc import Callable

from gateway.app.config import LiveConfig

__all__ = ["FlagTimes"]


class FlagTimes:
    def __init__(self, live: LiveConfig, clock: Callable[[], float]) -> None:
        self._live = live
        self._clock = clock
        self._known = self._now()
        self._since = dict.fromkeys(self._known, clock())
        live.on_change(self._follow)

    def since(self, name: str) -> float:
        return self._since.get(name, self._clock())

    def _now(self) -> dict[str, str]:
        return {name: flag.in_words() for name, flag in self._live.current.flags.flags.items()}

    def _follow(self) -> None:
        now = self._now()
        for name, words in now.items():
            if self._known.get(name) != words:
                self._since[name] = self._clock()
        self._known = now
