"""The store that a test runs against: a SQLite file, a database in PostgreSQL, or one behind PgBouncer.

AUDITTRAIL_TEST_STORE chooses: sqlite (when it is not set), postgresql, pgbouncer. Each test has an empty store of its
own. In PostgreSQL that is a database on the server that AUDITTRAIL_TEST_POSTGRESQL leads to (a file with its URL); a
class that suspends the server says so (SUSPENDS = True) and shares a server of this process's own with its like, and so
does one that needs settings (SERVER = {...}).
Whatever is looked at or tampered with here goes to the server directly, never through PgBouncer.
"""
import atexit
import datetime
import functools
import itertools
import json
import os
import signal
import sqlite3
import subprocess
import sys
import tempfile
import threading
import time
import urllib.parse

sys.path.insert(0, os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "support"))
from pgbouncer import PgBouncer  # noqa: E402
from postgresql_server import Server, binaries  # noqa: E402

KIND = os.environ.get("AUDITTRAIL_TEST_STORE", "sqlite")
DEADLINE_S = 60
NUMBERS = itertools.count(1)


class StoreError(Exception):
    """What the store said instead of an answer; also: it is not there yet."""


def only_on(kinds, why):
    """For a test, or a class of them, that has no meaning on other stores than these: there it does not exist."""
    assert why
    return lambda test: test if KIND in kinds.split() else None


class Hold:
    """The store is away until close()."""

    def __init__(self, release):
        self._release = release

    def close(self):
        release, self._release = self._release, None
        if release:
            release()


class SqliteStore:
    """A file. It need not be there."""

    def __init__(self, path):
        self.path = str(path)
        self.url = f"sqlite:{self.path}"

    def was_opened(self):
        """Whether anybody but us ever did."""
        return os.path.exists(self.path)

    def is_made(self):
        """Whether there is anything of a trail in it."""
        return os.path.exists(self.path)

    def rows(self, sql, *parameters):
        """What a SELECT finds, as dictionaries."""
        try:
            connection = sqlite3.connect(f"file:{self.path}?mode=ro", uri=True, timeout=DEADLINE_S)
            try:
                connection.row_factory = sqlite3.Row
                return [dict(row) for row in connection.execute(sql, parameters)]
            finally:
                connection.close()
        except sqlite3.Error as error:
            raise StoreError(str(error)) from error

    def execute(self, sql):
        """Tamper with it: statements that commit together."""
        connection = sqlite3.connect(self.path, timeout=DEADLINE_S)
        try:
            with connection:
                connection.executescript(f"BEGIN; {sql}; COMMIT")
        except sqlite3.Error as error:
            raise StoreError(str(error)) from error
        finally:
            connection.close()

    def double(self, where):
        """Tamper with it: those events are there twice."""
        columns = ", ".join(row["name"] for row in self.rows("SELECT name FROM pragma_table_info('audit_events')")
                            if row["name"] != "id")
        self.execute(f"INSERT INTO audit_events ({columns}) SELECT {columns} FROM audit_events WHERE {where}")

    @staticmethod
    def us(column):
        """SQL: a point in time as microseconds since 1970."""
        return column

    @staticmethod
    def at(microseconds):
        """SQL: that point in time."""
        return str(microseconds)

    def hold(self):
        """Locked: nobody else writes. Reading goes on."""
        return self.lock()

    def lock(self):
        """Nobody else writes. Reading goes on."""
        connection = sqlite3.connect(self.path, isolation_level=None, check_same_thread=False)
        connection.execute("PRAGMA busy_timeout = 10000")
        connection.execute("BEGIN EXCLUSIVE")
        return Hold(connection.close)

    def take_away(self):
        """There is something in its place that no store is."""
        os.rename(self.path, self.path + ".away")
        os.mkdir(self.path)

        def bring_back():
            os.rmdir(self.path)
            os.rename(self.path + ".away", self.path)
        return Hold(bring_back)

    def drop(self):
        """It lies in the directory of the test, and goes with it."""


PSQL_ENVIRONMENT = {"PGOPTIONS": "-c search_path=audittrail -c timezone=UTC", "PGCONNECT_TIMEOUT": str(DEADLINE_S),
                    "LC_ALL": "C.UTF-8"}


def psql(url):
    """The command that reads statements from standard input."""
    return [os.path.join(binaries(), "psql"), "-X", "-q", "-A", "-t", "-v", "ON_ERROR_STOP=1", "-d", url, "-f", "-"]


class Session:
    """A connection to a store in PostgreSQL that stays, for transactions that are watched while they go on."""

    END = "-- end of what was asked --"

    def __init__(self, store):
        store.looks += 1
        self._process = subprocess.Popen(psql(store.direct_url), stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                         stderr=subprocess.STDOUT, text=True, env=PSQL_ENVIRONMENT)

    def run(self, sql):
        """The lines that it answers."""
        self._process.stdin.write(f"{sql};\n\\echo '{self.END}'\n")
        self._process.stdin.flush()
        lines = []
        for line in self._process.stdout:
            if line.rstrip("\n") == self.END:
                return lines
            lines.append(line.rstrip("\n"))
        raise StoreError("\n".join(lines))

    def close(self):
        """What is not committed is undone."""
        if self._process.poll() is None:
            self._process.stdin.close()
            self._process.wait(timeout=DEADLINE_S)
        self._process.stdout.close()


class PostgresqlStore:
    """A database of its own on a server. `path` is None: no file can be looked at."""

    path = None

    def __init__(self, server_url, server=None):
        self.server = server
        self.server_url = server_url
        self.name = f"test_{os.getpid()}_{next(NUMBERS)}"
        self.direct_url = urllib.parse.urlsplit(server_url)._replace(path=f"/{self.name}").geturl()
        self.url = self.direct_url
        self.looks = 0
        self._psql(server_url, f"CREATE DATABASE {self.name}")

    def _psql(self, url, sql):
        """One session; what it prints."""
        done = subprocess.run(psql(url), input=sql, capture_output=True, text=True, check=False,
                              timeout=2 * DEADLINE_S, env=PSQL_ENVIRONMENT)
        if done.returncode != 0:
            raise StoreError(done.stderr)
        return done.stdout

    def was_opened(self):
        """Whether anybody but us ever did: the server counts the sessions."""
        sessions = int(self._psql(self.server_url, f"SELECT sessions FROM pg_stat_database WHERE datname = "
                                                   f"'{self.name}'"))
        return sessions > self.looks

    def is_made(self):
        """Whether there is anything of a trail in it."""
        return self.rows("SELECT to_regnamespace('audittrail') IS NOT NULL AS made")[0]["made"]

    def rows(self, sql, *parameters):
        """What a SELECT finds, as dictionaries; it is written for both stores, with ? for each parameter."""
        parts = sql.split("?")
        assert len(parts) == len(parameters) + 1, (sql, parameters)
        literals = ["'" + str(value).replace("'", "''") + "'" for value in parameters] + [""]
        sql = "".join(part + literal for part, literal in zip(parts, literals))
        self.looks += 1
        rows = json.loads(self._psql(self.direct_url, f"SELECT coalesce(json_agg(q), '[]') FROM ({sql}) q"))
        for row in rows:
            if "timestamp" in row:  # As the other store spells it.
                when = datetime.datetime.fromisoformat(row["timestamp"])
                row["timestamp"] = when.strftime("%Y-%m-%dT%H:%M:%S.%fZ")
        return rows

    def execute(self, sql):
        """Tamper with it: statements that commit together."""
        self.looks += 1
        self._psql(self.direct_url, f"BEGIN; {sql}; COMMIT")

    def double(self, where):
        """Tamper with it: those events are there twice."""
        self.execute(f"INSERT INTO audit_events SELECT * FROM audit_events WHERE {where}")

    @staticmethod
    def us(column):
        """SQL: a point in time as microseconds since 1970."""
        return f"(extract(epoch FROM {column}) * 1000000)::bigint"

    @staticmethod
    def at(microseconds):
        """SQL: that point in time."""
        return f"('epoch'::timestamptz + {microseconds} * interval '1 microsecond')"

    def hold(self):
        """Suspended: no process of the server does anything. Nobody reads, either."""
        assert self.server, "the class of this test must say SUSPENDS = True"
        processes = suspend(self.server.pid())
        return Hold(lambda: [os.kill(pid, signal.SIGCONT) for pid in processes])

    def lock(self):
        """Nobody else writes. Reading goes on."""
        session = Session(self)
        session.run("BEGIN; LOCK TABLE audit_writers IN EXCLUSIVE MODE")
        return Hold(session.close)

    def take_away(self):
        """The server is there and lets nobody in."""
        self._psql(self.server_url, f"ALTER DATABASE {self.name} ALLOW_CONNECTIONS false")
        return Hold(lambda: self._psql(self.server_url, f"ALTER DATABASE {self.name} ALLOW_CONNECTIONS true"))

    def is_asked(self):
        """Whether somebody sent the server what it did not read yet, as it happens while it is suspended."""
        port = urllib.parse.urlsplit(self.direct_url).port
        with open("/proc/net/tcp", encoding="ascii") as file:
            sockets = [line.split() for line in file.readlines()[1:]]
        established = "01"
        return any(fields[1].endswith(f":{port:04X}") and fields[3] == established
                   and int(fields[4].split(":")[1], 16) > 0 for fields in sockets)

    def drop(self):
        self._psql(self.server_url, f"DROP DATABASE IF EXISTS {self.name} WITH (FORCE)")


def state_of(pid):
    """(state, parent) of a process, or None when there is none."""
    try:
        with open(f"/proc/{pid}/stat", encoding="ascii", errors="replace") as file:
            fields = file.read().rpartition(")")[2].split()
        return fields[0], int(fields[1])
    except OSError:
        return None


def suspend(postmaster):
    """SIGSTOP to a server's first process, which then forks no more, and to all of its children; all of them."""
    def stop(pid):
        os.kill(pid, signal.SIGSTOP)
        deadline = time.monotonic() + DEADLINE_S
        while (state := state_of(pid)) and state[0] not in "TtZ":
            assert time.monotonic() < deadline, f"process {pid} does not stop"
            threading.Event().wait(0.001)

    stop(postmaster)
    children = [int(pid) for pid in os.listdir("/proc") if pid.isdigit()
                and (state_of(pid) or (None, 0))[1] == postmaster]
    for pid in children:
        stop(pid)
    return [*children, postmaster]


def shared_url():
    """Of the server that ctest starts for all tests."""
    where = os.environ.get("AUDITTRAIL_TEST_POSTGRESQL")
    if not where:
        raise RuntimeError("AUDITTRAIL_TEST_POSTGRESQL names no file with the URL of a PostgreSQL server; run the test "
                           "with ctest, or start one with tests/support/postgresql_server.py")
    with open(where, encoding="utf-8") as file:
        return file.read().strip()


@functools.lru_cache(maxsize=None)
def own_server(settings):
    """One for all tests of this process that suspend it or want these settings; no other process has it."""
    server = Server(tempfile.mkdtemp(prefix="postgresql-"), fsync="off", **dict(settings))
    atexit.register(server.remove)
    server.start()
    return server


@functools.lru_cache(maxsize=None)
def bouncer(port):
    """One for all tests of this process that use this server."""
    made = PgBouncer(port)
    atexit.register(made.remove)
    return made


def fresh(case, path, kind=None):
    """An empty store for a test; `path` is where it lies when it is a file. It goes with the test."""
    kind = kind or KIND
    if kind == "sqlite":
        return SqliteStore(path)
    settings = getattr(case, "SERVER", {})
    server = own_server(tuple(settings.items())) if settings or getattr(case, "SUSPENDS", False) else None
    store = PostgresqlStore(server.url() if server else shared_url(), server)
    case.addCleanup(store.drop)
    if kind == "pgbouncer":
        store.url = bouncer(urllib.parse.urlsplit(store.direct_url).port).url(store.name)
    elif kind != "postgresql":
        raise RuntimeError(f"AUDITTRAIL_TEST_STORE={kind}: it can be sqlite, postgresql, pgbouncer")
    return store
