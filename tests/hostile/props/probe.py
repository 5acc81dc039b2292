"""Helpers of the hostile agent's programs; runs inside the sandbox on the standard library alone."""

import ctypes
import errno
import os
import socket
import ssl
import sys
import time

PROXY = ("127.0.0.1", 3128)
LIBC = ctypes.CDLL(None, use_errno=True)


def attempt(label, action):
    """Print BREACH if the action works, else the error that refused it."""
    try:
        got = action()
    except OSError as error:
        print(f"{label}: {errno.errorcode.get(error.errno) or error.errno or type(error).__name__}")
    except Exception as error:
        print(f"{label}: {type(error).__name__}")
    else:
        print(f"{label}: BREACH {got!r}"[:200])


def system_call(name, *arguments):
    """Call a function of the C library; raises OSError when it fails."""
    result = getattr(LIBC, name)(*arguments)
    if result == -1:
        raise OSError(ctypes.get_errno(), name)
    return result


def raw_call(number, *arguments):
    """Make a system call by its number (x86_64); raises OSError when it fails."""
    result = LIBC.syscall(ctypes.c_long(number), *arguments)
    if result == -1:
        raise OSError(ctypes.get_errno(), str(number))
    return result


def dial(seconds=10):
    """A connection to the proxy."""
    return socket.create_connection(PROXY, seconds)


def rest(connection, limit=1 << 20):
    """All that the peer still sends."""
    data = bytearray()
    try:
        while len(data) < limit:
            piece = connection.recv(65536)
            if not piece:
                break
            data += piece
    except OSError:
        pass
    return bytes(data)


def ask(request, shown=110):
    """Send bytes to the proxy and print the status of its answer with the beginning of the reason."""
    with dial() as connection:
        connection.sendall(request if isinstance(request, bytes) else request.encode("latin-1"))
        answer = rest(connection)
    line = answer.split(b"\r\n")[0].decode("latin-1")
    print(line.partition(" ")[2][:shown] or "(closed without a word)")
    return answer


def get(url, host=None, extra="", method="GET"):
    """Ask the proxy for a whole URL."""
    host = host or url.split("/")[2]
    return ask(f"{method} {url} HTTP/1.1\r\nHost: {host}\r\n{extra}\r\n")


def connect(where, first=b""):
    """Ask the proxy for a tunnel, and send `first` through it."""
    return ask(f"CONNECT {where} HTTP/1.1\r\nHost: {where}\r\n\r\n".encode("latin-1") + first)


def hello(name):
    """A TLS ClientHello that asks for a server name."""
    context = ssl._create_unverified_context()
    coming, going = ssl.MemoryBIO(), ssl.MemoryBIO()
    try:
        context.wrap_bio(coming, going, server_hostname=name).do_handshake()
    except ssl.SSLWantReadError:
        pass
    return going.read()


def guests():
    """The process ids of the guest and its workers."""
    found = []
    for name in os.listdir("/proc"):
        if name.isdigit():
            try:
                if b"workbench/guest" in open(f"/proc/{name}/cmdline", "rb").read():
                    found.append(int(name))
            except OSError:
                pass
    return found


def whole(url):
    """All bytes of an answer."""
    with dial() as connection:
        connection.sendall(f"GET {url} HTTP/1.1\r\nHost: {url.split('/')[2]}\r\n\r\n".encode())
        return rest(connection, 1 << 30)
