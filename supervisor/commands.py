"""What every command group shares: commands imported when called, errors as sentences, checks before long work.

Imports click and the error tree only, so that `--help` is quick.
"""

from __future__ import annotations

import errno
import os
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, NoReturn

import click

from supervisor.domain.errors import CommandError, RoadheatError

if TYPE_CHECKING:
    from importlib.metadata import EntryPoint

# optional modules, and the extra of roadheat that installs each
EXTRA_OF = {
    "matplotlib": "report",
    "pyarrow": "parquet",
    "pymodbus": "city",
    "bacpypes3": "city",
    "mcp": "mcp",
    "nats": "scale",
}

# an OSError that names a file and has one of these is of the operator's disk; another may be a fault of the program
_OF_THE_DISK = frozenset({
    errno.EACCES, errno.EDQUOT, errno.EEXIST, errno.EIO, errno.EISDIR, errno.ENAMETOOLONG, errno.ENOENT, errno.ENOSPC,
    errno.ENOTDIR, errno.EPERM, errno.EROFS,
})  # fmt: skip


class Lazy(NamedTuple):
    """A command that is imported when it is called."""

    target: str  # "module:name"
    short_help: str  # for the group's list, which imports nothing; a test compares it with the command's own


class LazyGroup(click.Group):
    """A group with three kinds of commands: its own, those of a table, and those of entry points.

    `lazy` is name → `Lazy`; `plugins` gives the entry points of other packages. Both are imported when called, never
    for the group's `--help`, which shows `plugin_help` or the summary of the package that brings a command. A
    RoadheatError ends the program with a sentence and status 2, and so does a file that cannot be read or written.
    """

    def __init__(
        self,
        *args: Any,
        lazy: Mapping[str, Lazy] | None = None,
        plugins: Callable[[], Iterable[EntryPoint]] | None = None,
        plugin_help: Mapping[str, str] | None = None,
        **options: Any,
    ) -> None:
        super().__init__(*args, **options)
        self._lazy = dict(lazy or {})
        self._plugins = plugins
        self._plugin_help = dict(plugin_help or {})

    def _points(self) -> dict[str, EntryPoint]:
        return {point.name: point for point in self._plugins()} if self._plugins else {}

    def list_commands(self, ctx: click.Context) -> list[str]:
        return sorted({*super().list_commands(ctx), *self._lazy, *self._points()})

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """The list of commands, made without importing them."""
        points = self._points()
        rows = []
        for name in self.list_commands(ctx):
            own = super().get_command(ctx, name)
            if own is None:
                text = self._lazy[name].short_help if name in self._lazy else ""
                text = text or self._plugin_help.get(name) or _summary(points[name])
            elif own.hidden:
                continue
            else:
                text = own.get_short_help_str(limit=formatter.width)
            rows.append((name, text))
        if rows:
            with formatter.section("Commands"):
                formatter.write_dl(rows)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        command = super().get_command(ctx, cmd_name)
        if command is not None:
            return command
        point = None if cmd_name in self._lazy else self._points().get(cmd_name)
        if cmd_name not in self._lazy and point is None:
            return None
        try:
            loaded = point.load() if point else _load(self._lazy[cmd_name].target)
        except Exception as error:  # another package's module may fail in any way; the other commands still work
            return _unloadable(cmd_name, f"{type(error).__name__}: {error}")
        if not isinstance(loaded, click.Command):
            return _unloadable(cmd_name, f"a {type(loaded).__name__} is not a click command")
        return loaded

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except RoadheatError as error:
            fail(error)
        except OSError as error:
            if error.filename is None or error.errno not in _OF_THE_DISK:
                raise
            remedy = "Check the path, its rights and the space on its disk, then run it again"
            fail(RoadheatError(str(error.strerror).lower(), where=os.fsdecode(error.filename), remedy=remedy))


def _load(target: str) -> object:
    module, _, name = target.partition(":")
    return getattr(import_module(module), name)


def _summary(point: EntryPoint) -> str:
    """The summary of the package that provides a command."""
    package = getattr(point, "dist", None)
    return f"({package.name}) {package.metadata['Summary'] or ''}".strip() if package else ""


def _unloadable(name: str, reason: str) -> click.Command:
    """Replaces a command that cannot be loaded; reports why, whatever its arguments."""

    def say() -> None:
        raise RoadheatError(f"`roadheat {name}` cannot be loaded: {reason}", remedy="Install or repair what it names")

    settings = {"ignore_unknown_options": True, "allow_extra_args": True}
    return click.Command(
        name, callback=say, context_settings=settings, short_help=f"(cannot be loaded: {reason})", add_help_option=False
    )


def fail(error: RoadheatError) -> NoReturn:
    """Say what went wrong, where and what to do; end with status 2, since 1 is for what a command has found."""
    from supervisor import terminal

    console = terminal.console(stderr=True)
    if error.where:
        console.print(f"{error.where}: ", style="bold", end="", soft_wrap=True)
    console.print(error.message, style="red", soft_wrap=True)
    if error.remedy:
        console.print(f"  {error.remedy}", soft_wrap=True)
    sys.exit(2)


def require(module: str, where: str, otherwise: str = "") -> None:
    """Refuse now, before any work, what an optional module is needed for at the end.

    Raises CommandError with the extra to install; `otherwise` names what to do without it.
    """
    try:
        import_module(module)
    except Exception as error:  # absent, or installed and broken
        remedy = f"Install roadheat[{EXTRA_OF[module]}]" + (f", or {otherwise}" if otherwise else "")
        raise CommandError(f"needs {module}: {error}", where=where, remedy=remedy) from error


@contextmanager
def drawing(what: str) -> Iterator[None]:
    """Draw pictures last: a failure is one line on standard error, and the figures are already written."""
    try:
        yield
    except Exception as error:  # matplotlib, fonts, a full disk: whatever it is, the figures are already written
        from supervisor import terminal

        text = " ".join(f"{type(error).__name__}: {error}".split())
        terminal.console(stderr=True).print(f"{what}: not drawn ({text})", style="yellow", soft_wrap=True)


class OutputPath(click.Path):
    """A file or folder that a command writes when its work is done; refused at once where it cannot be written."""

    def __init__(self, *, folder: bool = False) -> None:
        super().__init__(file_okay=not folder, dir_okay=folder, path_type=Path)
        self._folder = folder

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Path:
        path = Path(os.fsdecode(super().convert(value, param, ctx)))
        nearest = path if path.exists() else path.parent
        while self._folder and not nearest.exists():  # a folder is made with its parents
            nearest = nearest.parent
        if not nearest.exists():
            self.fail(f"'{path}': folder '{nearest}' does not exist. Make it first.", param, ctx)
        if nearest != path and not nearest.is_dir():
            self.fail(f"'{path}': '{nearest}' is not a folder.", param, ctx)
        if not os.access(nearest, os.W_OK):
            self.fail(f"'{path}': '{nearest}' cannot be written.", param, ctx)
        return path
