"""What people do during a run: sign in by the printed link and use the REST API, as the crew app does."""

from __future__ import annotations

import json
import re
import threading
import urllib.error
import urllib.request
from typing import Any, Protocol

from hil_tests.bench.invariants import Invariants
from hil_tests.bench.supervisor_process import SupervisorProcess
from hil_tests.bench.zone import BenchError
from supervisor.config import Config

_PATIENCE_S = 0.3  # wall: a request without an answer by then needs virtual time, which passes in small pieces
_PIECE_MS = 100
_GIVE_UP_S = 60  # virtual


class RunningService(Protocol):
    """What a person needs of the bench."""

    config: Config
    supervisor: SupervisorProcess
    invariants: Invariants
    now_ms: int

    def quantum(self, ms: int) -> None:
        """Let `ms` of virtual time pass."""


class Crew:
    """A person with a phone."""

    def __init__(self, bench: RunningService) -> None:
        self._bench = bench
        self._cookies: dict[str, str] = {}
        self._csrf = ""

    @property
    def url(self) -> str:
        return f"http://{self._bench.config.web.listen}"

    @property
    def login_link(self) -> str:
        """The newest one-time admin link that the service printed; raises BenchError if it has printed none."""
        log = self._bench.supervisor.log.read_text(errors="replace")
        found = re.findall(r"/login\?token=[\w-]+", log)
        if not found:
            raise BenchError("the service has printed no login link", where=str(self._bench.supervisor.log))
        return f"{self.url}{found[-1]}"

    @property
    def signed_in(self) -> bool:
        return bool(self._csrf)

    def login(self) -> None:
        """Use the one-time link."""
        self.request("GET", self.login_link.removeprefix(self.url))
        self._csrf = self.request("GET", "/api/v1/session")["csrf"]

    def override(self, zone: str, mode: str, minutes: int, reason: str = "ice reported") -> dict[str, Any]:
        """Ask for an override and tell the invariants; the answer."""
        if not self._csrf:
            self.login()
        answer = self.request(
            "POST", f"/api/v1/zones/{zone}/overrides", {"mode": mode, "minutes": minutes, "reason": reason}
        )
        bench = self._bench
        tell = bench.invariants.hold_off if mode == "off" else bench.invariants.override
        tell(zone, bench.now_ms, bench.now_ms + minutes * 60_000)
        return dict(answer)

    def cancel(self, zone: str, override_id: int) -> dict[str, Any]:
        answer = self.request("DELETE", f"/api/v1/overrides/{override_id}")
        self._bench.invariants.end_override(zone, self._bench.now_ms + 10_000)
        return dict(answer)

    def request(self, method: str, path: str, body: dict[str, Any] | None = None) -> Any:
        """JSON of an answer (text where it is none); raises BenchError with the problem's text on 4xx and 5xx.

        The service answers while virtual time is stopped; where an answer needs time, the bench lets some pass.
        """
        outcome: list[Any] = []
        thread = threading.Thread(target=lambda: outcome.append(self._fetch(method, path, body)), daemon=True)
        thread.start()
        thread.join(_PATIENCE_S)
        began_ms = self._bench.now_ms
        while thread.is_alive():
            self._bench.quantum(_PIECE_MS)
            thread.join(0.001)
            if self._bench.now_ms - began_ms > _GIVE_UP_S * 1000:
                raise BenchError("no answer", where=f"{method} {path}")
        if isinstance(outcome[0], BaseException):
            raise outcome[0]
        return outcome[0]

    def _fetch(self, method: str, path: str, body: dict[str, Any] | None) -> Any:
        headers = {"Origin": self.url, "Accept": "application/json"}
        if self._cookies:
            headers["Cookie"] = "; ".join(f"{name}={value}" for name, value in self._cookies.items())
        if method != "GET":
            headers["X-CSRF-Token"] = self._csrf
        data = None
        if body is not None:
            data = json.dumps(body).encode()
            headers["Content-Type"] = "application/json"
        request = urllib.request.Request(self.url + path, data=data, headers=headers, method=method)
        try:
            with urllib.request.build_opener(_NoRedirect).open(request, timeout=30) as answer:
                return self._read(answer.headers.get_all("Set-Cookie"), answer.read())
        except urllib.error.HTTPError as error:
            if error.code in (302, 303):
                return self._read(error.headers.get_all("Set-Cookie"), b"")
            return BenchError(f"status {error.code}: {error.read().decode(errors='replace')}", where=f"{method} {path}")
        except OSError as error:
            return BenchError(str(error), where=f"{method} {path}")

    def _read(self, cookies: list[str] | None, data: bytes) -> Any:
        for cookie in cookies or []:
            name, _, rest = cookie.partition("=")
            self._cookies[name.strip()] = rest.partition(";")[0]
        try:
            return json.loads(data)
        except ValueError:
            return data.decode(errors="replace")


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    """A login answers with a redirect whose cookie matters."""

    def redirect_request(self, *_: Any) -> None:
        return None
