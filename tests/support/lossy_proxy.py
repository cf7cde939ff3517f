"""A TCP proxy before a PostgreSQL server that loses the answer to a COMMIT: the server has it, the client never hears.

It understands just enough of the protocol to know that a transaction carried a COPY and that its COMMIT was answered.
Only then are both sockets closed: each loss is one of a transaction that is really in the database.
"""
import socket
import struct
import threading

SSL_REQUEST, GSS_REQUEST = 80877103, 80877104


class Messages:
    """Cuts a stream into the protocol's messages: (type, body)."""

    def __init__(self):
        self._data = b""

    def feed(self, data):
        self._data += data
        while len(self._data) >= 5:
            (size,) = struct.unpack_from("!I", self._data, 1)
            if len(self._data) < 1 + size:
                return
            message = self._data[:1], self._data[5:1 + size]
            self._data = self._data[1 + size:]
            yield message


class LossyProxy:
    """`port` leads to the server. While `losses_wanted` is above 0, answers to a COMMIT behind a COPY are lost."""

    def __init__(self, server_port, wanted=b"COMMIT"):
        self.server_port = server_port
        self.wanted = wanted
        self.losses_wanted = 0
        self.losses = 0
        self._lock = threading.Lock()
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        self._thread = threading.Thread(target=self._accept, daemon=True)
        self._thread.start()

    def _accept(self):
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:  # It was closed.
                return
            threading.Thread(target=Relay(self, client).run, daemon=True).start()

    def take_loss(self):
        """True for the one that is to lose its answer now."""
        with self._lock:
            if self.losses_wanted <= 0:
                return False
            self.losses_wanted -= 1
            self.losses += 1
            return True

    def close(self):
        self._listener.close()


class Relay:
    """One connection through the proxy."""

    def __init__(self, proxy, client):
        self.proxy = proxy
        self.client = client
        self.server = socket.create_connection(("127.0.0.1", proxy.server_port))
        self.copied = False      # This transaction has sent rows.
        self.committing = False  # Its COMMIT is on the way.

    def run(self):
        try:
            self._start()
            threading.Thread(target=self._downwards, daemon=True).start()
            self._upwards()
        except OSError:
            pass
        finally:
            self._end()

    def _end(self):
        for end in (self.client, self.server):
            try:
                end.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass
            end.close()

    def _exactly(self, size):
        data = b""
        while len(data) < size:
            piece = self.client.recv(size - len(data))
            if not piece:
                raise OSError("the client left")
            data += piece
        return data

    def _start(self):
        """The first packets have no type; requests for encryption are answered with one byte by the server."""
        while True:
            head = self._exactly(8)
            size, code = struct.unpack("!II", head)
            self.server.sendall(head + self._exactly(size - 8))
            if code not in (SSL_REQUEST, GSS_REQUEST):
                return
            self.client.sendall(self.server.recv(1))

    def _upwards(self):
        messages = Messages()
        while data := self.client.recv(1 << 16):
            for kind, body in messages.feed(data):
                if kind == b"d":
                    self.copied = True
                elif kind in b"QP" and self.proxy.wanted in body:
                    self.committing = self.copied
                    self.copied = False
            self.server.sendall(data)

    def _downwards(self):
        messages = Messages()
        try:
            while data := self.server.recv(1 << 16):
                for kind, body in messages.feed(data):
                    if kind == b"C" and body.startswith(b"COMMIT") and self.committing:
                        self.committing = False
                        if self.proxy.take_loss():
                            return
                self.client.sendall(data)
        except OSError:
            pass
        finally:
            self._end()
