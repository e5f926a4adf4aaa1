"""`ssl` over the VM's `tls`, for VMs that were built without the frozen module; same API."""

import tls
from tls import *  # noqa: F403


class SSLContext:
    def __init__(self, *args):
        self._context = tls.SSLContext(*args)
        self._context.verify_mode = tls.CERT_NONE

    @property
    def verify_mode(self):
        return self._context.verify_mode

    @verify_mode.setter
    def verify_mode(self, value):
        self._context.verify_mode = value

    def load_cert_chain(self, certfile, keyfile):
        self._context.load_cert_chain(_bytes(certfile), _bytes(keyfile))

    def load_verify_locations(self, cafile=None, cadata=None):
        self._context.load_verify_locations(cadata if cafile is None else _bytes(cafile))

    def wrap_socket(self, sock, server_side=False, do_handshake_on_connect=True, server_hostname=None):
        return self._context.wrap_socket(
            sock,
            server_side=server_side,
            do_handshake_on_connect=do_handshake_on_connect,
            server_hostname=server_hostname,
        )


def _bytes(file_or_data):
    if isinstance(file_or_data, str):
        with open(file_or_data, "rb") as f:
            return f.read()
    return file_or_data


def wrap_socket(
    sock, server_side=False, key=None, cert=None, cert_reqs=tls.CERT_NONE, cadata=None, server_hostname=None
):
    context = SSLContext(tls.PROTOCOL_TLS_SERVER if server_side else tls.PROTOCOL_TLS_CLIENT)
    if cert or key:
        context.load_cert_chain(cert, key)
    if cadata:
        context.load_verify_locations(cadata=cadata)
    context.verify_mode = cert_reqs
    return context.wrap_socket(sock, server_side=server_side, server_hostname=server_hostname)
