"""From power to a TLS stream: network up, socket, pinned CA. The only file that knows sockets."""

import asyncio
import socket

from . import seal

try:
    import tls
except ImportError:  # an older chip image
    import ssl as tls  # type: ignore[no-redef]

if 0:  # for the type checker; leaves nothing on the chip
    from typing import Any

_NODELAY = (6, 1, 1)  # IPPROTO_TCP, TCP_NODELAY: small frames, answered at once


class Trust:
    """TLS client context that trusts one authority and nobody else; made once, because it costs heap. ca: file, DER."""

    def __init__(self, ca: str) -> None:
        self._ca = ca
        self._context: "Any" = None

    def wrap(self, sock: "Any", server_name: str) -> "Any":
        """The socket under TLS; raises OSError also where the authority's file is of no use."""
        if self._context is None:
            der, why, _ = seal.pick(self._ca)
            if der is None:
                raise OSError(self._ca + " " + why)
            context: "Any" = tls.SSLContext(tls.PROTOCOL_TLS_CLIENT)
            context.verify_mode = tls.CERT_REQUIRED
            try:
                context.load_verify_locations(der)
            except ValueError:
                raise OSError("no certificate in " + self._ca)
            self._context = context
        return self._context.wrap_socket(sock, server_hostname=server_name, do_handshake_on_connect=False)


async def connect(host: str, port: int, trust: Trust, server_name: str) -> "asyncio.StreamReader":
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
        wrapped = trust.wrap(sock, server_name)
        wrapped.setblocking(False)
        stream = asyncio.StreamReader(wrapped)
        await asyncio.sleep(0)
        return stream
    except BaseException:
        sock.close()
        raise


class Uplink:
    """The way to the network: WiFi, or Ethernet by a PHY; with neither the host is online without us.

    wifi, lan: as in config.json.
    """

    def __init__(self, wifi: "dict[str, str] | None", lan: "dict[str, int] | None") -> None:
        self._wifi = wifi
        self._lan = lan
        self._port: "Any" = None

    def up(self) -> bool:
        """Begin or look after the connection, without waiting for it. Asked when the link dials."""
        if self._wifi is None and self._lan is None:
            return True
        if self._port is None:
            self._port = self._open()
        if self._port.isconnected():
            return True
        if self._wifi is not None:
            try:
                self._port.connect(self._wifi["ssid"], self._wifi["password"])
            except OSError:
                pass  # already trying
        return False

    def _open(self) -> "Any":
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
            port = make(mdc=Pin(lan["mdc"]), mdio=Pin(lan["mdio"]), power=power, phy_type=phy, phy_addr=lan["phy_addr"])
        port.active(True)
        return port
