"""Goal: retention while four processes write and two read deletes nothing that is fresh, no reference goes missing
under a writer's cache, everybody is shown what they did themselves and nobody else's, and the file shrinks.

Method: four `audittrail record` processes are fed events of today and of long ago. Users, resources, actions and paths
take turns: each falls out of use (its events are of long ago and get deleted), and then comes back, while the writers
still remember its number. They clean up once a second, and a command does so as well. Every event says in its values
who did it to what: the row must be joined to exactly these. The control is a writer that remembers numbers and does
not look at the generation.
AUDITTRAIL_RETENTION_SECONDS sets for how long (make soak: 600).
"""
import collections
import json
import os
import random
import sqlite3
import subprocess
import threading
import time
import unittest

from support import COMMAND, CommandCase, event
from test_retention import ORPHANS, days_ago, old_events

SECONDS = float(os.environ.get("AUDITTRAIL_RETENTION_SECONDS", "15"))
WRITERS = 4
ROUND_S = 0.05
EVENTS_PER_ROUND = 20
USERS = 200
FRESH = 0.003  # Few: an event that stays keeps its references in use.
EPOCH_TURNS = 400  # After 20 s all names are new, so that those which fresh events keep do not become all there are.

# Rows that are not joined to what they say of themselves. An event that the view does not show is joined to nothing.
MISATTRIBUTED = """SELECT count(*) AS n FROM audit_trail WHERE flags & 64 = 0 AND
    (user_id IS NOT json_extract(new_values, '$.user') OR resource_id IS NOT json_extract(new_values, '$.resource')
     OR action IS NOT json_extract(new_values, '$.action') OR request_path IS NOT json_extract(new_values, '$.path'))"""
NOT_SHOWN = "SELECT (SELECT count(*) FROM audit_events) - (SELECT count(*) FROM audit_trail) AS n"


# So much must have happened, however slow the machine.
OWN_RUNS = max(4, SECONDS / 10)
GENERATIONS = max(10, SECONDS / 2)
DEADLINE_S = SECONDS + 240


def telling_event(who, what, number, **fields):
    """An event whose values say what its references must say."""
    told = {"user": f"user{who}", "resource": f"r{what}", "action": f"update_kind{who % 60}", "path": f"/r/{what}"}
    return event(number, user_id=told["user"], resource_id=told["resource"], action=told["action"],
                 request_method="PUT", request_path=told["path"], new_values=told, **fields)


class Writer(threading.Thread):
    """Feeds one `audittrail record`."""

    def __init__(self, number, env, directory, stop):
        super().__init__()
        self.number = number
        self.stop = stop
        self.fresh = []
        self.offered = 0
        self.errors = open(os.path.join(directory, f"writer{number}.err"), "w+", encoding="utf-8")
        self.process = subprocess.Popen([COMMAND, "record", "-o", "json"], env=env, cwd=directory, text=True,
                                        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=self.errors)

    def run(self):
        dice = random.Random(self.number)
        turn = 0
        while not self.stop.is_set():
            # A few users at a time are in use; the others fall out of use, until it is their turn again.
            turn += 1
            epoch = turn // EPOCH_TURNS * USERS * 4
            first = turn // 10 * (USERS // 8)
            for _ in range(EVENTS_PER_ROUND):
                who = epoch + (first + dice.randrange(USERS // 8)) % USERS
                what = epoch + (first * 4 + dice.randrange(USERS // 4)) % (USERS * 4)
                if dice.random() < FRESH:
                    name = f"{self.number}-{self.offered}"
                    line = telling_event(who, what, 0, correlation_id=name)
                    self.fresh.append(name)
                else:
                    line = telling_event(who, what, 0, timestamp=days_ago(2))
                self.process.stdin.write(json.dumps(line) + "\n")
                self.offered += 1
            self.process.stdin.flush()
            threading.Event().wait(ROUND_S)  # Pacing: the rate asked for.
        self.process.stdin.close()
        self.summary = json.loads(self.process.stdout.read() or "{}")
        self.process.stdout.close()
        self.process.wait()


class Reader(threading.Thread):
    """Runs `audittrail query` again and again, and holds each row against what it says of itself."""

    def __init__(self, env, directory, stop):
        super().__init__()
        self.env = env
        self.directory = directory
        self.stop = stop
        self.seen = 0
        self.wrong = []

    def run(self):
        while not self.stop.is_set():
            result = subprocess.run([COMMAND, "query", "--operation", "update", "--limit", "2000", "-o", "ndjson"],
                                    env=self.env, cwd=self.directory, capture_output=True, text=True, check=False)
            if result.returncode not in (0, 4):
                self.wrong.append(result.stderr)
                return
            for line in result.stdout.splitlines():
                row = json.loads(line)
                told = row["new_values"] if isinstance(row["new_values"], dict) else json.loads(row["new_values"])
                self.seen += 1
                if (row["user_id"], row["resource_id"], row["action"], row["request_path"]) != (
                        told["user"], told["resource"], told["action"], told["path"]):
                    self.wrong.append(line)


class RetentionUnderLoad(CommandCase):
    def setUp(self):
        super().setUp()
        self.env.update({"AUDIT_TRAIL_RETENTION_DAYS": "1", "AUDIT_TRAIL_CLEANUP_INTERVAL": "1",
                         "AUDIT_TRAIL_CLEANUP_BATCH_SIZE": "500", "AUDIT_TRAIL_BUFFER_MAX_SIZE": "100",
                         "AUDIT_TRAIL_BUFFER_FLUSH_INTERVAL": "1"})

    def number(self, sql, *parameters):
        return self.rows(sql, *parameters)[0]["n"]

    def clean_up_until_enough(self):
        """Clean up now and then, until the time is over and enough has happened. How often that was."""
        runs = 0
        begun = time.monotonic()
        while time.monotonic() < begun + SECONDS or not self.has_struck(runs):
            self.assertLess(time.monotonic(), begun + DEADLINE_S, "the writers do not clean up themselves")
            self.assertEqual(self.run_command("cleanup").code, 0)
            runs += 1
            threading.Event().wait(2)  # Pacing: in between the writers' own clean-ups lead.
        return runs

    def has_struck(self, commands):
        """References were deleted again and again while the writers remembered them, also by the writers."""
        return (self.number("SELECT count(*) AS n FROM audit_cleanups WHERE finished_at") >= commands + OWN_RUNS and
                self.number("SELECT dims_generation AS n FROM audit_store") > GENERATIONS)

    def test_retention_while_four_processes_write_and_two_read(self):
        self.record([{**item, "new_values": {"user": item["user_id"], "resource": item["resource_id"],
                                             "action": item["action"], "path": item["request_path"],
                                             "padding": "x" * 400}} for item in old_events(20000)])
        size_before = os.path.getsize(self.database)
        stop = threading.Event()
        writers = [Writer(number, self.env, self.dir, stop) for number in range(WRITERS)]
        readers = [Reader(self.env, self.dir, stop) for _ in range(2)]
        for thread in writers + readers:
            self.addCleanup(thread.join)
            thread.start()
        self.addCleanup(stop.set)
        commands = self.clean_up_until_enough()
        stop.set()
        for thread in writers + readers:
            thread.join()
        for writer in writers:
            writer.errors.seek(0)
            said = writer.errors.read()
            writer.errors.close()
            self.assertEqual(writer.process.returncode, 0, said)
            self.assertNotIn("Sanitizer", said)
            self.assertEqual(writer.summary["recorded"], writer.offered, said)
        self.assertEqual(self.run_command("cleanup").code, 0)

        (done,) = self.rows("SELECT count(*) AS runs, sum(events_deleted) AS events, sum(batches) AS batches, "
                            "sum(references_deleted) AS refs FROM audit_cleanups")
        generation = self.number("SELECT dims_generation AS n FROM audit_store")
        fresh = [name for writer in writers for name in writer.fresh]
        print(f"{sum(writer.offered for writer in writers)} events, {len(fresh)} of them fresh; "
              f"{done}, {commands} runs by command, generation {generation}; readers saw "
              f"{[reader.seen for reader in readers]} rows; {size_before} bytes before, "
              f"{os.path.getsize(self.database)} after", flush=True)

        self.assertGreater(done["refs"], USERS)
        for reader in readers:
            self.assertEqual(reader.wrong, [])
            self.assertGreater(reader.seen, 0)

        stored = collections.Counter(row["correlation_id"] for row in self.rows(
            "SELECT correlation_id FROM audit_trail WHERE correlation_id IS NOT NULL"))
        self.assertEqual(stored, collections.Counter(fresh), "every fresh event is there, once")
        self.assertEqual(self.number(MISATTRIBUTED), 0)
        self.assertEqual(self.number(NOT_SHOWN), 0)
        self.assertEqual(self.number("SELECT count(*) AS n FROM audit_trail WHERE flags & 64 = 0 AND "
                                     "correlation_id IS NULL"), 0, "what is too old is gone")
        self.assertEqual(self.rows(ORPHANS), [{"orphans": 0}])
        self.assertEqual(self.rows("PRAGMA integrity_check"), [{"integrity_check": "ok"}])
        self.assertLess(os.path.getsize(self.database), size_before / 2, "the file shrinks")
        total = self.run_command("stats", "-o", "json")
        total = json.loads(total.out)["operations"]["update"]
        self.assertEqual(total["stored"], sum(writer.offered for writer in writers))

    def test_the_check_notices_a_writer_that_does_not_look_at_the_generation(self):
        """The control: the same check, on a writer that trusts the numbers which it remembers."""
        self.record([telling_event(1, 1, 0, timestamp=days_ago(2)), telling_event(2, 2, 0)])
        connection = sqlite3.connect(self.database)
        self.addCleanup(connection.close)
        remembered = connection.execute("SELECT writer, actor, resource, action, route FROM audit_events "
                                        "ORDER BY timestamp LIMIT 1").fetchone()
        self.assertEqual(self.number(NOT_SHOWN), 0)
        self.run_command("cleanup")
        self.assertEqual((self.number(NOT_SHOWN), self.number(MISATTRIBUTED)), (0, 0))
        with connection:
            connection.execute("INSERT INTO audit_events (timestamp, writer, seq, actor, resource, action, route, "
                               "operation, outcome, level, flags, data_classification, requires_review, weight) "
                               "VALUES (?, ?, 99, ?, ?, ?, ?, 3, 0, 3, 0, 0, 0, 1)",
                               (time.time_ns() // 1000, *remembered))
        self.assertEqual(self.number(NOT_SHOWN), 1)
        # A number that were given out again would show somebody else.
        with connection:
            connection.execute("UPDATE audit_events SET actor = (SELECT actor FROM audit_events WHERE seq <> 99 AND "
                               "flags & 64 = 0), resource = (SELECT resource FROM audit_events WHERE seq <> 99 AND "
                               "flags & 64 = 0), action = (SELECT action FROM audit_events WHERE seq <> 99 AND "
                               "flags & 64 = 0) WHERE seq = 99")
            connection.execute("INSERT INTO audit_payloads (event, new_values) SELECT id, ? FROM audit_events WHERE "
                               "seq = 99", (json.dumps(telling_event(1, 1, 0)["new_values"]),))
        self.assertEqual((self.number(NOT_SHOWN), self.number(MISATTRIBUTED)), (0, 1))


if __name__ == "__main__":
    unittest.main()
