"""Worker processes for heavy computations: started at once, one thread each, ended with the service.

One pipe and one thread for each process, since `ProcessPoolExecutor` before Python 3.11.5 waits for ever, at exit too,
for a call that was half sent when its process died (python/cpython#94777). Here only the process holds the other end
of its pipe: when it dies, whatever is under way fails at once.
"""

from __future__ import annotations

import multiprocessing
import os
import pickle
import signal
import threading
import traceback
from collections.abc import Callable
from concurrent.futures import BrokenExecutor, Executor, Future
from multiprocessing.connection import Connection, Pipe
from multiprocessing.context import SpawnProcess
from queue import Empty, SimpleQueue
from typing import Any, ParamSpec, TypeVar

P = ParamSpec("P")
T = TypeVar("T")

# Matrices are small here, and the processes share the cores: a library's own threads would only compete.
_ONE_THREAD = {"OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1", "MKL_NUM_THREADS": "1"}


class OwnProcess(Executor):
    """One spawned process that starts now (its imports take a second or two) and takes one call after the other.

    A call whose process dies fails with `BrokenExecutor`, and so does every later one.
    """

    def __init__(self, niceness: int = 0) -> None:
        """`niceness` is what it adds to ours: by how much it yields to other processes."""
        self._connection, theirs = Pipe()
        self.process = _Process(target=_work, args=(theirs, niceness), daemon=True)
        self.process.start()
        theirs.close()
        self._calls: SimpleQueue[tuple[Future[Any], object] | None] = SimpleQueue()
        self._closing = threading.Lock()
        self._closed = False
        self._thread = threading.Thread(target=self._serve, daemon=True, name=f"calls to {self.process.pid}")
        self._thread.start()

    def submit(self, fn: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> Future[T]:
        """Raises RuntimeError after `shutdown`."""
        future: Future[T] = Future()
        with self._closing:
            if self._closed:
                raise RuntimeError("no calls after shutdown")
            self._calls.put((future, (fn, args, kwargs)))
        return future

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        """End the process after all its calls, or after the current one (`cancel_futures`)."""
        with self._closing:
            self._closed = True
            if cancel_futures:
                self._cancel_waiting()
            self._calls.put(None)
        if wait:
            self._thread.join()

    def end(self) -> None:
        """Kill it, whatever it is doing; for work without side effects."""
        self.shutdown(wait=False, cancel_futures=True)
        self.process.kill()

    def _cancel_waiting(self) -> None:
        while True:
            try:
                waiting = self._calls.get_nowait()
            except Empty:
                return
            if waiting is not None:
                waiting[0].cancel()

    def _serve(self) -> None:
        while (given := self._calls.get()) is not None:
            future, call = given
            if not future.set_running_or_notify_cancel():
                continue
            try:
                self._connection.send_bytes(pickle.dumps(call, pickle.HIGHEST_PROTOCOL))
                done, result = pickle.loads(self._connection.recv_bytes())
            except (EOFError, OSError):
                done, result = False, BrokenExecutor(f"process {self.process.pid} is gone")
            except Exception as error:  # what cannot be pickled, or is unknown here
                done, result = False, error
            if done:
                future.set_result(result)
            else:
                future.set_exception(result)
        self._connection.close()
        self.process.join()


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


def _work(calls: Connection, niceness: int) -> None:
    """What the process does: answer until the other end closes."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C goes to the whole terminal; the service decides
    os.nice(niceness)
    _end_with_parent()
    while True:
        try:
            call = calls.recv_bytes()
        except EOFError:
            return
        calls.send_bytes(_answer(call))


def _answer(call: bytes) -> bytes:
    """Pickled: whether it succeeded, and the result or the exception."""
    try:
        fn, args, kwargs = pickle.loads(call)
        return pickle.dumps((True, fn(*args, **kwargs)), pickle.HIGHEST_PROTOCOL)
    except Exception as error:
        error.add_note(traceback.format_exc())
        try:
            answer = pickle.dumps((False, error))
            pickle.loads(answer)
        except Exception:  # not every exception can be pickled; its text can
            answer = pickle.dumps((False, RuntimeError(traceback.format_exc())))
        return answer


def _end_with_parent() -> None:
    """End the worker when its service was killed."""

    def wait() -> None:
        parent = multiprocessing.parent_process()
        if parent is not None:
            parent.join()
        os._exit(1)

    threading.Thread(target=wait, daemon=True).start()


def cores() -> int:
    """Processors that this process may use."""
    return len(os.sched_getaffinity(0))
