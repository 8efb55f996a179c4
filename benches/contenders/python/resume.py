"""TLS session resumption for libraries that accept an `ssl.SSLContext`.

Python's ssl resumes a session only if the caller passes one to `wrap_socket` or `wrap_bio`. requests,
urllib3, httpx and aiohttp have no setting for that: even with one context and one pool, each new
connection makes a full handshake. They accept a context, however, and this one passes the last session
to the next connection. Hardly any user has such code, so it is the variant `resume` and not part of
`best`.

All connections of a context go to one host here. A context for several hosts would need a session for
each.
"""

from __future__ import annotations

import socket
import ssl
from typing import TYPE_CHECKING, Any

from contender import Target

if TYPE_CHECKING:
    from typing_extensions import Buffer


class ResumingSocket(ssl.SSLSocket):
    """A connection of a blocking library."""

    def read(self, len: int = 1024, buffer: Buffer | None = None) -> Any:  # noqa: A002
        """Read, then save the session: in TLS 1.3 the ticket follows the handshake."""
        data = super().read(len, buffer)
        save_session(self)
        return data


class ResumingObject(ssl.SSLObject):
    """A connection of asyncio."""

    def read(self, len: int = 1024, buffer: Buffer | None = None) -> Any:  # noqa: A002
        """Read, then save the session."""
        data = super().read(len, buffer)
        save_session(self)
        return data


class ResumingContext(ssl.SSLContext):
    """A context that offers each new connection the session of an earlier one."""

    sslsocket_class = ResumingSocket
    sslobject_class = ResumingObject
    last_session: ssl.SSLSession | None = None

    def wrap_socket(self, sock: socket.socket, *values: Any, **named: Any) -> ssl.SSLSocket:
        """Start a connection of a blocking library."""
        named.setdefault("session", self.last_session)
        return super().wrap_socket(sock, *values, **named)

    def wrap_bio(
        self, incoming: ssl.MemoryBIO, outgoing: ssl.MemoryBIO, *values: Any, **named: Any
    ) -> ssl.SSLObject:
        """Start a connection of asyncio."""
        named.setdefault("session", self.last_session)
        return super().wrap_bio(incoming, outgoing, *values, **named)


def save_session(connection: ssl.SSLSocket | ssl.SSLObject) -> None:
    """Save the session of a full handshake; a resumed session is saved already."""
    context = connection.context
    if isinstance(context, ResumingContext) and not connection.session_reused:
        context.last_session = connection.session


def context(target: Target) -> ResumingContext:
    """Return a context with the client settings of `ssl.create_default_context`."""
    created = ResumingContext(ssl.PROTOCOL_TLS_CLIENT)
    created.load_verify_locations(cafile=target.ca_bundle)
    created.load_cert_chain(target.chain, target.key)
    return created
