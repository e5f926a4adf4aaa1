"""Real servers for tests and benches, each in its own folder, on its own ports: InfluxDB 1.6, VictoriaMetrics, nginx,
NATS, haproxy.

Nothing is shared with a server that the machine may run: loopback only, free ports, data in the given folder. A
server can be killed and started again on the same data, as a crash would have it.
"""

from __future__ import annotations

import json
import shutil
import socket
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

from supervisor.domain.errors import RoadheatError
from tools.process import Process

START_S = 30.0  # ready in 0.1–0.3 s on an idle machine; enough for a very busy one
PROBE_S = 0.05  # between two checks whether it is ready

INFLUXD_CONFIG = """
reporting-enabled = false
bind-address = "127.0.0.1:{rpc_port}"
[meta]
  dir = "{folder}/meta"
[data]
  dir = "{folder}/data"
  wal-dir = "{folder}/wal"
  query-log-enabled = false
[monitor]
  store-enabled = false
[http]
  bind-address = "127.0.0.1:{port}"
  log-enabled = false
[subscriber]
  enabled = false
[continuous_queries]
  enabled = false
"""

# Its defaults, and compression of everything: what an administrator writes first.
NGINX_CONFIG = """
daemon off;
pid {folder}/nginx.pid;
error_log {folder}/nginx.log;
events {{}}
http {{
  access_log off;
  client_body_temp_path {folder}/body;
  proxy_temp_path {folder}/proxy;
  fastcgi_temp_path {folder}/fastcgi;
  uwsgi_temp_path {folder}/uwsgi;
  scgi_temp_path {folder}/scgi;
  gzip on;
  gzip_proxied any;
  gzip_types *;
  server {{
    listen 127.0.0.1:{port};
    location / {{ proxy_pass {upstream}; }}
    location = /nginx-is-ready {{ return 204; }}
  }}
}}
"""


# Before gateways: a connection goes to one that says by /healthz that it has a core.
HAPROXY_CONFIG = """
defaults
  mode tcp
  timeout connect 2s
  timeout client 5m
  timeout server 5m
frontend boards
  bind 127.0.0.1:{port}
  default_backend gateways
backend gateways
  balance leastconn
  option httpchk GET /healthz
  default-server check inter 500ms fall 2 rise 1 on-marked-down shutdown-sessions
{backends}
frontend ready
  mode http
  timeout client 5s
  bind 127.0.0.1:{monitoring}
  monitor-uri /ready
"""

ServerT = TypeVar("ServerT", bound="Server")


class ServerError(RoadheatError):
    code = "server"


def find_program(name: str) -> Path | None:
    """Where a server's program is; None where it is not installed."""
    found = shutil.which(name) or shutil.which(name, path="/usr/bin:/usr/sbin:/usr/local/bin")
    return Path(found) if found else None


def free_port() -> int:
    """A loopback port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class Server(Process):
    """A process that answers HTTP on loopback."""

    def __init__(self, name: str, command: Sequence[str], port: int, ready_path: str, log: Path) -> None:
        super().__init__(log)
        self.name = name
        self.url = f"http://127.0.0.1:{port}"
        self._command = list(command)
        self._ready_path = ready_path

    def start(self) -> None:
        """Start it and wait until it answers. Raises ServerError with the end of its log."""
        process = self._begin(self._command)
        deadline = time.monotonic() + START_S
        while time.monotonic() < deadline and process.poll() is None:
            try:
                with urllib.request.urlopen(self.url + self._ready_path, timeout=1):
                    return
            except (urllib.error.URLError, OSError):
                time.sleep(PROBE_S)
        self.kill()
        raise ServerError(f"does not start: {self._told()}", where=self.name)

    def get(self, path: str, **parameters: str) -> bytes:
        """The body of a GET. Raises urllib's errors."""
        query = urllib.parse.urlencode(parameters)
        with urllib.request.urlopen(f"{self.url}{path}?{query}", timeout=30) as answer:
            return bytes(answer.read())


class Influxd(Server):
    """InfluxDB 1.6."""

    def query(self, influxql: str, database: str = "") -> list[dict[str, Any]]:
        """The series of the first statement: dicts with `name`, `tags`, `columns`, `values`."""
        body = urllib.parse.urlencode({"q": influxql, "db": database, "epoch": "s"}).encode()
        with urllib.request.urlopen(f"{self.url}/query", data=body, timeout=60) as answer:
            result = json.load(answer)["results"][0]
        if "error" in result:
            raise ServerError(str(result["error"]), where=influxql)
        series: list[dict[str, Any]] = result.get("series", [])
        return series

    def create(self, database: str) -> None:
        self.query(f'CREATE DATABASE "{database}"')

    def sums(self, database: str, field: str = "delta_wh") -> dict[str, int]:
        """The sum of a field of measurement `zone`, per zone."""
        series = self.query(f'SELECT sum("{field}") FROM "zone" GROUP BY "zone"', database)
        return {found["tags"]["zone"]: int(found["values"][0][1]) for found in series}


class Victoria(Server):
    """VictoriaMetrics, which accepts the v2 line protocol unmodified."""

    def export(self, metric: str) -> list[dict[str, Any]]:
        """Every sample of a metric: dicts with `metric` (labels), `values`, `timestamps` [ms]."""
        self.get("/internal/force_flush")
        body = self.get("/api/v1/export", **{"match[]": metric}).decode()
        return [json.loads(line) for line in body.splitlines()]


class Nginx(Server):
    """A reverse proxy."""


class Nats(Server):
    """A NATS server; `url` is its monitoring, `address` what clients connect to."""

    def __init__(self, command: Sequence[str], port: int, monitoring: int, log: Path) -> None:
        super().__init__("nats-server", command, monitoring, "/healthz", log)
        self.port = port
        self.address = f"nats://127.0.0.1:{port}"


class Haproxy(Server):
    """A TCP balancer; `url` is its monitoring, `address` what boards dial."""

    def __init__(self, command: Sequence[str], port: int, monitoring: int, log: Path) -> None:
        super().__init__("haproxy", command, monitoring, "/ready", log)
        self.address = "127.0.0.1", port


@contextmanager
def running_nginx(folder: Path, upstream: str) -> Iterator[Nginx]:
    """nginx before `upstream`, with its files in `folder`. Raises ServerError where it is missing or does not start."""
    port = free_port()
    config = folder / "nginx.conf"
    config.write_text(NGINX_CONFIG.format(folder=folder, port=port, upstream=upstream), encoding="utf-8")
    command = [_program("nginx"), "-c", str(config), "-e", str(folder / "nginx.log")]
    yield from _running(Nginx("nginx", command, port, "/nginx-is-ready", folder / "nginx.out"))


@contextmanager
def running_influxd(folder: Path) -> Iterator[Influxd]:
    """InfluxDB with its data in `folder`. Raises ServerError where it is not installed or does not start."""
    port, rpc_port = free_port(), free_port()
    config = folder / "influxd.toml"
    config.write_text(INFLUXD_CONFIG.format(folder=folder, port=port, rpc_port=rpc_port), encoding="utf-8")
    command = [_program("influxd"), "run", "-config", str(config)]
    yield from _running(Influxd("influxd", command, port, "/ping", folder / "influxd.log"))


@contextmanager
def running_victoria(folder: Path) -> Iterator[Victoria]:
    """VictoriaMetrics with its data in `folder`; keeps points of any age."""
    port = free_port()
    command = [
        _program("victoria-metrics"),
        f"-storageDataPath={folder}/victoria",
        f"-httpListenAddr=127.0.0.1:{port}",
        "-retentionPeriod=100y",
        "-search.latencyOffset=0s",
        "-loggerLevel=ERROR",
    ]
    yield from _running(Victoria("victoria-metrics", command, port, "/health", folder / "victoria.log"))


@contextmanager
def running_nats(folder: Path, *options: str) -> Iterator[Nats]:
    """NATS without authentication, on loopback; `options` of its command line are added. Raises ServerError."""
    port, monitoring = free_port(), free_port()
    command = [_program("nats-server"), "-a", "127.0.0.1", "-p", str(port), "-m", str(monitoring), *options]
    yield from _running(Nats(command, port, monitoring, folder / "nats.log"))


@contextmanager
def running_haproxy(folder: Path, gateways: Sequence[tuple[int, int]], port: int = 0) -> Iterator[Haproxy]:
    """haproxy at `port` before gateways, (port, port of /healthz) each. Raises ServerError."""
    port, monitoring = port or free_port(), free_port()
    backends = "\n".join(
        f"  server g{number} 127.0.0.1:{boards} port {health}" for number, (boards, health) in enumerate(gateways)
    )
    config = folder / "haproxy.cfg"
    config.write_text(HAPROXY_CONFIG.format(port=port, monitoring=monitoring, backends=backends), encoding="utf-8")
    command = [_program("haproxy"), "-f", str(config), "-db"]
    yield from _running(Haproxy(command, port, monitoring, folder / "haproxy.log"))


def _program(name: str) -> str:
    found = find_program(name)
    if found is None:
        raise ServerError("not installed", where=name, remedy="On Debian as root: python -m tools.get_servers")
    return str(found)


def _running(server: ServerT) -> Iterator[ServerT]:
    server.start()
    try:
        yield server
    finally:
        server.stop()
