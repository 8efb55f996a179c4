"""TLS sessions resumed, in libraries that take an `ssl.SSLContext`.

Python's ssl resumes a session only where `wrap_socket` or `wrap_bio` is given one, and none of requests,
urllib3, httpx and aiohttp has a setting for that: with one context, session and pool kept, each new
connection is still a full handshake. What they let one do is to pass a context of one's own, and this is one
that remembers the last session and gives it to the next connection. It is code that hardly any user has, so
it is the variant `resume` and not part of `best`.

All connections of a context are to one host here; a context for several would keep a session for each.
"""

from __future__ import annotations

import socket
import ssl
from typing import TYPE_CHECKING, Any

from contender import Target

if TYPE_CHECKING:
    from typing_extensions import Buffer


class ResumingSocket(ssl.SSLSocket):
    """A connection of a library that blocks."""

    def read(self, len: int = 1024, buffer: Buffer | None = None) -> Any:  # noqa: A002
        """Read, after which the session is complete: in TLS 1.3 the ticket comes behind the handshake."""
        data = super().read(len, buffer)
        remember(self)
        return data


class ResumingObject(ssl.SSLObject):
    """A connection of asyncio."""

    def read(self, len: int = 1024, buffer: Buffer | None = None) -> Any:  # noqa: A002
        """Read, after which the session is complete."""
        data = super().read(len, buffer)
        remember(self)
        return data


class ResumingContext(ssl.SSLContext):
    """A context that gives each new connection the session of an earlier one."""

    sslsocket_class = ResumingSocket
    sslobject_class = ResumingObject
    kept: ssl.SSLSession | None = None

    def wrap_socket(self, sock: socket.socket, *values: Any, **named: Any) -> ssl.SSLSocket:
        """Begin a connection of a library that blocks."""
        named.setdefault("session", self.kept)
        return super().wrap_socket(sock, *values, **named)

    def wrap_bio(
        self, incoming: ssl.MemoryBIO, outgoing: ssl.MemoryBIO, *values: Any, **named: Any
    ) -> ssl.SSLObject:
        """Begin a connection of asyncio."""
        named.setdefault("session", self.kept)
        return super().wrap_bio(incoming, outgoing, *values, **named)


def remember(connection: ssl.SSLSocket | ssl.SSLObject) -> None:
    """Keep the session of a full handshake; what was resumed is kept already, until the server refuses it."""
    context = connection.context
    if isinstance(context, ResumingContext) and not connection.session_reused:
        context.kept = connection.session


def context(target: Target) -> ResumingContext:
    """Return a context with what `ssl.create_default_context` sets for a client."""
    made = ResumingContext(ssl.PROTOCOL_TLS_CLIENT)
    made.load_verify_locations(cafile=target.ca_bundle)
    made.load_cert_chain(target.chain, target.key)
    return made
