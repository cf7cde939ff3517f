#!/usr/bin/env python3
"""A PostgreSQL server of the tests' own: in a directory of its own, on a free loopback port, never as root.

    postgresql_server.py start DIRECTORY [NAME=VALUE...]  the server runs, and DIRECTORY/url names it
    postgresql_server.py stop DIRECTORY                   it does not run any more, and its data are gone

Settings are PostgreSQL's own. Without any the data are worth nothing: fsync is off.

Whoever starts it is its superuser `postgres`, with trust on loopback and on the socket in its directory. It is
stopped by the process id in its data directory. `start` stops what an earlier run left behind.
"""
import glob
import os
import pwd
import select
import shutil
import signal
import socket
import subprocess
import sys
import tempfile

DEADLINE_S = 60
SETTINGS = {
    "listen_addresses": "'127.0.0.1'",
    "shared_buffers": "'128MB'",
    "max_connections": "200",
    "log_min_messages": "warning",
    "autovacuum_naptime": "'5s'",
}


def binaries():
    """Where the newest PostgreSQL server of this machine has its programs."""
    found = sorted(glob.glob("/usr/lib/postgresql/*/bin/postgres"), key=lambda path: int(path.split("/")[4]))
    if found:
        return os.path.dirname(found[-1])
    anywhere = shutil.which("postgres")
    if anywhere is None:
        raise SystemExit("postgresql_server: no PostgreSQL server is installed (Debian: postgresql)")
    return os.path.dirname(anywhere)


def unprivileged():
    """The user that the server runs as: us, or `postgres` when we are root, whom PostgreSQL refuses."""
    return pwd.getpwnam("postgres") if os.geteuid() == 0 else pwd.getpwuid(os.geteuid())


def run_as(user, *command, **options):
    """Run one of PostgreSQL's programs as that user; fails with what it said."""
    if os.geteuid() == 0:
        options.update(user=user.pw_uid, group=user.pw_gid, extra_groups=[])
    done = subprocess.run(command, capture_output=True, text=True, cwd="/", check=False,
                          env={"PATH": os.environ.get("PATH", ""), "LC_ALL": "C.UTF-8"}, **options)
    if done.returncode != 0:
        raise RuntimeError(f"{command}: {done.stdout}{done.stderr}")
    return done.stdout


def free_port():
    """A loopback port that nobody listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Server:
    """One server. `port` and `url` stay what they are when it is stopped and started again."""

    def __init__(self, directory, **settings):
        self.user = unprivileged()
        self.data = os.path.join(directory, "data")
        self.log = os.path.join(directory, "log")
        self.port = free_port()
        self.settings = {**SETTINGS, **settings}
        self._create(directory)

    def _create(self, directory):
        os.makedirs(directory, exist_ok=True)
        os.chown(directory, self.user.pw_uid, self.user.pw_gid)
        # The path of a socket has 107 characters at most.
        self.socket_directory = tempfile.mkdtemp(prefix="pg-")
        os.chown(self.socket_directory, self.user.pw_uid, self.user.pw_gid)
        run_as(self.user, os.path.join(binaries(), "initdb"), "-D", self.data, "-U", "postgres", "-A", "trust",
               "-E", "UTF8", "--locale=C.UTF-8", "--no-sync", "--no-instructions")
        with open(os.path.join(self.data, "postgresql.conf"), "a", encoding="utf-8") as file:
            file.write(f"port = {self.port}\nunix_socket_directories = '{self.socket_directory}'\n")
            file.writelines(f"{name} = {value}\n" for name, value in self.settings.items())

    def url(self, database="postgres", user="postgres"):
        """A URL over TCP, as an operator writes it."""
        return f"postgresql://{user}@127.0.0.1:{self.port}/{database}"

    def start(self):
        run_as(self.user, os.path.join(binaries(), "pg_ctl"), "-D", self.data, "-l", self.log, "-w", "-t",
               str(DEADLINE_S), "start")

    def stop(self, mode="fast"):
        """pg_ctl stop; `immediate` is a crash."""
        run_as(self.user, os.path.join(binaries(), "pg_ctl"), "-D", self.data, "-w", "-t", str(DEADLINE_S), "-m", mode,
               "stop")

    def pid(self):
        """Of the postmaster."""
        with open(os.path.join(self.data, "postmaster.pid"), encoding="utf-8") as file:
            return int(file.readline())

    def sql(self, statement, database="postgres"):
        """Run statements with psql as the superuser; returns what it prints, unaligned, without headings."""
        return run_as(self.user, os.path.join(binaries(), "psql"), "-X", "-q", "-A", "-t", "-v", "ON_ERROR_STOP=1",
                      "-h", self.socket_directory, "-p", str(self.port), "-U", "postgres", "-d", database, "-c",
                      statement).rstrip("\n")

    def remove(self):
        """Stop it, whatever state it is in, and delete everything."""
        end(self.data)
        shutil.rmtree(os.path.dirname(self.data), ignore_errors=True)
        shutil.rmtree(self.socket_directory, ignore_errors=True)


def end(data):
    """Stop the server of this data directory, if one runs, and wait until it has ended."""
    try:
        with open(os.path.join(data, "postmaster.pid"), encoding="utf-8") as file:
            pid = int(file.readline())
        process = os.pidfd_open(pid)
    except (OSError, ValueError):
        return
    try:
        with open(f"/proc/{pid}/cmdline", "rb") as file:
            if data.encode() not in file.read():
                return  # The number is somebody else's by now.
        signal.pidfd_send_signal(process, signal.SIGCONT)
        signal.pidfd_send_signal(process, signal.SIGQUIT)
        select.select([process], [], [], DEADLINE_S)
    except OSError:
        pass  # It has ended.
    finally:
        os.close(process)


def main(arguments):
    if len(arguments) < 2 or arguments[0] not in ("start", "stop") or any("=" not in a for a in arguments[2:]):
        raise SystemExit(__doc__)
    directory = os.path.abspath(arguments[1])
    sockets = os.path.join(directory, "sockets")
    end(os.path.join(directory, "data"))
    if os.path.exists(sockets):
        with open(sockets, encoding="utf-8") as file:
            shutil.rmtree(file.read(), ignore_errors=True)
    shutil.rmtree(directory, ignore_errors=True)
    if arguments[0] == "start":
        # The data are worth nothing: no test of this server pulls the plug.
        settings = dict(argument.split("=", 1) for argument in arguments[2:])
        server = Server(directory, **{"fsync": "off", **{name: f"'{value}'" for name, value in settings.items()}})
        server.start()
        for name, content in (("sockets", server.socket_directory), ("url", server.url())):
            with open(os.path.join(directory, name), "w", encoding="utf-8") as file:
                file.write(content)


if __name__ == "__main__":
    main(sys.argv[1:])
