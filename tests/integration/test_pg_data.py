"""Goal: no event is lost or attributed to somebody else for what stands in it, nor for who else writes.

Method: `audittrail record` with NDJSON that holds what PostgreSQL does not take, or takes only in a range; an event
that the server is made to refuse; eight processes that bring the same new people and things, each in another order.
"""
import contextlib
import json
import random
import threading
import unittest

from pg_support import PostgresqlCase
from stores import StoreError
from support import FLAG_CLAMPED, FLAG_REPAIRED, FLAG_TRUNCATED, event, ndjson

WRITERS = 8
PEOPLE = 300


class Data(PostgresqlCase):
    def days(self):
        return self.store.rows("SELECT count(*) AS n, min(day) AS first, max(day) AS last FROM audit_days")[0]

    def test_text_that_is_no_text(self):
        """JSON can spell a NUL, and that is repaired; bytes that are no JSON are told, and the rest goes on."""
        good = ndjson([event(1, user_id="nul\0l"), event(3)])
        bad = b'{"action":"delete_tool","resource_type":"tool","resource_id":"t4","user_id":"bad\xff\xfe"}\n'
        summary = self.record(bad + good, code=1)
        self.assertIn("line 1: not a JSON object: a string is not UTF-8", summary["err"])
        rows = {row["resource_id"]: row for row in self.rows()}
        print({name: (row["user_id"], row["flags"]) for name, row in rows.items()}, flush=True)
        self.assertEqual({name: row["user_id"] for name, row in rows.items()},
                         {"t1": "nul\ufffdl", "t3": "alice"})
        self.assertEqual({name for name, row in rows.items() if row["flags"] & FLAG_REPAIRED}, {"t1"})

    def test_moments_at_the_edges_make_no_day(self):
        """What is no day of ours is stored with its time; what is beyond the years of ours is moved to their edge."""
        moments = {"1970-01-01T00:00:00Z": "1970-01-01T00:00:00.000001Z",  # 0 is: now.
                   "2100-06-01T12:00:00.5Z": "2100-06-01T12:00:00.500000Z",
                   "0001-01-01T00:00:00Z": "1970-01-01T00:00:00.000000Z",
                   "9999-12-31T00:00:00Z": "2100-12-31T23:59:59.999999Z"}
        self.record([event("now")])
        before = self.days()
        self.record([event(number, timestamp=moment) for number, moment in enumerate(moments)])
        rows = [row for row in self.rows() if row["resource_id"] != "tnow"]
        rows.sort(key=lambda row: row["resource_id"])
        self.assertEqual([row["timestamp"] for row in rows], list(moments.values()))
        self.assertEqual([bool(row["flags"] & FLAG_CLAMPED) for row in rows], [False, False, True, True])
        strays = self.store.rows("SELECT count(*) AS n FROM audit_events_stray")[0]["n"]
        print(f"{strays} strays; days before and after: {before}, {self.days()}", flush=True)
        self.assertEqual(strays, len(moments))
        self.assertEqual(self.days(), before)
        self.assertGreater(before["n"], 0, "the control: an event of today has its day")
        found = self.query("--until", "1971-01-01")
        self.assertEqual(sorted(item["resource_id"] for item in found), ["t0", "t2"])

    def test_texts_of_a_megabyte(self):
        value = {"blob": "x" * 900_000}
        self.record([event(1, error_message="m" * 1_000_000), event(2, new_values=value)],
                    env={"AUDIT_TRAIL_MAX_VALUE_BYTES": "1000000"})
        first, second = self.rows()
        self.assertTrue(first["flags"] & FLAG_TRUNCATED)
        self.assertEqual(json.loads(second["new_values"]), value)

    def test_an_event_that_the_server_refuses(self):
        """It becomes a dead letter; everything else of its batch is stored."""
        self.record([event(0)])
        self.store.execute("ALTER TABLE audit_events ADD CONSTRAINT poison CHECK (request_id <> 'poison')")
        chance = random.Random(7)
        poisoned = sorted(chance.sample(range(1, 1000), 3))
        summary = self.record([event(number, request_id="poison" if number in poisoned else None)
                               for number in range(1, 1000)])
        print(summary["err"], flush=True)
        rows = self.rows()
        self.assertEqual(len(rows), 1000 - len(poisoned))
        self.assertEqual(sorted({row["resource_id"] for row in rows}),
                         sorted(f"t{number}" for number in range(1000) if number not in poisoned))
        letters = self.store.rows("SELECT event, error FROM audit_dead_letters")
        self.assertEqual(sorted(json.loads(letter["event"])["resource_id"] for letter in letters),
                         sorted(f"t{number}" for number in poisoned))
        self.assertTrue(all("poison" in letter["error"] for letter in letters))


class Together(PostgresqlCase):
    def deadlocks(self):
        rows = self.store.rows("SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()")
        return rows[0]["deadlocks"]

    def test_control_a_deadlock_is_counted(self):
        sessions = [self.session(), self.session()]

        def lock(session, number):
            with contextlib.suppress(StoreError):  # One of them is chosen to fail, and ends.
                session.run(f"SELECT pg_advisory_xact_lock({number})")
        for number, session in enumerate(sessions):
            session.run(f"BEGIN; SELECT pg_advisory_xact_lock({number})")
        other = threading.Thread(target=lock, args=(sessions[0], 1))
        other.start()
        lock(sessions[1], 0)
        other.join()
        for session in sessions:
            session.close()
        self.wait_for(lambda: self.deadlocks() == 1, "the deadlock is counted")

    def test_eight_processes_bring_the_same_new_references(self):
        self.record([event(0)])
        expected = {}
        processes = []
        for writer in range(WRITERS):
            numbers = list(range(PEOPLE)) * 3
            random.Random(writer).shuffle(numbers)
            events = []
            for turn, number in enumerate(numbers):
                request = f"{writer}-{turn}"
                made = event(number, request_id=request, user_id=f"person {number}", user_email=f"{number}@example.org",
                             resource_type=f"kind {number % 7}", action=f"delete_thing_{number % 50}",
                             request_path=f"/things/{number}", request_method="DELETE")
                events.append(made)
                expected[request] = made
            process = self.start("record", "-o", "json", env={"AUDIT_TRAIL_BUFFER_MAX_SIZE": "50"})
            processes.append((process, ndjson(events)))
        for process, data in processes:
            process.stdin.write(data)
            process.stdin.close()
            process.stdin = None
        for process, _ in processes:
            _, err = process.communicate(timeout=120)
            self.assertEqual(process.returncode, 0, err)
        rows = [row for row in self.rows() if row["request_id"]]
        wrong = [row["request_id"] for row in rows
                 if any(row[name] != expected[row["request_id"]][name] for name in (
                     "user_id", "user_email", "resource_type", "resource_id", "action", "request_path"))]
        deadlocks = self.deadlocks()
        people = self.store.rows("SELECT count(*) AS n, count(DISTINCT user_id) AS people FROM audit_actors "
                                 "WHERE user_id LIKE 'person %'")[0]
        print(f"{len(rows)} events of {WRITERS} processes, {people['n']} actors, {deadlocks} deadlocks",
              flush=True)
        self.assertEqual(len(rows), len(expected))
        self.assertEqual(wrong, [])
        self.assertEqual(people["n"], people["people"], "each actor once")
        self.assertEqual(deadlocks, 0)


if __name__ == "__main__":
    unittest.main()
