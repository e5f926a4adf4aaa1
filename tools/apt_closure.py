"""A Debian package with all its dependencies, of another suite or architecture than the machine's, without root.

apt works on a private state: its own lists, an empty status (so that the whole closure is resolved) and one source,
which is the machine's own Debian source with the suite replaced. So proxies, mirrors and keyring are the machine's, and
apt checks signatures and hashes.
"""

from __future__ import annotations

import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

from supervisor.domain.errors import RoadheatError

_SOURCES = Path("/etc/apt")
_FETCH_S = 300  # a slow mirror; lists are about 10 MB


class AptError(RoadheatError):
    code = "apt"


def _stanzas() -> Iterator[dict[str, str]]:
    """Every deb source of the machine in deb822 terms, from both of apt's formats."""
    for path in sorted(_SOURCES.glob("sources.list.d/*.sources")):
        for block in re.split(r"\n\s*\n", path.read_text()):
            lines = "\n".join(line for line in block.splitlines() if not line.startswith("#"))
            fields = dict(re.findall(r"(?m)^([A-Za-z-]+):[ \t]*(.*(?:\n[ \t]+.*)*)", lines))
            if "deb" in fields.get("Types", "").split() and fields.get("Enabled", "yes") != "no":
                yield fields
    for path in [_SOURCES / "sources.list", *sorted(_SOURCES.glob("sources.list.d/*.list"))]:
        if not path.exists():
            continue
        for line in path.read_text().splitlines():
            if found := re.match(r"deb\s+(?:\[(.*?)\]\s+)?(\S+)\s+(\S+)\s+(.+)", line):
                options = dict(part.split("=", 1) for part in (found[1] or "").split() if "=" in part)
                fields = {"URIs": found[2], "Suites": found[3], "Components": found[4]}
                if "signed-by" in options:
                    fields["Signed-By"] = options["signed-by"]
                yield fields


def _release() -> dict[str, str]:
    """/etc/os-release of this machine, by key."""
    try:
        lines = Path("/etc/os-release").read_text().splitlines()
    except OSError as error:
        raise AptError(f"not a Debian system ({error})") from None
    return {key: value.strip('"') for key, value in (line.split("=", 1) for line in lines if "=" in line)}


def _source(suite: str) -> str:
    """A deb822 source for `suite` like the machine's own main archive."""
    release = _release()
    own = release.get("VERSION_CODENAME", "")
    if release.get("ID") != "debian" or not own:
        raise AptError("not a Debian system")
    for fields in _stanzas():
        if own in fields.get("Suites", "").split() and "main" in fields.get("Components", "").split():
            lines = ["Types: deb", f"URIs: {fields['URIs']}", f"Suites: {suite}", "Components: main"]
            if "Signed-By" in fields:
                lines.append(f"Signed-By: {fields['Signed-By']}")
            return "\n".join(lines) + "\n"
    raise AptError(f"no apt source for {own} main")


def unpack(package: str, suite: str, work: Path, architecture: str | None = None) -> Path:
    """Fetch `package` and what it depends on into `work`, unpack, return the root of the tree."""
    if not shutil.which("apt-get") or not shutil.which("dpkg-deb"):
        raise AptError("no apt-get")
    for folder in ("state/lists/partial", "cache/archives/partial", "debs", "tree"):
        (work / folder).mkdir(parents=True, exist_ok=True)
    (work / "state/status").touch()
    source = work / "only.sources"
    source.write_text(_source(suite))
    settings = {
        "Dir::State": work / "state",
        "Dir::State::lists": work / "state/lists",
        "Dir::State::status": work / "state/status",
        "Dir::Cache": work / "cache",
        "Dir::Etc::sourcelist": source,
        "Dir::Etc::sourceparts": "/dev/null",
        "Dir::Etc::preferences": "/dev/null",
        "Dir::Etc::preferencesparts": "/dev/null",
        "APT::Install-Recommends": "false",
        "APT::Sandbox::User": "",  # the folders belong to this user: works with and without root
        "Acquire::Languages": "none",
        "Debug::NoLocking": "true",
    }
    if architecture:
        settings |= {"APT::Architecture": architecture, "APT::Architectures": architecture}
    options = [f"-o{key}={value}" for key, value in settings.items()]
    _apt([*options, "-qq", "update"], work)
    simulated = _apt([*options, "-qq", "--simulate", "install", package], work)
    closure = re.findall(r"(?m)^Inst (\S+) \((\S+)", simulated)
    _apt(
        [*options, "-qq", "download", *(f"{name.split(':')[0]}={version}" for name, version in closure)], work / "debs"
    )
    for deb in sorted((work / "debs").glob("*.deb")):
        subprocess.run(["dpkg-deb", "-x", deb, work / "tree"], check=True, timeout=_FETCH_S)
    return work / "tree"


def _apt(arguments: list[str], folder: Path) -> str:
    """Output of apt-get run in `folder`."""
    run = subprocess.run(
        ["apt-get", *arguments], cwd=folder, capture_output=True, text=True, timeout=_FETCH_S, check=False
    )
    if run.returncode:
        raise AptError((run.stderr or run.stdout).strip()[-300:] or f"apt-get ended with {run.returncode}")
    return run.stdout
