"""Processes of our own for work that takes the processor: started at once, one thread each, gone with the service."""

from __future__ import annotations

import multiprocessing
import os
import threading
from concurrent.futures import ProcessPoolExecutor
from multiprocessing.context import SpawnContext, SpawnProcess

# Matrices are small here, and the processes share the cores: a library's own threads would only spin.
_ONE_THREAD = {"OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1", "MKL_NUM_THREADS": "1"}


def _end_with_parent() -> None:
    """A worker whose service was killed must not stay behind."""

    def wait() -> None:
        parent = multiprocessing.parent_process()
        if parent is not None:
            parent.join()
        os._exit(1)

    threading.Thread(target=wait, daemon=True).start()


def _begin(niceness: int) -> None:
    os.nice(niceness)
    _end_with_parent()


class _Process(SpawnProcess):
    def start(self) -> None:
        """With one thread for matrices: said in the environment, since numpy reads it when it is imported."""
        before = {name: os.environ.get(name) for name in _ONE_THREAD}
        os.environ.update(_ONE_THREAD)
        try:
            super().start()
        finally:
            for name, value in before.items():
                if value is None:
                    del os.environ[name]
                else:
                    os.environ[name] = value


class _Context(SpawnContext):
    """Spawned processes that can be ended by whoever started them."""

    def __init__(self) -> None:
        super().__init__()
        self.started: list[SpawnProcess] = []

    def Process(self, *args: object, **kwargs: object) -> SpawnProcess:  # type: ignore[override]
        process = _Process(*args, **kwargs)  # type: ignore[arg-type]
        self.started.append(process)
        return process


class OwnProcess(ProcessPoolExecutor):
    """One spawned process that starts now: its imports take a second or two."""

    def __init__(self, niceness: int = 0) -> None:
        """`niceness` is what it adds to ours: how far it stands back for others on this machine."""
        self._own = _Context()
        super().__init__(1, self._own, initializer=_begin, initargs=(niceness,))
        self.submit(os.getpid)

    @property
    def process(self) -> SpawnProcess:
        return self._own.started[-1]

    def end(self) -> None:
        """Kill it, whatever it is doing; for work that leaves nothing to be put away."""
        calls = getattr(self, "_call_queue", None)  # shutdown lets go of it
        self.shutdown(wait=False, cancel_futures=True)
        for process in self._own.started:
            process.kill()
        if calls is not None:
            # Half a call may still be on its way: before Python 3.11.5 we would write it for ever, and never exit,
            # because our own end for reading stays open (python/cpython#94777).
            calls._reader.close()


def cores() -> int:
    """Processors that this process may use."""
    return len(os.sched_getaffinity(0))
