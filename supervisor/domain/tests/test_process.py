from __future__ import annotations

import os
import signal
from collections.abc import Iterator

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
    worker.process.join(10)
    assert worker.process.exitcode == -signal.SIGKILL
