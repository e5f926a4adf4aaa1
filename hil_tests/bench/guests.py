"""Who is on the network beside boards and service: hostile servers in the service's place, silent connections."""

from __future__ import annotations

from contextlib import AbstractContextManager, ExitStack


class Guests:
    """Each is entered under a name and leaves by it; those left over leave with the bench."""

    def __init__(self) -> None:
        self._here: dict[str, ExitStack] = {}

    def enter(self, name: str, guest: AbstractContextManager[object]) -> None:
        """Let it in, in the place of another of that name."""
        self.leave(name)
        stack = self._here[name] = ExitStack()
        stack.enter_context(guest)

    def leave(self, name: str) -> None:
        """Nothing where nobody has that name."""
        if name in self._here:
            self._here.pop(name).close()

    def close(self) -> None:
        for name in list(self._here):
            self.leave(name)
