"""Runs tests/support/recorder.c as a child, reads what it says through a pipe, and keeps the tally of it.

The tally is the caller's own: what trail_record() returned, event by event. What is stored is held against it.
"""
import collections
import os
import sqlite3
import struct
import subprocess
import threading

from support import CommandCase

RECORDER = os.environ.get("AUDITTRAIL_RECORDER", "recorder")
OFFERED, OK, REFUSED, DROPPED, PENDING = 100, 0, 1, 2, 3
REPORT = struct.Struct("=IIi")


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
        environment = dict(env)
        if preload:
            environment["LD_PRELOAD"] = preload
        # The report pipe is descriptor 3 there, whatever it is here.
        self.process = subprocess.Popen(
            ["/bin/bash", "-c", f'exec 3>&{writing} {writing}>&-; exec "$0" "$@"' if writing != 3 else 'exec "$0" "$@"',
             RECORDER, "--run", str(run), *[str(argument) for argument in arguments]],
            env=environment, cwd=cwd, pass_fds=(writing,), stderr=subprocess.PIPE, stdin=subprocess.DEVNULL)
        os.close(writing)
        self.first = threading.Event()
        self.reader = threading.Thread(target=self._read, args=(reading,))
        self.reader.start()

    def _read(self, descriptor):
        with os.fdopen(descriptor, "rb") as pipe:
            while chunk := pipe.read1(1 << 16):
                self.chunks.append(chunk)
                self.first.set()
        self.first.set()

    def kill(self):
        self.process.kill()
        return self.wait()

    def wait(self, timeout=120):
        _, err = self.process.communicate(timeout=timeout)
        self.reader.join()
        self.err = err.decode("utf-8", "replace")
        return self.process.returncode

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
        return Recorder(self.runs, arguments, {**self.env, **(env or {})}, self.dir, preload)

    def run_recorder(self, *arguments, code=0, **options):
        """Run one to its end and take its tally."""
        recorder = self.recorder(*arguments, **options)
        self.assertEqual(recorder.wait(), code, recorder.err)
        self.assertNotIn("Sanitizer", recorder.err)
        recorder.tell(self.tally)
        return recorder

    def recover(self):
        """One more start with the same store: it takes over whatever the dead left."""
        self.run_recorder("--events", 1, "--close")
        self.assertEqual(self.spools(), [], "spools of dead processes are left")

    def spools(self):
        directory = os.path.join(self.state, "spool")
        return sorted(os.listdir(directory)) if os.path.isdir(directory) else []

    def stored(self):
        """How often each of the recorder's events is in the store."""
        connection = sqlite3.connect(f"file:{self.database}?mode=ro", uri=True)
        try:
            rows = connection.execute("SELECT resource_id, count(*) FROM audit_trail WHERE resource_type = 'tool' "
                                      "GROUP BY resource_id").fetchall()
        finally:
            connection.close()
        return dict(rows)

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
        import json
        result = self.run_command("stats", "-o", "json")
        self.assertEqual(result.code, 0, result)
        operations = json.loads(result.out)["operations"]
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
