"""A PgBouncer of the tests' own before a PostgreSQL server: transaction mode, a free loopback port, never as root.

It takes every database of that server under the name that it has there.
"""
import os
import shutil
import socket
import subprocess
import tempfile
import threading
import time

from postgresql_server import DEADLINE_S, free_port, unprivileged

ATTEMPTS = 5  # Somebody else may take the port between our asking for it and PgBouncer's.


def program():
    """Debian has it where a plain user does not look."""
    found = shutil.which("pgbouncer", path=os.environ.get("PATH", "") + ":/usr/sbin:/usr/local/sbin")
    if found is None:
        raise RuntimeError("pgbouncer: it is not installed (Debian: pgbouncer)")
    return found


class PgBouncer:
    """One PgBouncer; `url` names it, and `stop` ends it. `settings` are lines of its [pgbouncer] section."""

    def __init__(self, server_port, **settings):
        self.user = unprivileged()
        self.server_port = server_port
        self.directory = tempfile.mkdtemp(prefix="pgbouncer-")
        os.chown(self.directory, self.user.pw_uid, self.user.pw_gid)
        self.log = os.path.join(self.directory, "log")
        self.settings = {"pool_mode": "transaction", "auth_type": "trust", "server_login_retry": 1,
                         "max_client_conn": 1000, "default_pool_size": 20, **settings}
        self.process = None
        self.port = None
        for _ in range(ATTEMPTS):
            self.port = free_port()
            self.start()
            if self.process.poll() is None:
                return
        raise RuntimeError(f"pgbouncer does not start: {self.said()}")

    def start(self):
        """Also again, on the same port, after stop()."""
        settings = {"listen_addr": "127.0.0.1", "listen_port": self.port, "unix_socket_dir": "",
                    "auth_file": self._write("users", '"postgres" ""\n'), "admin_users": "postgres", **self.settings}
        text = f"[databases]\n* = host=127.0.0.1 port={self.server_port}\n[pgbouncer]\n"
        text += "".join(f"{name} = {value}\n" for name, value in settings.items())
        options = {"user": self.user.pw_uid, "group": self.user.pw_gid, "extra_groups": []} if os.geteuid() == 0 else {}
        with open(self.log, "ab") as log:
            self.process = subprocess.Popen([program(), self._write("pgbouncer.ini", text)], stdin=subprocess.DEVNULL,
                                            stdout=log, stderr=log, cwd="/", env={"LC_ALL": "C.UTF-8"}, **options)
        deadline = time.monotonic() + DEADLINE_S
        while self.process.poll() is None and not self._listens():
            if time.monotonic() > deadline:
                raise RuntimeError(f"pgbouncer does not listen: {self.said()}")
            threading.Event().wait(0.01)

    def _write(self, name, text):
        path = os.path.join(self.directory, name)
        with open(path, "w", encoding="utf-8") as file:
            file.write(text)
        return path

    def _listens(self):
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", self.port)) == 0

    def said(self):
        with open(self.log, encoding="utf-8", errors="replace") as file:
            return file.read()

    def url(self, database):
        return f"postgresql://postgres@127.0.0.1:{self.port}/{database}"

    def stop(self):
        """At once, as when its machine goes; whoever is connected is cut off."""
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()

    def remove(self):
        self.stop()
        shutil.rmtree(self.directory, ignore_errors=True)
