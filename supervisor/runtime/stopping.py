"""The end of a process, as the system asks for it."""

from __future__ import annotations

import asyncio
import signal


def stop_asked() -> asyncio.Event:
    """Set by SIGTERM and SIGINT; of the running event loop."""
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    return stop
