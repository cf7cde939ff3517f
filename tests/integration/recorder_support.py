"""Runs tests/support/recorder.c as a child, reads what it says through a pipe, and keeps the tally of it.

The tally is the caller's own: what trail_record() returned, event by event. What is stored is held against it.
"""
import collections
import json
import os
import re
import signal
import struct
import subprocess
import threading
import time
import unittest

from support import CommandCase, without_spaces

RECORDER = os.environ.get("AUDITTRAIL_RECORDER", "recorder")
CLOCK_SHIM = os.environ.get("AUDITTRAIL_CLOCK_SHIM", "")
FAULT_SHIM = os.environ.get("AUDITTRAIL_FAULT_SHIM", "")
SOAK = os.environ.get("AUDITTRAIL_SOAK") == "1"
OFFERED, OK, REFUSED, DROPPED, PENDING, FULL = 100, 0, 1, 2, 3, -4
REPORT = struct.Struct("=IIi")


def sanitizer():
    """What the recorder was built with: "address", "thread" or None."""
    with open(RECORDER, "rb") as file:
        data = file.read()
    return "thread" if b"libtsan" in data else "address" if b"libasan" in data else None


def moves_the_clock(test):
    return unittest.skipIf(sanitizer() == "thread", "SKIPPED: the clock shim hides condition variables from "
                           "ThreadSanitizer, which then sees races that are none")(test)


class Tally:
    """What became of each event, by the recorder's own word. Keys are resource ids."""

    def __init__(self):
        self.offered = set()
        self.codes = {}

    def take(self, run, data):
        for thread, index, code in REPORT.iter_unpack(data):
            key = f"{run}-{thread}-{index}"
            if code == OFFERED:
                self.offered.add(key)
            else:
                self.codes[key] = code

    @property
    def accepted(self):
        return {key for key, code in self.codes.items() if code in (OK, PENDING)}

    @property
    def in_flight(self):
        """Offered, and cut off before the answer: each may be stored or not."""
        return self.offered - set(self.codes)

    def with_code(self, code):
        return {key for key, given in self.codes.items() if given == code}

    def by_code(self):
        return collections.Counter(self.codes.values())


def kind_of(key):
    """What the recorder offers as event `key`: its operation, and the reason it is refused for, if it is."""
    index = int(key.rsplit("-", 1)[1])
    if index % 4 == 3:
        return "read", "level"
    if index % 5 == 4:
        return "read", "level"  # health_check is a read as well; the level decides first.
    return "create", None


class Recorder:
    """One running recorder."""

    def __init__(self, run, arguments, env, cwd, preload=None):
        reading, writing = os.pipe()
        self.run = run
        self.chunks = []
        # The report pipe is descriptor 3 there, whatever it is here. The shell itself is not preloaded.
        moved = f"exec 3>&{writing} {writing}>&-; " if writing != 3 else ""
        set_preload = f"export LD_PRELOAD={preload}; " if preload else ""
        self.process = subprocess.Popen(
            ["/bin/bash", "-c", f'{moved}{set_preload}exec "$0" "$@"',
             RECORDER, "--run", str(run), *[str(argument) for argument in arguments]],
            env=dict(env), cwd=cwd, pass_fds=(writing,), stderr=subprocess.PIPE, stdin=subprocess.DEVNULL,
            start_new_session=True)
        os.close(writing)
        self.err = ""
        self.first = threading.Event()
        self.times = []
        self.reader = threading.Thread(target=self._read, args=(reading,))
        self.reader.start()
        self.err_reader = threading.Thread(target=self._read_err)
        self.err_reader.start()

    def _read(self, descriptor):
        with os.fdopen(descriptor, "rb") as pipe:
            while chunk := pipe.read1(1 << 16):
                self.times.append(time.monotonic())
                self.chunks.append(chunk)
                self.first.set()
        self.first.set()

    def _read_err(self):
        with self.process.stderr as pipe:
            while line := pipe.readline():
                self.err += line.decode("utf-8", "replace")

    @property
    def notices(self):
        """What it said on stderr so far, but for its own closing words."""
        return [line for line in self.err.splitlines() if line.startswith("recorder: ")
                and not re.match(r"recorder: (closed, \d+ events wait|slowest call)", line)]

    @property
    def slowest_s(self):
        """The longest that one of its calls took."""
        return int(re.search(r"slowest call (\d+) us", self.err)[1]) / 1e6

    @property
    def waiting(self):
        """How many events it says it left in the spool."""
        return int(re.search(r"closed, (\d+) events wait", self.err)[1])

    def kill(self):
        self.process.kill()
        return self.wait()

    def kill_all(self):
        """Kill also the children, which outlive it and would keep the readers waiting for their words."""
        try:
            os.killpg(self.process.pid, signal.SIGKILL)
        except ProcessLookupError:
            pass  # Nobody is left.

    def stop(self):
        """SIGTERM, and wait."""
        self.process.terminate()
        return self.wait()

    def wait(self, timeout=120):
        try:
            self.process.wait(timeout=timeout)
        except subprocess.TimeoutExpired:
            self.process.kill()
            raise
        self.reader.join()
        self.err_reader.join()
        return self.process.returncode

    def so_far(self, before=None):
        """The tally up to now, or up to a moment of time.monotonic()."""
        count = len(self.times)
        tally = Tally()
        chunks = [chunk for when, chunk in zip(self.times[:count], self.chunks) if before is None or when <= before]
        data = b"".join(chunks)
        tally.take(self.run, data[:len(data) - len(data) % REPORT.size])
        return tally

    def tell(self, tally):
        data = b"".join(self.chunks)
        tally.take(self.run, data[:len(data) - len(data) % REPORT.size])


class RecorderCase(CommandCase):
    """A test that runs recorders on one state directory."""

    def setUp(self):
        super().setUp()
        self.tally = Tally()
        self.runs = 0
        self.env.update({"AUDIT_TRAIL_LEVEL": "writes_only", "AUDIT_TRAIL_EXCLUDE_ACTIONS": "health_check",
                         "AUDIT_TRAIL_BUFFER_FLUSH_INTERVAL": "1", "AUDIT_TRAIL_SHUTDOWN_TIMEOUT": "60"})

    def recorder(self, *arguments, env=None, preload=None):
        self.runs += 1
        environment = {**self.env, **(env or {})}
        if preload:
            preload = without_spaces(preload, self.dir)
            environment["ASAN_OPTIONS"] = environment.get("ASAN_OPTIONS", "") + ":verify_asan_link_order=0"
        recorder = Recorder(self.runs, arguments, environment, self.dir, preload)
        self.addCleanup(recorder.kill_all)
        return recorder

    def end(self, recorder, code=0):
        """SIGTERM, wait, check how it ended and take its tally."""
        self.assertEqual(recorder.stop(), code, recorder.err)
        self.assertNotIn("Sanitizer", recorder.err)
        recorder.tell(self.tally)

    def run_recorder(self, *arguments, code=0, **options):
        """Run one to its end and take its tally."""
        recorder = self.recorder(*arguments, **options)
        self.assertEqual(recorder.wait(), code, recorder.err)
        self.assertNotIn("Sanitizer", recorder.err)
        recorder.tell(self.tally)
        return recorder

    def recover(self, **options):
        """One more start with the same store: it takes over whatever the dead left."""
        recorder = self.run_recorder("--events", 1, "--close", **options)
        left = [(at, {name: os.path.getsize(os.path.join(at, name)) for name in names})
                for at, _, names in os.walk(self.spool_dir) if at != self.spool_dir]
        self.assertEqual(self.spools(), [], f"spools of dead processes are left: {left}; it said: {recorder.err}")
        return recorder

    @property
    def spool_dir(self):
        return self.env.get("AUDIT_TRAIL_SPOOL_DIR", os.path.join(self.state, "spool"))

    def spools(self):
        """Those that were ever whole: one whose maker died over it has a hidden name, and nothing can be in it."""
        names = os.listdir(self.spool_dir) if os.path.isdir(self.spool_dir) else []
        return sorted(name for name in names if not name.startswith("."))

    def wait_for_events(self, recorder, count, code=None, timeout=120):
        """Until it has said of `count` events what became of them (with this code)."""
        def enough():
            codes = recorder.so_far().by_code()
            return (sum(codes.values()) if code is None else codes[code]) >= count
        self.wait_for(enough, f"{count} events", timeout)

    def create_store(self):
        """Have the database made by a process that then ends cleanly."""
        self.run_recorder("--events", 1, "--close")

    def lock_store(self, readable=False):
        """Have the store take nothing (`readable`: but answer); close what this returns to let go."""
        hold = self.store.lock() if readable else self.store.hold()
        self.addCleanup(hold.close)
        return hold

    def control_records(self, action):
        """The contexts of the trail's own records of this name, with their writer and seq."""
        rows = self.rows("SELECT * FROM audit_trail WHERE flags & 64 <> 0 AND action = ? ORDER BY writer, seq", action)
        return [{**json.loads(row["context"] or "{}"), "writer_of_record": row["writer"], "seq": row["seq"]}
                for row in rows]

    def stats(self, code=0):
        result = self.run_command("stats", "-o", "json")
        self.assertEqual(result.code, code, result)
        return json.loads(result.out)

    def stored(self):
        """How often each of the recorder's events is in the store."""
        rows = self.rows("SELECT resource_id, count(*) AS n FROM audit_trail WHERE resource_type = 'tool' "
                         "GROUP BY resource_id")
        return {row["resource_id"]: row["n"] for row in rows}

    def assert_stored_exactly_once(self):
        stored = self.stored()
        accepted = self.tally.accepted
        lost = sorted(accepted - set(stored))
        twice = sorted(key for key, count in stored.items() if count != 1)
        unknown = sorted(set(stored) - accepted - self.tally.in_flight)
        self.assertEqual((lost[:5], len(lost)), ([], 0), "accepted, and not in the store")
        self.assertEqual((twice[:5], len(twice)), ([], 0), "more than once in the store")
        self.assertEqual((unknown[:5], len(unknown)), ([], 0), "in the store, though not accepted")

    def assert_accounting(self, tolerance):
        """`stats` against the caller's own tally; an event in flight at a kill may be counted or not."""
        operations = self.stats()["operations"]
        own = collections.defaultdict(collections.Counter)
        for key, code in self.tally.codes.items():
            operation, _ = kind_of(key)
            own[operation]["recorded" if code in (OK, PENDING) else "level" if code == REFUSED else
                           "dropped" if code == DROPPED else "rejected"] += 1
        for operation in ("create", "read"):
            counted = operations.get(operation, {})
            for reason in ("recorded", "level", "excluded", "sampled", "rejected", "dropped"):
                self.assertLessEqual(own[operation][reason], counted.get(reason, 0), (operation, reason))
                self.assertLessEqual(counted.get(reason, 0), own[operation][reason] + tolerance, (operation, reason))
            parts = sum(counted.get(part, 0) for part in ("stored", "waiting", "dead_lettered"))
            self.assertEqual(counted.get("recorded", 0), parts, (operation, counted))
