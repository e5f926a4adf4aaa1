from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from multiprocessing import connection

import pytest

from supervisor.domain.process import OwnProcess


@pytest.fixture
def worker() -> Iterator[OwnProcess]:
    made = OwnProcess(niceness=3)
    yield made
    made.end()


def test_it_stands_back_as_far_as_asked_and_keeps_to_one_thread(worker: OwnProcess) -> None:
    assert worker.submit(os.nice, 0).result() == min(os.nice(0) + 3, 19)  # 19 is the kernel's last
    assert worker.submit(os.getenv, "OPENBLAS_NUM_THREADS").result() == "1"
    assert worker.submit(os.getpid).result() == worker.process.pid != os.getpid()


def test_it_can_be_ended_in_the_midst_of_work(worker: OwnProcess) -> None:
    worker.submit(signal.pause)
    worker.end()
    assert connection.wait([worker.process.sentinel], timeout=10)


def test_it_can_be_ended_while_a_large_call_is_on_its_way(worker: OwnProcess) -> None:
    """What waits for a reader that is gone would keep the whole service from ever exiting."""
    pid = worker.submit(os.getpid).result()
    writing = worker._executor_manager_thread
    os.kill(pid, signal.SIGSTOP)
    call = worker.submit(len, bytes(8_000_000))
    while not call.running():  # from then on it is written, as far as the pipe takes it
        pass
    worker.end()
    writing.join(20)
    assert not writing.is_alive()
