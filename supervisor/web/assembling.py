"""Start files: the app's ES modules put together as they are, so that a phone asks once and not fifty times.

A start file holds one module and all that it imports; what it imports later, with `import("./x.js")`, and what only
that needs, is a start file of its own. Each module becomes a function that is called once, in the order of
their imports:

    const m_clock_js = (() => {
      …the module's text, its imports taken from the constants above…
      return { ServerClock };
    })();

The modules keep to a few forms of import and export, each at the beginning of a line: those below. Anything else is an
`AssemblyError` that names file and line, and so is a circle of imports.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from supervisor.domain.errors import RoadheatError

_COMMENTS: Final = re.compile(r"^[ \t]*(?://.*|/\*\*(?:(?!\*/)[\s\S])*\*/[ \t]*)\n", re.MULTILINE)
_TYPES: Final = re.compile(r"/\*\*(?:(?!\*/)[\s\S])*\*/")
_IMPORT: Final = re.compile(
    r'^import\s*(?:(?P<whole>\w+)|\{(?P<names>[^}]*)\})\s*from\s*"(?P<path>\.[^"]+)";', re.MULTILINE
)
_LATER: Final = re.compile(r'\bimport\("(\.[^"]+)"\)')
_DECLARED: Final = re.compile(r"^export (?=(?:const|class|function|async function) (\w+))", re.MULTILINE)
_LISTED: Final = re.compile(r"\bexport\s*\{([^}]*)\};?")  # minified: not at the beginning of a line
_DEFAULT_NAME: Final = re.compile(r"^export default (\w+);", re.MULTILINE)
_DEFAULT_FUNCTION: Final = re.compile(r"\bexport default (?=function\()")
_LEFT: Final = re.compile(r"^\s*(?:import\b(?!\s*\()|export\b).*", re.MULTILINE)


class AssemblyError(RoadheatError):
    """A module that cannot be put into a start file."""


def _pairs(names: str) -> Iterator[tuple[str, str]]:
    """`a, b as c` → (a, a), (b, c)."""
    for part in filter(None, map(str.strip, names.split(","))):
        first, _, second = part.partition(" as ")
        yield first.strip(), (second or first).strip()


def constant(module: str) -> str:
    """What holds a module's exports in a start file: `vendor/htm.mjs` → `m_vendor_htm_mjs`."""
    return "m_" + re.sub(r"\W", "_", module)


@dataclass(frozen=True)
class Module:
    """A module's text as the body of a function, with what it needs and gives."""

    name: str
    body: str
    imports: tuple[str, ...]
    later: tuple[str, ...]
    exports: dict[str, str]  # exported name → name in the body

    @classmethod
    def read(cls, name: str, text: str) -> Module:
        """Parse the text of the module at path `name`; raises AssemblyError."""
        folder = posixpath.dirname(name)
        imports, exports = [], {}

        def imported(found: re.Match[str]) -> str:
            source = posixpath.normpath(posixpath.join(folder, found["path"]))
            imports.append(source)
            wanted = [("default", found["whole"])] if found["whole"] else list(_pairs(found["names"]))
            return f"const {{ {', '.join(f'{a}: {b}' for a, b in wanted)} }} = {constant(source)};"

        def listed(found: re.Match[str]) -> str:
            exports.update({outside: inside for inside, outside in _pairs(found[1])})
            return ""

        body = _IMPORT.sub(imported, _COMMENTS.sub("", text))
        exports.update({declared: declared for declared in _DECLARED.findall(body)})
        if whole := _DEFAULT_NAME.search(body):
            exports["default"] = whole[1]
        body = _DEFAULT_NAME.sub("", _DECLARED.sub("", body))
        if _DEFAULT_FUNCTION.search(body):
            exports["default"] = "defaultExport"
            body = _DEFAULT_FUNCTION.sub("const defaultExport = ", body)
        body = _LISTED.sub(listed, body)
        if left := _LEFT.search(body):
            raise AssemblyError(
                f"{name}: {left[0].strip()[:80]!r} is a form of import or export that start files do not take"
            )
        later = tuple(posixpath.normpath(posixpath.join(folder, path)) for path in _LATER.findall(_TYPES.sub("", body)))
        return cls(name, body, tuple(imports), later, exports)

    def function(self) -> str:
        given = ", ".join(f"{outside}: {inside}" for outside, inside in self.exports.items())
        return f"const {constant(self.name)} = (() => {{\n{self.body.strip()}\nreturn {{ {given} }};\n}})();\n"


class Assembly:
    """All start files that begin with one module, and where each module is."""

    def __init__(self, sources: Mapping[str, str], entry: str) -> None:
        """`sources`: text by path; `entry`: the module that the page starts. Raises AssemblyError."""
        self._sources = sources
        self.modules: dict[str, Module] = {}
        self.home: dict[str, str] = {}  # module → start file, which has the name of its first module
        self._parts: dict[str, list[str]] = {}
        waiting = [entry]
        while waiting:
            part = waiting.pop(0)
            if self.home.get(part, part) != part:
                raise AssemblyError(f"{part}: imported later, but {self.home[part]} has it from the start")
            if part in self._parts:
                continue
            self._parts[part] = []
            self._take(part, part, ())
            waiting += [later for name in self._parts[part] for later in self.modules[name].later]

    def _take(self, name: str, part: str, above: tuple[str, ...]) -> None:
        """Put a module, after all that it imports, into a start file unless it is in one already."""
        if name in above:
            raise AssemblyError(f"{name}: imports itself by way of {' → '.join(above[above.index(name) :])}")
        if name in self.home:
            return
        if name not in self._sources:
            raise AssemblyError(f"{above[-1] if above else part}: imports {name}, which does not exist")
        module = Module.read(name, self._sources[name])
        for needed in module.imports:
            self._take(needed, part, (*above, name))
        self.modules[name], self.home[name] = module, part
        self._parts[part].append(name)

    def files(self) -> dict[str, str]:
        """Text of each start file by its name."""
        return {part: self._text(part, names) for part, names in self._parts.items()}

    def _text(self, part: str, names: list[str]) -> str:
        foreign: dict[str, list[str]] = {}
        for needed in sorted({needed for name in names for needed in self.modules[name].imports}):
            if self.home[needed] != part:
                foreign.setdefault(self.home[needed], []).append(constant(needed))
        lines = [f'import {{ {", ".join(wanted)} }} from "./{home}";\n' for home, wanted in foreign.items()]
        lines += [self.modules[name].function() for name in names]
        lines.append(f"export {{ {', '.join(map(constant, names))} }};\n")
        own = ", ".join(name for name in self.modules[part].exports if name != "default")
        return "".join(lines) + (f"export const {{ {own} }} = {constant(part)};\n" if own else "")

    def plain(self, name: str, folder: str) -> str:
        """What a module's plain address gives: that module inside the start file below `folder`, not a second one."""
        exports = self.modules[name].exports
        own = ", ".join(each for each in exports if each != "default")
        lines = [f'import {{ {constant(name)} as it }} from "{folder}/{self.home[name]}";']
        lines += [f"export const {{ {own} }} = it;"] if own else []
        lines += ["export default it.default;"] if "default" in exports else []
        return "\n".join(lines) + "\n"
