"""Pages of the documentation and the commands of `roadheat`, for the tests of the documentation."""

from __future__ import annotations

import shlex
from pathlib import Path

import click

from supervisor.cli import main

ROOT = Path(__file__).parents[2]
PAGES = sorted(
    [*(ROOT / "docs").glob("*.md"), *(ROOT / "docs" / "decisions").glob("*.md"), ROOT / "README.md",
     ROOT / "CONTRIBUTING.md", ROOT / "SECURITY.md", ROOT / "hil_tests" / "README.md"]
)  # fmt: skip


def name_of(page: Path) -> str:
    """The page's path in the repository."""
    return page.relative_to(ROOT).as_posix()


def command_fault(line: str) -> str:
    """What is wrong with the subcommand and options of a `roadheat …` line; "" where nothing is."""
    words = shlex.split(line, comments=True)[1:]
    command: click.Command = main
    context = click.Context(command, info_name="roadheat")
    while isinstance(command, click.Group):
        if not words or words[0].startswith("-"):
            break
        word = words.pop(0)
        found = command.get_command(context, word)
        if found is None:
            return f"no command {word!r}"
        command = found
        context = click.Context(command, info_name=word, parent=context)
    known = {option for parameter in command.params for option in (*parameter.opts, *parameter.secondary_opts)}
    known |= {"--help", "-h"}
    wrong = [word for word in words if word.startswith("--") and word.split("=")[0] not in known]
    return f"no option {', '.join(wrong)} of {context.command_path!r}" if wrong else ""
