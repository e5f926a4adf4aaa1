"""Command groups: nothing heavy for `--help`, plug-ins that fail, needs checked before work, plain text out."""

from __future__ import annotations

import errno
import io
import os
import re
import subprocess
import sys
import time
from importlib import import_module
from importlib.metadata import EntryPoint
from pathlib import Path

import click
import pytest
from click.testing import CliRunner
from rich.table import Table

from supervisor import terminal
from supervisor.cli import OWN, PLUGIN_HELP, main
from supervisor.commands import Lazy, LazyGroup, OutputPath, drawing, require
from supervisor.domain.errors import CommandError, RoadheatError

HEAVY = {"aiohttp", "cryptography", "matplotlib", "msgspec", "numpy", "rich", "scipy"}
PROBE = f"""
import sys, time
from supervisor.cli import main
main(sys.argv[1:], prog_name="roadheat", standalone_mode=False)
print(sorted({HEAVY!r} & set(sys.modules)), round(time.process_time(), 3))
"""
HELP_CPU_S = 0.4


@pytest.mark.parametrize(
    "command", ["", "bench", "board", "board flash", "demo", "energy", "calibrate", "serve", "user"]
)
def test_help_imports_nothing_heavy_and_is_quick(command: str) -> None:
    done = subprocess.run(
        [sys.executable, "-c", PROBE, *command.split(), "--help"], capture_output=True, text=True, check=True
    )
    *text, last = done.stdout.splitlines()
    loaded, _, cpu_s = last.rpartition(" ")
    assert "Usage: roadheat" in text[0]
    assert loaded == "[]"
    assert float(cpu_s) <= HELP_CPU_S


def test_a_report_of_energy_starts_without_network_and_solver() -> None:
    """They cost a second of CPU, in every command that reads city.toml."""
    probe = f"import sys, supervisor.energy.shown; print(sorted({HEAVY!r} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", probe], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "['msgspec', 'numpy', 'rich']"


def _first_paragraph(command: click.Command) -> str:
    return " ".join((command.help or "").split("\n\n")[0].split())


def test_the_list_of_commands_says_what_each_command_says() -> None:
    from supervisor.energy.cli import REPORTS
    from supervisor.people_cli import PEOPLE
    from supervisor.store_cli import STORE
    from tools.bench.cli import BENCHES

    points = {point.name: point for point in entry_points_here()}
    commands = {name: point.load() for name, point in points.items()}
    assert set(commands) == set(PLUGIN_HELP)
    targets = [
        (lazy.target, lazy.short_help)
        for lazy in (*OWN.values(), *BENCHES.values(), *PEOPLE.values(), *REPORTS.values(), *STORE.values())
    ]
    loaded = [(getattr(import_module(t.split(":")[0]), t.split(":")[1]), text) for t, text in targets]
    loaded += [(commands[name], text) for name, text in PLUGIN_HELP.items()]
    for command, text in loaded:
        assert isinstance(command, click.Command)
        assert _first_paragraph(command).startswith(text.removesuffix(".")), command.name


def entry_points_here() -> list[EntryPoint]:
    from supervisor.cli import plugins

    return [p for p in plugins() if p.value.startswith(("tools.", "hil_tests."))]


class _Point:
    """An entry point of another package."""

    def __init__(self, name: str, gives: object) -> None:
        self.name, self._gives = name, gives
        self.loads = 0

    def load(self) -> object:
        self.loads += 1
        if isinstance(self._gives, BaseException):
            raise self._gives
        return self._gives


def _group(*points: _Point) -> click.Group:
    return LazyGroup(
        "city",
        lazy={"gone": Lazy("supervisor.nowhere:gone", "Not there.")},
        plugins=lambda: points,  # type: ignore[arg-type,return-value]
    )


def test_plugins_are_listed_without_being_loaded_and_work_when_called() -> None:
    salt = _Point("salt", click.Command("salt", callback=lambda: click.echo("spread")))
    group = _group(salt)
    listed = CliRunner().invoke(group, ["--help"])
    assert "salt" in listed.output
    assert "Not there." in listed.output
    assert salt.loads == 0
    assert CliRunner().invoke(group, ["salt"]).output == "spread\n"


@pytest.mark.parametrize(
    ("gives", "said"),
    [
        (ImportError("No module named 'cheese'"), "No module named 'cheese'"),
        (AttributeError("module has no attribute 'x'"), "no attribute 'x'"),
        (SyntaxError("invalid syntax"), "invalid syntax"),
        (ValueError("[/bold] broke"), "[/bold] broke"),
        ("text", "a str is not a click command"),
    ],
)
def test_a_plugin_that_cannot_be_loaded_says_why_and_affects_no_other(gives: object, said: str) -> None:
    group = _group(_Point("bad", gives), _Point("salt", click.Command("salt", callback=lambda: click.echo("spread"))))
    for arguments in (["bad"], ["bad", "--any", "thing"], ["bad", "--help"]):
        result = CliRunner().invoke(group, arguments)
        assert result.exit_code == 2
        assert said in result.output
        assert isinstance(result.exception, SystemExit)
    assert CliRunner().invoke(group, ["salt"]).exit_code == 0
    assert "nowhere" in CliRunner().invoke(group, ["gone"]).output
    assert CliRunner().invoke(group, ["unknown"]).exit_code == 2


def test_errors_show_place_and_remedy_as_they_are() -> None:
    @click.group(cls=LazyGroup)
    def group() -> None: ...

    @group.command()
    def go() -> None:
        raise RoadheatError("no [/Seoul] \x1b[31m", where="city.toml: [zone]", remedy="Add [[zone]] :snowflake:")

    result = CliRunner().invoke(group, ["go"])
    assert result.exit_code == 2
    assert result.output == "city.toml: [zone]: no [/Seoul] \\x1b[31m\n  Add [[zone]] :snowflake:\n"


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EACCES, errno.ENOENT])
def test_a_file_that_cannot_be_read_or_written_is_named(number: int) -> None:
    @click.group(cls=LazyGroup)
    def group() -> None: ...

    @group.command()
    def go() -> None:
        raise OSError(number, os.strerror(number), "/a/file")

    result = CliRunner().invoke(group, ["go"])
    assert result.exit_code == 2
    assert result.output.startswith(f"/a/file: {os.strerror(number).lower()}\n  Check the path")


def test_another_fault_of_the_system_keeps_its_traceback() -> None:
    @click.group(cls=LazyGroup)
    def group() -> None: ...

    @group.command()
    def go() -> None:
        raise OSError(errno.EBADF, "Bad file descriptor")

    assert isinstance(CliRunner().invoke(group, ["go"]).exception, OSError)


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("[/Seoul]", "[/Seoul]"),
        ("[bold]x[/]", "[bold]x[/]"),
        (":fire:", ":fire:"),
        ("\x1b]0;title\x07", "\\x1b]0;title\\x07"),
        ("a\rb\x7f\x85", "a\\rb\\x7f\\x85"),
        ("\u202eabc", "\\u202eabc"),
        ("\udcff", "\\udcff"),
        ("성북동 → 15 °C", "성북동 → 15 °C"),
    ],
)
def test_text_from_outside_is_plain_wherever_it_is_printed(text: str, shown: str) -> None:
    console = terminal.console(width=80)
    console.file = io.StringIO()
    console.print(text)
    console.print(text, style="red", soft_wrap=True)
    console.print(terminal.styled(text, "red"))
    table = Table(text, title=text, caption=text)
    table.add_row(text)
    console.print(table)
    written = console.file.getvalue()
    assert written.count(shown) == 7
    assert not set(written) & set("\x1b\x07\r\x7f\x85\u202e\udcff")


def test_no_command_prints_but_by_the_plain_console() -> None:
    """A console of rich's own would read text from outside as markup."""
    root = Path(__file__).parents[2]
    sources = [p for folder in ("supervisor", "tools", "hil_tests") for p in (root / folder).rglob("*.py")]
    own = [
        path.relative_to(root).as_posix()
        for path in sources
        if "tests" not in path.parts[len(root.parts) + 1 :] and path.name != "terminal.py"
        for text in [path.read_text(encoding="utf-8")]
        if "rich" in text and re.search(r"[ =(]Console\(|from_markup", text)
    ]
    assert own == []


def test_what_is_missing_is_refused_before_work(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    with pytest.raises(CommandError, match=r"--plot: needs matplotlib.*roadheat\[report\], or give --no-pictures"):
        require("matplotlib", "--plot", otherwise="give --no-pictures")


def test_a_failed_picture_is_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    with drawing("--plot x.png"):
        raise ValueError("font [/x]\nis broken")
    assert capsys.readouterr().err == "--plot x.png: not drawn (ValueError: font [/x] is broken)\n"


def test_a_place_that_cannot_be_written_is_refused_at_once(tmp_path: Path) -> None:
    begun: list[float] = []

    @click.command()
    @click.option("--json", "file", type=OutputPath())
    @click.option("--plot", "folder", type=OutputPath(folder=True))
    def long(file: Path | None, folder: Path | None) -> None:
        begun.append(time.monotonic())

    (tmp_path / "file").write_text("")
    for arguments, said in (
        (["--json", f"{tmp_path}/no/such/x.json"], "does not exist"),
        (["--json", f"{tmp_path}/file/x.json"], "is not a folder"),
        (["--json", str(tmp_path)], "is a directory"),
        (["--plot", f"{tmp_path}/file"], "is a file"),
        (["--plot", f"{tmp_path}/file/deeper/x"], "is not a folder"),
    ):
        result = CliRunner().invoke(long, arguments)
        assert (result.exit_code, said in " ".join(result.output.split())) == (2, True), result.output
    assert begun == []
    good = CliRunner().invoke(long, ["--json", f"{tmp_path}/x.json", "--plot", f"{tmp_path}/new/folder"])
    assert (good.exit_code, len(begun)) == (0, 1)
    assert not (tmp_path / "new").exists()


def test_every_group_of_the_command_line_is_lazy() -> None:
    assert isinstance(main, LazyGroup)
