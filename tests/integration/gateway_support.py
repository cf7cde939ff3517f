"""A running example gateway for tests: settings in, HTTP requests, metrics and records out.

Everything a gateway of a test writes lies in that test's own directory. Nothing sleeps through anything: wait_until()
waits for a condition with a deadline, and Clock moves the gateway's clock.
"""
import http.client
import json
import mmap
import os
import pathlib
import re
import shutil
import signal
import struct
import subprocess
import tempfile
import threading
import time
import unittest

import stores
from support import without_spaces

ROOT = pathlib.Path(__file__).resolve().parents[2]
BUILD = pathlib.Path(os.environ.get("AUDITTRAIL_BUILD_DIR", ROOT / "build"))
BIN = BUILD / "bin"
CLOCK_SHIM = pathlib.Path(os.environ.get("AUDITTRAIL_CLOCK_SHIM", BUILD / "lib" / "clock_shim.so"))

DEADLINE_S = 60  # Generous: it is only ever reached by a failure.


def wait_until(condition, what):
    """The first true value of condition(); fails, naming `what`, after DEADLINE_S."""
    deadline = time.monotonic() + DEADLINE_S
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > deadline:
            raise AssertionError(f"not within {DEADLINE_S} s: {what}")
        threading.Event().wait(0.02)


class Clock:
    """The clock of the program that is started with its environment. Held, it stands still but for advance().

    `behind`: so many seconds is its date behind ours when the program starts. A server's clock is not ours to move, so
    what is to be old by it must be recorded in the past; what lies ahead of it is no event of today.
    """

    HELD_AT = 8
    THREADS_AT = 16
    WAKES_AT = 24
    SIZE = 256

    def __init__(self, path, held=True, behind=0):
        path.write_bytes(bytes(self.SIZE))
        with open(path, "r+b") as file:
            self._map = mmap.mmap(file.fileno(), self.SIZE)
        struct.pack_into("<Q", self._map, self.HELD_AT, held)
        self.environment = {
            "CLOCK_SHIM_FILE": str(path),
            "LD_PRELOAD": without_spaces(CLOCK_SHIM, path.parent),
            "ASAN_OPTIONS": "verify_asan_link_order=0",
            "CLOCK_SHIM_DATE": str(-behind),
        }

    def advance(self, seconds):
        (before,) = struct.unpack_from("<q", self._map, 0)
        struct.pack_into("<q", self._map, 0, before + round(seconds * 1_000_000))

    def _wakes(self):
        """Of the first two threads. Commands with the same clock come later, and wait for a server in poll(), too."""
        (threads,) = struct.unpack_from("<Q", self._map, self.THREADS_AT)
        return struct.unpack_from(f"<{min(threads, 2)}Q", self._map, self.WAKES_AT)

    def wait_until_looked_at(self):
        """Until both background threads (sync and drain) have worked with the clock as it is now."""
        before = wait_until(lambda: len(self._wakes()) >= 2 and self._wakes(),
                            "both background threads sleep in poll(); is the shim loaded?")
        wait_until(lambda: all(now >= then + 2 for now, then in zip(self._wakes(), before)),
                   "the background threads look at their clock")


class Answer:
    def __init__(self, status, headers, body):
        self.status = status
        self.headers = headers
        self.body = body

    def json(self):
        return json.loads(self.body)


class Gateway:
    """One gateway process. `settings` are AUDIT_TRAIL_* names without the prefix."""

    def __init__(self, directory, store, settings, environment=None):
        self.directory = directory
        self.store = store
        self.environment = {name: value for name, value in os.environ.items() if not name.startswith("AUDIT_TRAIL_")}
        self.environment.update({
            "AUDIT_TRAIL_STATE_DIR": str(directory / "state"),
            "AUDIT_TRAIL_DATABASE_URL": store.url,
        })
        self.environment.update({f"AUDIT_TRAIL_{name}": str(value) for name, value in settings.items()})
        (directory / "none.env").touch()
        self.errors = open(directory / "gateway.err", "ab")
        self.process = subprocess.Popen(
            [BIN / "gateway", "--port", "0", "--data-dir", directory / "data", "--env-file", directory / "none.env"],
            cwd=directory, env={**self.environment, **(environment or {})}, stdout=subprocess.PIPE,
            stderr=self.errors, text=True)
        self.lines = []
        self.port = self._read_port()

    def _read_port(self):
        for line in self.process.stdout:
            self.lines.append(line.rstrip("\n"))
            match = re.fullmatch(r"gateway: listening on http://127\.0\.0\.1:(\d+)", self.lines[-1])
            if match:
                return int(match.group(1))
        raise AssertionError(f"the gateway did not start: {self.lines} {self.error_text()}")

    def error_text(self):
        return (self.directory / "gateway.err").read_text(encoding="utf-8")

    def request(self, method, path, body=None, **headers):
        """Headers as keywords: X_User="ada"."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=DEADLINE_S)
        try:
            if isinstance(body, (dict, list)):
                body = json.dumps(body)
            names = {name.replace("_", "-"): value for name, value in headers.items()}
            connection.request(method, path, body=body, headers=names)
            response = connection.getresponse()
            return Answer(response.status, response.headers, response.read())
        finally:
            connection.close()

    def create(self, kind="tools", name="weather", **headers):
        """The new entry's id."""
        answer = self.request("POST", f"/{kind}", {"name": name}, **headers)
        assert answer.status == 201, (answer.status, answer.body)
        return answer.json()["id"]

    def metrics(self):
        """{'audittrail_stored_total': 3.0, 'audittrail_events_total{operation="create",result="recorded"}': 3.0}"""
        text = self.request("GET", "/metrics").body.decode()
        lines = [line.rsplit(" ", 1) for line in text.splitlines() if line and not line.startswith("#")]
        return {name: float(value) for name, value in lines}

    def wait_stored(self):
        """Until no event waits for the store."""
        wait_until(lambda: self.metrics()["audittrail_waiting_events"] == 0, "every event is stored")

    def stop(self):
        """SIGTERM; the gateway stores what waits. Its exit code."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        self.lines += self.process.stdout.read().splitlines()
        code = self.process.wait(timeout=DEADLINE_S)
        self.process.stdout.close()
        self.errors.close()
        return code

    def kill(self):
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()
        self.process.stdout.close()
        self.errors.close()

    def command(self, *arguments, stdin=None, allowed=(0,)):
        """Run `audittrail` with the gateway's settings; what it printed."""
        result = subprocess.run([BIN / "audittrail", *arguments], cwd=self.directory, env=self.environment,
                                input=stdin, capture_output=True, text=True, check=False, timeout=DEADLINE_S)
        assert result.returncode in allowed, (arguments, result.returncode, result.stderr)
        return result.stdout

    def records(self, **wanted):
        """What is in the store, oldest first; the trail's own control records aside."""
        nothing_matches = 4
        lines = self.command("query", "--oldest-first", "--limit", "1000000", "-o", "ndjson",
                             allowed=(0, nothing_matches))
        rows = [json.loads(line) for line in lines.splitlines()]
        rows = [row for row in rows if row["operation"] != "audit"]
        return [row for row in rows if all(row.get(name) == value for name, value in wanted.items())]

    def sql(self, statement):
        """Rows of a SELECT on the trail's database."""
        return [tuple(row.values()) for row in self.store.rows(statement)]


def account(metrics, operation, result):
    """How many events of an operation ended so."""
    return metrics[f'audittrail_events_total{{operation="{operation}",result="{result}"}}']


class GatewayTest(unittest.TestCase):
    """Starts gateways, and ends and removes them whatever happens."""

    def directory(self):
        directory = pathlib.Path(tempfile.mkdtemp(prefix="gateway-test-"))
        self.addCleanup(shutil.rmtree, directory, ignore_errors=True)
        return directory

    def store_of(self, directory):
        """Who starts in the same directory has the same store."""
        stores_of_test = self.__dict__.setdefault("stores", {})
        if directory not in stores_of_test:
            stores_of_test[directory] = stores.fresh(self, directory / "audit.db")
        return stores_of_test[directory]

    def start(self, directory=None, environment=None, **settings):
        directory = directory or self.directory()
        gateway = Gateway(directory, self.store_of(directory), settings, environment)
        self.addCleanup(gateway.kill)
        return gateway

    def stop(self, gateway):
        """SIGTERM, and all must be well."""
        code = gateway.stop()
        self.assertEqual(code, 0, gateway.error_text()[:8000])

    def actions(self, gateway):
        """The actions in the store, in order."""
        return [row["action"] for row in gateway.records()]
