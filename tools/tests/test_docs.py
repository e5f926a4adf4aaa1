"""Commands, paths, links, metrics, layers and loops that pages name exist; figures name commit and command."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest

from tools.tests.doc_files import PAGES, ROOT, command_fault, name_of

BASES = ("", "supervisor", "firmware", "hil_tests", "docs")
CODE = [*ROOT.glob("supervisor/**/*.py"), *ROOT.glob("tools/**/*.py"), *ROOT.glob("hil_tests/**/*.py")]
FIGURES = ROOT / "docs" / "figures.md"

# Metaphors and literal translations that were common here once, and what the style guide has instead.
DIALECT = re.compile(
    r"\beach \d+ ?(s|min|h)\b|\bis no (number|text|url|address)\b|\bgave way\b|\bgive way\b|\brooms?\b|\bhouses?\b"
    r"|\bdoors?\b|\bkeepers?\b|\bdice\b|\bwhole story\b|\bthis floor\b|\bfloors\b"
    r"|\bfears?\b|\bheard of\b|\btried and left\b",
    re.IGNORECASE,
)

MESSAGES = ("roadheat stays off",)  # on the console of a board, no commands

each_page = pytest.mark.parametrize("page", PAGES, ids=name_of)


def text_of(page: Path) -> str:
    return page.read_text(encoding="utf-8")


def quoted(page: Path) -> list[str]:
    """Text in backticks, and lines of code blocks."""
    text = text_of(page)
    blocks = re.findall(r"^ {4,}([^\n]+)$|^```\w*\n(.*?)^```", text, re.MULTILINE | re.DOTALL)
    lines = [line.strip() for indented, fenced in blocks for line in (indented or fenced).splitlines()]
    return [re.sub(r"\s+", " ", found) for found in re.findall(r"`([^`]+)`", text)] + lines


@each_page
def test_every_command_exists(page: Path) -> None:
    lines = [line for line in quoted(page) if re.match(r"roadheat \w", line) and not line.startswith(MESSAGES)]
    # `a|b` stands for several commands, `…` for further arguments.
    faults = {line: command_fault(re.split(r"…|\.\.\.|\\$| #|, ", line)[0]) for line in lines if "|" not in line}
    assert not {line: fault for line, fault in faults.items() if fault}


@each_page
def test_every_make_target_exists(page: Path) -> None:
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    named = {match[1] for line in quoted(page) if (match := re.match(r"make ([a-z-]+)", line))}
    assert named <= targets


@each_page
def test_every_path_exists(page: Path) -> None:
    paths = {
        word
        for text in quoted(page)
        for word in re.findall(r"(?:^|\s)([\w./-]+/[\w.-]+\.(?:py|sh|md|toml|json|html))(?:$|[\s,:])", text)
        if not word.startswith(("/", "state/", "demo-report/", "../"))
    }
    assert not [path for path in sorted(paths) if not any((ROOT / base / path).exists() for base in BASES)]


@each_page
def test_every_link_within_the_repository_leads_somewhere(page: Path) -> None:
    targets = re.findall(r"\]\(([^)#:\s]+)(?:#[^)]*)?\)", text_of(page))
    assert not [target for target in targets if not (page.parent / target).exists()]


@each_page
def test_every_metric_exists(page: Path) -> None:
    code = "".join(text_of(path) for path in CODE if "tests" not in path.parts)
    known = set(re.findall(r"\"(roadheat_[a-z_]+)\"", code)) | {"roadheat_forecast_bias"}
    names = {name.removesuffix("_total") for name in re.findall(r"`(roadheat_[a-z_]+)`", text_of(page))}
    assert names <= known


@each_page
def test_no_page_has_the_dialect(page: Path) -> None:
    if page.name != "style.md":  # it names some of them
        assert not [match[0] for match in DIALECT.finditer(text_of(page))]


def test_the_layers_of_the_architecture_page_are_those_that_are_checked() -> None:
    contracts = tomllib.loads(text_of(ROOT / "pyproject.toml"))["tool"]["importlinter"]["contracts"]
    checked = next(contract["layers"] for contract in contracts if contract["type"] == "layers")
    rows = re.findall(r"^\| ((?:`\w+`(?:, )?)+) \|", text_of(ROOT / "docs" / "walk.md"), re.MULTILINE)
    shown = [set(re.findall(r"\w+", row)) for row in rows]
    assert shown[::-1] == [set(re.findall(r"\.(\w+)", layer)) for layer in checked]


def test_every_figure_names_commit_and_command() -> None:
    sections = re.split(r"^## ", text_of(FIGURES), flags=re.MULTILINE)[1:]
    assert len(sections) > 10
    for section in sections:
        title, _, body = section.partition("\n")
        assert re.search(r"\*\*Measured at\*\*\s+`[0-9a-f]{7}`", body), title
        command = re.search(r"\*\*Command:\*\*\s+(?:`([^`]+)`|none\b)", body)
        assert command, title
        line = re.sub(r"\s+", " ", command[1] or "")
        if line.startswith("roadheat"):
            assert command_fault(line) == "", title


def test_only_the_clock_and_the_planner_read_the_machines_time() -> None:
    """CONTRIBUTING: the clock is injected; the exceptions are named there."""
    allowed = {"runtime/clock.py", "planner/solve/exact.py", "planner/pipeline.py"}
    reads = re.compile(r"\btime\.(time|monotonic|perf_counter|process_time)\(|\bdatetime\.now\(|\btime_ns\(")
    package = ROOT / "supervisor"
    found = {
        path.relative_to(package).as_posix()
        for path in package.glob("**/*.py")
        if "tests" not in path.parts and reads.search(text_of(path))
    }
    assert found <= allowed


def test_every_loop_of_the_service_is_named_for_the_operator() -> None:
    code = "".join(text_of(path) for path in CODE if "tests" not in path.parts)
    page = text_of(ROOT / "docs" / "operator.md")
    loops = set(re.findall(r"\.keep\(\"([^\"]+)\"", code))
    assert loops
    assert not [name for name in loops if f"`{name}`" not in page]


def test_names_of_controls_on_the_crew_page_are_those_of_the_app() -> None:
    words = " ".join(text_of(ROOT / "supervisor" / "static" / "i18n" / f"{lang}.json") for lang in ("en", "ko")).lower()
    page = text_of(ROOT / "docs" / "crew.md")
    names = re.findall(r"(?<![*\w])\*([^*\[\]]+)\*(?![*\w])", page)
    assert len(names) > 15
    # "On", "est." and such are parts of longer texts too; what is long enough to be found must be found.
    assert not [name for name in names if name.strip(".").lower() not in words]


def test_code_cites_no_document_that_is_not_here() -> None:
    cited = re.compile(r"\b[A-Z]{4,}(?:\.md\b| §)")
    known = {"README.md", "CHANGELOG.md", "CONTRIBUTING.md", "SECURITY.md"}
    code = [*CODE, *ROOT.glob("firmware/**/*.py")]
    found = {path: set(cited.findall(text_of(path))) - known for path in code if path.name != "test_docs.py"}
    assert not {name_of(path): names for path, names in found.items() if names}
