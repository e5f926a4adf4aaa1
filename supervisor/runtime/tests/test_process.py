from __future__ import annotations

import os
import signal
import threading
from collections.abc import Iterator
from concurrent.futures import BrokenExecutor

import pytest

from supervisor.runtime.process import OwnProcess


@pytest.fixture
def worker() -> Iterator[OwnProcess]:
    made = OwnProcess(niceness=3)
    yield made
    made.end()


def test_it_has_the_niceness_asked_for_and_one_thread(worker: OwnProcess) -> None:
    assert worker.submit(os.nice, 0).result() == min(os.nice(0) + 3, 19)  # 19 is the kernel's last
    assert worker.submit(os.getenv, "OPENBLAS_NUM_THREADS").result() == "1"
    assert worker.submit(os.getpid).result() == worker.process.pid != os.getpid()


def test_it_can_be_ended_during_work(worker: OwnProcess) -> None:
    worker.submit(signal.pause)
    worker.end()
    worker.shutdown()
    assert worker.process.exitcode == -signal.SIGKILL


def test_it_can_be_ended_while_a_large_call_is_sent(worker: OwnProcess) -> None:
    """A write to a reader that has ended would keep the service from exiting."""
    os.kill(worker.submit(os.getpid).result(), signal.SIGSTOP)
    call = worker.submit(len, bytes(8_000_000))
    while not call.running():  # from then on it is written, as far as the pipe takes it
        pass
    worker.end()
    with pytest.raises(BrokenExecutor, match="gone"):
        call.result(timeout=20)
    worker._thread.join(20)
    assert not worker._thread.is_alive()


def test_calls_to_a_process_that_died_fail_at_once(worker: OwnProcess) -> None:
    dying, waiting = worker.submit(signal.pause), worker.submit(os.getpid)
    worker.process.kill()
    for call in (dying, waiting, worker.submit(os.getpid)):
        with pytest.raises(BrokenExecutor, match="gone"):
            call.result(timeout=20)


def test_once_ended_it_takes_no_calls_and_cancels_what_waits(worker: OwnProcess) -> None:
    worker.submit(signal.pause)
    waiting = worker.submit(os.getpid)
    worker.end()
    assert waiting.cancelled()
    with pytest.raises(RuntimeError, match="after shutdown"):
        worker.submit(os.getpid)


def test_shut_down_it_finishes_its_calls_and_ends() -> None:
    with OwnProcess() as worker:
        call = worker.submit(os.getpid)
    assert call.result(timeout=0) == worker.process.pid
    assert worker.process.exitcode == 0


def _fails(how: str) -> object:
    if how == "odd":
        raise OddError("street", "z01")
    return threading.Lock() if how == "lock" else int(how)


class OddError(Exception):
    """Pickles, and cannot be made again from what was pickled."""

    def __init__(self, what: str, where: str) -> None:
        super().__init__(f"{what} {where}")


@pytest.mark.parametrize(("how", "text"), [("x", "invalid literal"), ("odd", "street z01"), ("lock", "pickle")])
def test_a_failure_there_is_raised_here_with_its_traceback(worker: OwnProcess, how: str, text: str) -> None:
    with pytest.raises(Exception, match=text) as caught:
        worker.submit(_fails, how).result(timeout=60)
    assert "process.py" in "".join([str(caught.value), *getattr(caught.value, "__notes__", [])])
    assert worker.submit(int, "1").result(timeout=60) == 1


def test_what_cannot_be_pickled_fails_alone(worker: OwnProcess) -> None:
    with pytest.raises(TypeError, match="pickle"):
        worker.submit(len, threading.Lock()).result(timeout=60)
    assert worker.submit(int, "1").result(timeout=60) == 1
