"""From power to a TLS stream: network up, socket, pinned CA. The only module that uses sockets."""

import asyncio
import socket

from . import seal, trust

try:
    import tls
except ImportError:  # an older chip image
    import ssl as tls  # type: ignore[no-redef]

if 0:  # for the type checker; leaves nothing on the chip
    from typing import Any

_NODELAY = (6, 1, 1)  # IPPROTO_TCP, TCP_NODELAY: small frames, answered at once
ERRORS_MAX = 30  # of `connect`, which says OSError also while it is connecting; half an hour at the link's back-off


class Trust:
    """TLS client context with the board's authorities; made once, because it costs heap. ca: provisioned file, DER."""

    def __init__(self, ca: str) -> None:
        self._ca = ca
        self._context: "Any" = None
        self.known: "list[str]" = []  # authorities that the context has, by `trust.short`

    def forget(self) -> None:
        """Make it anew for the next connection."""
        self._context = None

    def wrap(self, sock: "Any", server_name: str) -> "Any":
        """The socket under TLS; raises OSError also where no authority can be used."""
        if self._context is None:
            der, why, _ = seal.pick(self._ca)
            if der is None:
                raise OSError(self._ca + " " + why)
            self._context = self._made(trust.authorities(der)) or self._made([der])
            if self._context is None:
                raise OSError("no certificate in " + self._ca)
        return self._context.wrap_socket(sock, server_hostname=server_name, do_handshake_on_connect=False)

    def _made(self, authorities: "list[bytes]") -> "Any":
        """A context with those of the authorities that it takes; None where it takes none."""
        context: "Any" = tls.SSLContext(tls.PROTOCOL_TLS_CLIENT)
        context.verify_mode = tls.CERT_REQUIRED
        self.known = []
        for der in authorities:
            try:
                context.load_verify_locations(der)
                self.known.append(trust.short(der))
            except ValueError:
                pass
        return context if self.known else None


class Stream(asyncio.StreamReader):
    """TLS over `sock`. After a handshake that failed, closing TLS leaves the socket open: there are few on the chip."""

    def __init__(self, wrapped: "Any", sock: "Any") -> None:
        super().__init__(wrapped)
        self._sock = sock

    async def wait_closed(self) -> None:
        try:
            self.s.close()  # type: ignore[attr-defined]  # MicroPython's stream
        finally:
            self._sock.close()


async def connect(host: str, port: int, authorities: Trust, server_name: str) -> "asyncio.StreamReader":
    """Stream to host:port whose certificate names `server_name`; raises OSError. Closes its socket if cancelled."""
    info = socket.getaddrinfo(host, port, 0, socket.SOCK_STREAM)[0]
    sock = socket.socket(info[0], info[1], info[2])
    try:
        sock.setblocking(False)
        try:
            sock.setsockopt(*_NODELAY)
        except OSError:
            pass
        try:
            sock.connect(info[-1])
        except OSError as e:
            if e.args[0] not in (115, 119):  # EINPROGRESS on Linux and on the chip
                raise
        wrapped = authorities.wrap(sock, server_name)
        wrapped.setblocking(False)
        stream = Stream(wrapped, sock)
        await asyncio.sleep(0)
        return stream
    except BaseException:
        sock.close()
        raise


class Uplink:
    """The way to the network: WiFi, or Ethernet by a PHY; with neither the host is already online.

    wifi, lan: as in config.json.
    """

    def __init__(self, wifi: "dict[str, str] | None", lan: "dict[str, int] | None") -> None:
        self._wifi = wifi
        self._lan = lan
        self._port: "Any" = None
        self._errors = 0

    def up(self) -> bool:
        """Start or check the connection, without waiting for it. Called when the link dials.

        Raises whatever the port's driver raises; the next call then starts anew.
        """
        if self._wifi is None and self._lan is None:
            return True
        try:
            if self._port is None:
                self._port = self._made()
                self._port.active(True)
            if self._port.isconnected():
                return True
            if self._wifi is not None:
                self._connect(self._wifi)
        except Exception:  # MicroPython 1.25 raises RuntimeError for what its WiFi cannot do
            self._close()
            raise
        return False

    def _connect(self, wifi: "dict[str, str]") -> None:
        try:
            self._port.connect(wifi["ssid"], wifi["password"])
        except OSError:  # usually: it is connecting already
            self._errors += 1
            if self._errors % ERRORS_MAX == 0:
                raise

    def _close(self) -> None:
        port, self._port = self._port, None
        try:
            port.active(False)
        except Exception:
            pass  # nothing was open, or the driver refuses; it is tried again either way

    def _made(self) -> "Any":
        import network

        port: "Any"
        if self._wifi is not None:
            port = network.WLAN(network.STA_IF)
        else:
            from machine import Pin

            lan: "Any" = self._lan
            power = None if lan.get("power") is None else Pin(lan["power"])
            phy = network.PHY_LAN8720
            make: "Any" = network.LAN  # the stubs know the generic signature only
            clock = {}
            if lan.get("ref_clk") is not None:  # else the port's default: 0, driven by the PHY
                mode = Pin.OUT if lan.get("ref_clk_out") else Pin.IN
                clock = {"ref_clk": Pin(lan["ref_clk"]), "ref_clk_mode": mode}
            pins = {"mdc": Pin(lan["mdc"]), "mdio": Pin(lan["mdio"])}
            port = make(power=power, phy_type=phy, phy_addr=lan["phy_addr"], **pins, **clock)
        return port
