"""What the integration tests share: a directory of their own, the real command, a look into the store.

AUDITTRAIL_COMMAND names the binary (ctest sets it). Nothing here sleeps: whoever waits, waits for a condition.
"""
import json
import os
import re
import shutil
import subprocess
import tempfile
import threading
import time
import unittest

import stores

COMMAND = os.environ.get("AUDITTRAIL_COMMAND", "audittrail")
FLAG_TRUNCATED, FLAG_REPAIRED, FLAG_CLAMPED, FLAG_UNPARSED, FLAG_CONTROL = 1, 2, 8, 32, 64


class Result:
    """What a run left behind: exit code and text of both streams."""

    def __init__(self, code, out, err):
        self.code = code
        self.raw = out
        self.out = out.decode("utf-8", "replace")
        self.err = err.decode("utf-8", "replace")

    def __repr__(self):
        return f"exit code {self.code}\n--- stdout\n{self.out[:2000]}\n--- stderr\n{self.err[:4000]}"


def event(number=0, **fields):
    """An event that every level takes, unless the fields say otherwise."""
    made = {"action": "delete_tool", "resource_type": "tool", "resource_id": f"t{number}", "user_id": "alice"}
    made.update(fields)
    return {name: value for name, value in made.items() if value is not None}


def without_spaces(library, directory):
    """A library as LD_PRELOAD can name it, from a directory whose path has no space: there is no quoting in there."""
    link = os.path.join(directory, os.path.basename(library))
    if not os.path.islink(link):
        os.symlink(library, link)
    return link


def ndjson(events):
    return b"".join(json.dumps(item).encode() + b"\n" for item in events)


class CommandCase(unittest.TestCase):
    """A test with an empty state directory. Settings of the caller's environment do not reach it."""

    def setUp(self):
        self.dir = tempfile.mkdtemp(prefix="audittrail-test-")
        self.addCleanup(shutil.rmtree, self.dir, ignore_errors=True)
        self.env = {"PATH": os.environ.get("PATH", ""), "HOME": self.dir, "AUDIT_TRAIL_LEVEL": "all"}
        self.use_state("state")
        for name in os.environ:
            if name.endswith("SAN_OPTIONS"):
                self.env[name] = os.environ[name]

    def use_state(self, name):
        """A state directory and a store, both empty, that are used from now on."""
        self.state = self.path(name)
        self.env["AUDIT_TRAIL_STATE_DIR"] = self.state
        self.store = stores.fresh(self, os.path.join(self.state, "audit.db"))
        if not self.store.path:  # The file is the default.
            self.env["AUDIT_TRAIL_DATABASE_URL"] = self.store.url

    @property
    def database(self):
        """Where the SQLite file is or will be."""
        assert self.store.path, "a database on a server is no file"
        return self.store.path

    @database.setter
    def database(self, path):
        self.store = stores.SqliteStore(path)

    def path(self, name):
        return os.path.join(self.dir, name)

    def write(self, name, data):
        with open(self.path(name), "wb") as file:
            file.write(data if isinstance(data, bytes) else data.encode())
        return self.path(name)

    def start(self, *arguments, env=None, **options):
        return subprocess.Popen([COMMAND, *arguments], env={**self.env, **(env or {})}, cwd=self.dir,
                                stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, **options)

    def run_command(self, *arguments, stdin=b"", env=None, timeout=120):
        process = self.start(*arguments, env=env)
        try:
            out, err = process.communicate(stdin, timeout=timeout)
        except subprocess.TimeoutExpired:
            process.kill()
            out, err = process.communicate()
            self.fail(f"{arguments} did not end in {timeout} s\n{Result(None, out, err)}")
        result = Result(process.returncode, out, err)
        self.assertNotIn("Sanitizer", result.err, result)
        self.assertGreaterEqual(result.code, 0, f"ended by a signal: {result}")
        return result

    def record(self, data, *arguments, code=0, **options):
        """Record events (or bytes of NDJSON); returns the summary of -o json."""
        if not isinstance(data, bytes):
            data = ndjson(data)
        result = self.run_command("record", "-o", "json", *arguments, stdin=data, **options)
        self.assertEqual(result.code, code, result)
        summary = json.loads(result.out)
        summary["err"] = result.err
        return summary

    def query(self, *arguments, code=0):
        """The events that match, as objects."""
        result = self.run_command("query", "-o", "ndjson", "--limit", "all", *arguments)
        self.assertEqual(result.code, code, result)
        return [json.loads(line) for line in result.out.splitlines()]

    EVENTS = "SELECT * FROM audit_trail WHERE flags & 64 = 0 ORDER BY timestamp_us, writer, seq"

    def rows(self, sql=EVENTS, *parameters):
        """Rows of the store as dictionaries; the default is every event that is no control record."""
        return self.store.rows(sql, *parameters)

    def wait_for(self, condition, what, timeout=120):
        """Wait until condition() is true; its exceptions mean `not yet`."""
        deadline = time.monotonic() + timeout
        while time.monotonic() < deadline:
            try:
                if condition():
                    return
            except (OSError, stores.StoreError):
                pass
            threading.Event().wait(0.02)
        self.fail(f"not within {timeout} s: {what}")

    def numbers_of(self, text):
        """The summary line as numbers: `1,000 lines: 940 recorded; not recorded: 50 level, ...`."""
        line = re.search(r"^([\d,]+) lines?: ([\d,]+) recorded(?:; not recorded: (.*))?$", text, re.M)
        self.assertIsNotNone(line, text)
        numbers = {"lines": int(line[1].replace(",", "")), "recorded": int(line[2].replace(",", ""))}
        for item in (line[3] or "").split(", "):
            pair = re.fullmatch(r"([\d,]+) (\w+)", item)
            if pair:
                numbers[pair[2]] = int(pair[1].replace(",", ""))
        return numbers
