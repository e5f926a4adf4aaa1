"""Shared by every test: where the measured data is, hypothesis profiles, and that CI skips nothing silently."""

from __future__ import annotations

import os
from collections.abc import Generator, Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

from hil_tests.vm.console import ConsoleRelay
from tools.record_places import place, place_named, postgres, service_place  # noqa: F401 -- fixtures

DATA_DIR = Path(os.environ.get("ROADHEAT_DATA", Path(__file__).parent.parent / "shared" / "data"))

# Skips that are allowed where nothing else may be skipped: they need a server that no package registry has.
OPT_IN = ("INFLUX_URL",)

settings.register_profile("default", deadline=None, print_blob=True, suppress_health_check=[HealthCheck.too_slow])
settings.register_profile("soak", parent=settings.get_profile("default"), max_examples=2_000)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "default"))


@pytest.fixture(scope="session")
def data_dir() -> Path:
    """The measured weather and road data; tests that use it carry the mark `data`."""
    return DATA_DIR


@pytest.fixture
def relay() -> Iterator[ConsoleRelay]:
    """The consoles of a test's emulated boards."""
    made = ConsoleRelay()
    yield made
    made.close()


def pytest_runtest_setup(item: pytest.Item) -> None:
    if item.get_closest_marker("data") and not DATA_DIR.is_dir():
        pytest.skip(f"measured data is not at {DATA_DIR}: set ROADHEAT_DATA")


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    skipped = _unexpected_skips(terminalreporter)
    if skipped and os.environ.get("ROADHEAT_NO_SKIPS"):
        terminalreporter.section("skipped where nothing may be skipped")
        for line in skipped:
            terminalreporter.write_line(line)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport() -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Half a surrogate pair in what a hostile test made the service log cannot pass between processes."""
    report = yield
    report.sections = [(name, text.encode("utf-8", "backslashreplace").decode()) for name, text in report.sections]
    return report


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish(session: pytest.Session, exitstatus: int) -> None:
    reporter = session.config.pluginmanager.get_plugin("terminalreporter")
    if exitstatus == pytest.ExitCode.OK and os.environ.get("ROADHEAT_NO_SKIPS") and _unexpected_skips(reporter):
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


def _unexpected_skips(reporter: pytest.TerminalReporter | None) -> list[str]:
    if reporter is None:
        return []
    reports = reporter.stats.get("skipped", [])
    reasons = [f"{report.nodeid}: {report.longrepr[2]}" for report in reports if isinstance(report.longrepr, tuple)]
    return [reason for reason in reasons if not any(word in reason for word in OPT_IN)]
