"""Goal: what is too old goes, in short transactions and with everything that only it used; what is not stays; a clock
that cannot be right deletes nothing; and all of it is told. The scenarios of US-2.

Method: the example gateway with a clock that is moved by hand, and the command; what is left is read with SQL by a
connection that is not ours. Order is proved by what a transaction sees, never by how long something took.
"""
import datetime
import json
import os
import pathlib
import shutil
import signal
import sqlite3
import subprocess
import threading
import unittest

from gateway_support import Clock, GatewayTest, wait_until
from places import Memory
from recorder_support import RecorderCase, moves_the_clock, sanitizer
from stores import KIND, Session, only_on
from support import CommandCase, event

DAY_S = 86400
HEX_UUID = "hex(uuid)" if KIND == "sqlite" else "upper(replace(uuid::text, '-', ''))"
ORPHANS = """SELECT (SELECT count(*) FROM audit_actors WHERE id NOT IN (SELECT actor FROM audit_events))
                  + (SELECT count(*) FROM audit_resources WHERE id NOT IN (SELECT resource FROM audit_events))
                  + (SELECT count(*) FROM audit_actions WHERE id NOT IN (SELECT action FROM audit_events))
                  + (SELECT count(*) FROM audit_routes WHERE id NOT IN
                      (SELECT route FROM audit_events WHERE route IS NOT NULL))
                  + (SELECT count(*) FROM audit_payloads WHERE event NOT IN (SELECT id FROM audit_events)) AS orphans"""
if KIND != "sqlite":
    ORPHANS = """WITH events AS (SELECT actor, resource, action, route FROM audit_events
                                 UNION ALL SELECT actor, resource, action, route FROM audit_events_stray)
                 SELECT (SELECT count(*) FROM audit_actors WHERE id NOT IN (SELECT actor FROM events))
                      + (SELECT count(*) FROM audit_resources WHERE id NOT IN (SELECT resource FROM events))
                      + (SELECT count(*) FROM audit_actions WHERE id NOT IN (SELECT action FROM events))
                      + (SELECT count(*) FROM audit_routes WHERE id NOT IN
                          (SELECT route FROM events WHERE route IS NOT NULL)) AS orphans"""


def days_ago(days):
    return (datetime.datetime.now(datetime.timezone.utc) - datetime.timedelta(days=days)).isoformat()


def old_events(count, days=120, **fields):
    when = days_ago(days)
    return [event(f"old{i}", timestamp=when, user_id=f"leaver{i % 40}", action=f"create_old{i % 7}",
                  request_method="GET", request_path=f"/old/{i % 30}", new_values={"i": i} if i % 3 == 0 else None,
                  **fields)
            for i in range(count)]


def new_events(count, **fields):
    return [event(f"new{i}", user_id=f"member{i % 10}", action="create_new", request_method="GET",
                  request_path="/new", **fields) for i in range(count)]


class Gateway(GatewayTest):
    """Through the gateway, as its operators see it."""

    def cleaning(self, clock, **settings):
        directory = self.directory()
        gateway = self.start(directory, clock.environment, LEVEL="writes_only", BUFFER_ENABLED="false",
                             RETENTION_DAYS=90, **settings)
        gateway.environment.update(clock.environment)
        return gateway, clock

    def runs(self, gateway):
        return gateway.metrics()["audittrail_cleanup_runs_total"]

    def names(self, gateway):
        return sorted(row["resource_name"] for row in gateway.records(operation="create"))

    def applied(self, gateway):
        """The contexts of the records about clean-ups."""
        lines = gateway.command("query", "--action", "retention_applied", "--oldest-first", "-o", "ndjson",
                                allowed=(0, 4)).splitlines()
        contexts = [json.loads(line)["context"] for line in lines]
        return [json.loads(context) if isinstance(context, str) else context for context in contexts]

    def clock(self, days, **environment):
        """A clock that can be moved on by so many days until it is ours."""
        clock = Clock(self.directory() / "clock", behind=days * DAY_S)
        clock.environment.update(environment)
        return clock

    @moves_the_clock
    def test_retention_policy_enforced(self):
        gateway, clock = self.cleaning(self.clock(91))
        for name in ("old-1", "old-2", "old-3"):
            gateway.create(name=name)
        gateway.wait_stored()
        clock.advance(89 * DAY_S)
        wait_until(lambda: self.runs(gateway) == 1, "the first clean-up")
        self.assertEqual(self.names(gateway), ["old-1", "old-2", "old-3"], "nothing is ninety days old yet")
        for name in ("new-1", "new-2"):
            gateway.create(name=name)
        gateway.wait_stored()

        clock.advance(2 * DAY_S)
        wait_until(lambda: self.runs(gateway) == 2, "the second clean-up")
        self.assertEqual(self.names(gateway), ["new-1", "new-2"])
        self.stop(gateway)

    # scenario: the clean-up reports records deleted, batches, partitions dropped and duration: in stats, in metrics
    #   and as a record in the trail
    @moves_the_clock
    def test_the_clean_up_reports_deleted_batches_and_duration_in_stats_in_metrics_and_as_a_record_in_the_trail(self):
        gateway, clock = self.cleaning(self.clock(91), CLEANUP_BATCH_SIZE=2)
        for i in range(5):
            gateway.create(name=f"old-{i}")
        gateway.wait_stored()
        (events_before,) = gateway.sql("SELECT count(*) FROM audit_events")[0]
        self.assertEqual(self.applied(gateway), [])

        clock.advance(91 * DAY_S)
        wait_until(lambda: self.runs(gateway) == 1, "a clean-up")
        numbers = gateway.metrics()  # trail_stats(), in other words.
        self.assertEqual(numbers["audittrail_cleanup_deleted_total"], events_before)
        # SQLite deletes two at a time; a whole day in PostgreSQL goes at once.
        batches, partitions = (-(-events_before // 2), 0) if KIND == "sqlite" else (1, 1)
        self.assertEqual(numbers["audittrail_cleanup_batches_total"], batches)
        self.assertEqual(numbers["audittrail_cleanup_refused_total"], 0)
        self.assertGreater(numbers["audittrail_cleanup_last_timestamp_seconds"], 0)
        self.assertIn("audittrail_cleanup_last_duration_seconds", numbers)

        (record,) = wait_until(lambda: self.applied(gateway), "the record about it")
        self.assertEqual(record["deleted"], events_before)
        self.assertEqual((record["batches"], record["partitions"], record["days"]), (batches, partitions, 90))
        self.assertIn("duration_ms", record)
        self.assertNotIn("refused", record)
        row = gateway.sql("SELECT events_deleted, batches, partitions_dropped, references_deleted, "
                          "finished_at IS NOT NULL AS finished, refused FROM audit_cleanups")
        self.assertEqual(row, [(events_before, batches, partitions, record["references"], 1, None)])
        totals = json.loads(gateway.command("stats", "-o", "json"))["total"]
        self.assertEqual(totals["recorded"], totals["stored"], "the sums over all time stand")
        self.stop(gateway)

    @moves_the_clock
    def test_a_clock_that_jumped_ahead_makes_the_clean_up_refuse_and_say_so(self):
        gateway, clock = self.cleaning(self.clock(401, CLOCK_SHIM_REALTIME="1"), CLEANUP_INTERVAL=1)
        gateway.create(name="kept")
        gateway.wait_stored()
        clock.advance(10)
        wait_until(lambda: self.runs(gateway) >= 1, "a clean-up by the right clock")

        clock.advance(400 * DAY_S)
        wait_until(lambda: gateway.metrics()["audittrail_cleanup_refused_total"] == 1, "the refusal")
        wait_until(lambda: any("refused" in record for record in self.applied(gateway)), "the record about it")
        self.assertEqual(self.names(gateway), ["kept"])
        refused = [record for record in self.applied(gateway) if "refused" in record]
        self.assertEqual(len(refused), 1)
        self.assertIn("the clock says", refused[0]["refused"])
        self.assertEqual(refused[0]["deleted"], 0)
        self.assertIn("--accept-clock", gateway.error_text())

        # It stays refused, is not told again and again, and the command says why.
        clock.advance(10)
        clock.wait_until_looked_at()
        self.assertEqual(gateway.sql("SELECT count(*) FROM audit_cleanups WHERE refused IS NOT NULL"), [(1,)])
        self.assertEqual(gateway.metrics()["audittrail_cleanup_refused_total"], 1)
        asked = subprocess.run([os.environ["AUDITTRAIL_COMMAND"], "cleanup"], env=gateway.environment, check=False,
                               cwd=gateway.directory, capture_output=True, text=True)
        self.assertEqual((asked.returncode, asked.stdout), (1, ""), asked.stderr)
        self.assertIn("--accept-clock", asked.stderr)
        self.assertEqual(self.names(gateway), ["kept"])

        # Somebody looked at the clock, and it is right.
        gateway.command("cleanup", "--accept-clock")
        self.assertEqual(self.names(gateway), [])
        self.stop(gateway)

    @moves_the_clock
    def test_a_clock_that_went_back_makes_the_clean_up_refuse(self):
        gateway, clock = self.cleaning(self.clock(0, CLOCK_SHIM_REALTIME="1"))
        gateway.create(name="kept")
        gateway.wait_stored()
        clock.advance(-2 * 3600)
        gateway.command("cleanup", allowed=(1,))
        self.assertEqual(gateway.sql("SELECT events_deleted, refused LIKE '%events were stored at%' AS told "
                                     "FROM audit_cleanups"), [(0, 1)])
        self.stop(gateway)

    # scenario: AUDIT_TRAIL_CLEANUP_ENABLED=false deletes nothing
    @moves_the_clock
    def test_cleanup_enabled_false_deletes_nothing(self):
        gateway, clock = self.cleaning(self.clock(801), CLEANUP_ENABLED="false", CLEANUP_INTERVAL=1)
        gateway.create(name="kept")
        gateway.wait_stored()
        clock.advance(400 * DAY_S)
        clock.wait_until_looked_at()
        clock.advance(400 * DAY_S)
        clock.wait_until_looked_at()
        self.assertEqual(self.names(gateway), ["kept"])
        self.assertEqual(gateway.sql("SELECT * FROM audit_cleanups"), [])
        usage = 2
        gateway.command("cleanup", allowed=(usage,))
        self.assertEqual(self.names(gateway), ["kept"])
        self.assertGreater(json.loads(gateway.command("cleanup", "--dry-run", "-o", "json"))["events"], 0)
        # The control: the same with the switch on.
        gateway.command("cleanup", "--set", "AUDIT_TRAIL_CLEANUP_ENABLED=true")
        self.assertEqual(self.names(gateway), [])
        self.stop(gateway)


class Batches(CommandCase):
    def wait_for_lock(self, connection):
        """The write lock, asked for every millisecond as our writers do. What was deleted when we began to wait."""
        before = None
        while True:
            try:
                connection.execute("BEGIN IMMEDIATE")
                return before
            except sqlite3.OperationalError:
                if before is None:
                    (before,) = connection.execute(self.DELETED).fetchone()
                threading.Event().wait(0.001)

    DELETED = "SELECT coalesce(max(events_deleted), 0) FROM audit_cleanups"

    @only_on("sqlite", "one lock for all writers")
    def test_batch_deletion(self):
        self.record(old_events(50000))
        connection = sqlite3.connect(self.database, isolation_level=None, timeout=0)
        self.addCleanup(connection.close)
        connection.execute("CREATE TABLE other_writes (deleted INTEGER)")
        process = self.start("cleanup", "-o", "json", env={"AUDIT_TRAIL_CLEANUP_BATCH_SIZE": "10000"})

        seen = set()
        waits = []
        while process.poll() is None:
            before = self.wait_for_lock(connection)
            deleted, left = connection.execute(
                f"SELECT ({self.DELETED}), (SELECT count(*) FROM audit_events WHERE flags & 64 = 0)").fetchone()
            connection.execute("INSERT INTO other_writes VALUES (?)", (deleted,))
            connection.execute("COMMIT")
            self.assertEqual(deleted + left, 50000 if deleted <= 50000 else deleted + left)
            seen.add(deleted)
            if before is not None:
                waits.append(deleted - before)
        out, err = process.communicate()
        self.assertEqual(process.returncode, 0, err)
        done = json.loads(out)
        (row,) = self.rows("SELECT events_deleted, batches FROM audit_cleanups")
        print(f"{len(waits)} waits for the lock; the writer came in at {sorted(seen)} deleted", flush=True)

        controls = done["deleted"] - 50000
        self.assertEqual(controls, 0, "the trail's own records are of today")
        self.assertEqual((row["events_deleted"], row["batches"]), (50000, 5))
        self.assertLessEqual(seen, {0, 10000, 20000, 30000, 40000, 50000}, "each transaction deletes ten thousand")
        self.assertLessEqual({10000, 20000, 30000, 40000}, seen, "a writer comes in after each of them")
        self.assertTrue(waits, "the writer never had to wait: nothing was proved")
        self.assertLessEqual(max(waits), 10000, "it waited for more than one of them")

    # scenario: Batch deletion
    @only_on("postgresql", "rows that no day takes")
    def test_batch_deletion_of_events_that_no_partition_drop_covers(self):
        self.record(old_events(50000))  # Older than the days that there are.
        self.assertEqual(self.rows("SELECT count(*) AS n FROM audit_events_stray"), [{"n": 50000}])
        session = Session(self.store)
        self.addCleanup(session.close)
        process = self.start("cleanup", "-o", "json", env={"AUDIT_TRAIL_CLEANUP_BATCH_SIZE": "10000"})

        seen, during = set(), []
        while process.poll() is None:
            (before,) = session.run(self.DELETED)
            # A writer into the same table, its row of a far future.
            session.run("INSERT INTO audit_events_stray (timestamp, seq, actor, resource, action, writer, operation, "
                        "outcome, data_classification, requires_review) SELECT '2099-01-01', 0, actor, resource, "
                        "action, writer, operation, outcome, data_classification, false FROM audit_events LIMIT 1")
            (answer,) = session.run(f"SELECT ({self.DELETED}), (SELECT count(*) FROM audit_events_stray "
                                    "WHERE timestamp < '2099-01-01')")
            deleted, left = map(int, answer.split("|"))
            self.assertEqual(deleted + left, 50000)
            seen.add(deleted)
            during.append(deleted - int(before))
        out, err = process.communicate()
        self.assertEqual(process.returncode, 0, err)
        self.assertEqual(json.loads(out)["deleted"], 50000)
        print(f"{len(during)} writes while the clean-up went on; the writer saw {sorted(seen)} deleted", flush=True)
        self.assertEqual(self.rows("SELECT events_deleted, batches, partitions_dropped FROM audit_cleanups"),
                         [{"events_deleted": 50000, "batches": 5, "partitions_dropped": 0}])
        self.assertLessEqual(seen, {0, 10000, 20000, 30000, 40000, 50000}, "each transaction deletes ten thousand")
        self.assertLessEqual({10000, 20000, 30000, 40000}, seen, "a writer comes in after each of them")
        self.assertLessEqual(max(during), 10000, "a write took longer than one of them")

    def test_a_dry_run_counts_what_then_goes_and_changes_nothing(self):
        self.record(old_events(500) + new_events(100))
        before = self.rows("SELECT count(*) AS n FROM audit_trail")
        result = self.run_command("cleanup", "--dry-run", "-o", "json")
        self.assertEqual(result.code, 0, result)
        forecast = json.loads(result.out)
        self.assertEqual(self.rows("SELECT count(*) AS n FROM audit_trail"), before)
        self.assertEqual(self.rows("SELECT * FROM audit_cleanups"), [])
        self.assertLess(forecast["oldest"], days_ago(119))

        result = self.run_command("cleanup", "-o", "json")
        self.assertEqual(result.code, 0, result)
        done = json.loads(result.out)
        self.assertEqual((forecast["events"], forecast["references"]), (done["deleted"], done["references"]))
        self.assertEqual(done["deleted"], 500)
        self.assertGreater(done["references"], 500)
        self.assertEqual(len(self.query("--action", "create_new")), 100)
        self.assertEqual(self.rows(ORPHANS), [{"orphans": 0}])
        (record,) = self.query("--action", "retention_applied")
        self.assertIn("\"deleted\":500", json.dumps(record["context"]).replace("\\", "").replace(" ", ""))

    def test_days_on_the_command_line_win(self):
        self.record(old_events(10, days=40) + new_events(3))
        result = self.run_command("cleanup", "-o", "json")
        self.assertEqual(json.loads(result.out)["deleted"], 0)
        result = self.run_command("cleanup", "--days", "30", "-o", "json")
        self.assertEqual(json.loads(result.out)["deleted"], 10)
        result = self.run_command("cleanup", "--days", "0")
        self.assertEqual(result.code, 2, result)
        self.assertIn("1 to 36500", result.err)

    def test_no_database_is_not_made_by_cleaning_it_up(self):
        result = self.run_command("cleanup")
        self.assertEqual(result.code, 5, result)
        self.assertFalse(self.store.is_made())

    def test_kill_9_in_the_middle_of_a_clean_up_and_the_next_run_finishes(self):
        self.record(old_events(20000) + new_events(500))
        env = {"AUDIT_TRAIL_CLEANUP_BATCH_SIZE": "200"}
        struck = []
        for share in (1, 2, 3):
            process = self.start("cleanup", env=env)
            self.wait_for(lambda share=share: self.rows("SELECT coalesce(sum(events_deleted), 0) AS n FROM "
                                                        "audit_cleanups")[0]["n"] >= share * 4000, "some batches")
            process.kill()
            process.communicate()
            struck.append(self.rows("SELECT events_deleted, finished_at FROM audit_cleanups ORDER BY id")[-1])
        print(f"killed after {[row['events_deleted'] for row in struck]} events", flush=True)
        self.assertEqual([row["finished_at"] for row in struck], [None] * 3, "a kill came too late")
        (left,) = self.rows("SELECT count(*) AS n FROM audit_trail WHERE flags & 64 = 0")
        self.assertEqual(left["n"], 20500 - sum(row["events_deleted"] for row in struck))

        result = self.run_command("cleanup", "-o", "json", env=env)
        self.assertEqual(result.code, 0, result)
        self.assertEqual(json.loads(result.out)["deleted"], 20000 - sum(row["events_deleted"] for row in struck))
        self.assertEqual(sorted(row["resource_id"] for row in self.rows()), sorted(f"tnew{i}" for i in range(500)))
        # Also what the killed runs left unused, actions and routes among it.
        self.assertEqual(self.rows(ORPHANS), [{"orphans": 0}])
        if KIND == "sqlite":
            self.assertEqual(self.rows("PRAGMA integrity_check"), [{"integrity_check": "ok"}])

    def on_a_disk_with_room_for(self, leave):
        """Clean up 8,000 events in one batch if it fits; how many batches it took."""
        place = Memory(self, f"store-{leave}", "64m")
        self.database = os.path.join(place.path, "audit.db")
        self.env["AUDIT_TRAIL_DATABASE_URL"] = f"sqlite:{self.database}"
        self.record(old_events(8000) + new_events(50))
        size = os.path.getsize(self.database)
        filler = place.fill(leave=leave)
        # Another process keeps the log in being: it does not go with our own connection.
        other = sqlite3.connect(self.database)
        self.addCleanup(other.close)
        other.execute("SELECT count(*) FROM audit_events").fetchone()
        result = self.run_command("cleanup", "-o", "json", env={"AUDIT_TRAIL_SPOOL_DIR": self.path("spool")})
        self.assertEqual(result.code, 0, result)
        self.assertEqual(json.loads(result.out)["deleted"], 8000)
        self.assertEqual(len(self.rows("SELECT 1 FROM audit_trail WHERE flags & 64 = 0")), 50)
        self.assertEqual(self.rows(ORPHANS), [{"orphans": 0}])
        self.assertLess(os.path.getsize(self.database), size)
        os.unlink(filler)
        return json.loads(result.out)["batches"]

    @only_on("sqlite", "the disk is the file's")
    def test_on_a_disk_that_is_nearly_full_it_goes_in_smaller_steps(self):
        self.assertEqual(self.on_a_disk_with_room_for(32 << 20), 1)  # The control: nothing is in its way.
        batches = self.on_a_disk_with_room_for(512 << 10)
        print(f"8,000 events in {batches} batches where the log has 512 KiB", flush=True)
        self.assertGreater(batches, 1, "the disk was never full")

    @only_on("sqlite", "the trigger is SQLite's")
    def test_a_run_that_fails_on_its_way_says_what_it_did_until_then(self):
        self.record(old_events(3000))
        connection = sqlite3.connect(self.database, isolation_level=None)
        connection.execute("""CREATE TRIGGER refuse BEFORE DELETE ON audit_events
                              WHEN (SELECT count(*) FROM audit_events) <= 2000
                              BEGIN SELECT raise(ABORT, 'enough'); END""")
        connection.close()
        result = self.run_command("cleanup", "-o", "json", env={"AUDIT_TRAIL_CLEANUP_BATCH_SIZE": "400"})
        self.assertEqual(result.code, 1, result)
        self.assertEqual(json.loads(result.out)["deleted"], 800)
        self.assertEqual(result.err.count("enough"), 1, result.err)
        self.assertNotIn("tried again", result.err)  # Nobody does.

    @only_on("sqlite", "PostgreSQL gives room back by itself")
    def test_a_database_without_auto_vacuum_is_cleaned_and_keeps_its_size(self):
        self.record(old_events(3000) + new_events(5))
        connection = sqlite3.connect(self.database, isolation_level=None)
        connection.execute("PRAGMA journal_mode = DELETE")
        connection.execute("PRAGMA auto_vacuum = NONE")
        connection.execute("VACUUM")
        connection.execute("PRAGMA journal_mode = WAL")
        self.assertEqual(connection.execute("PRAGMA auto_vacuum").fetchone(), (0,))
        connection.close()
        size = os.path.getsize(self.database)
        result = self.run_command("cleanup")
        self.assertEqual(result.code, 0, result)
        self.assertIn("keeps its size", result.out)
        self.assertEqual(len(self.rows()), 5)
        self.assertGreaterEqual(os.path.getsize(self.database), size)


@only_on("postgresql", "days are partitions")
class WholeDays(CommandCase):
    SERVER = {"shared_preload_libraries": "'pg_stat_statements'", "pg_stat_statements.track": "all",
              "autovacuum": "off"}

    def deleted_rows(self):
        """How many rows of any table were ever deleted here, by the server's own count."""
        others = "FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"
        self.wait_for(lambda: not self.rows(f"SELECT pid {others}"), "all sessions are over, and counted")
        return self.rows("SELECT tup_deleted AS n FROM pg_stat_database WHERE datname = current_database()")[0]["n"]

    def cleaned(self, count, days_made=96):
        """Clean up a day with so many events: (statements, rows deleted, what the command said)."""
        self.use_state(f"state-{count}")
        day = datetime.datetime.now(datetime.timezone.utc).replace(hour=12) - datetime.timedelta(days=95)
        old = [event(1, timestamp=(day + datetime.timedelta(milliseconds=i)).isoformat()) for i in range(count)]
        self.record(old, env={"AUDIT_TRAIL_RETENTION_DAYS": str(days_made)})
        self.record([event(1)])  # Uses the same references, so that none of them goes.
        self.store.execute("CREATE EXTENSION pg_stat_statements SCHEMA public")
        self.store.execute("SELECT public.pg_stat_statements_reset()")
        before = self.deleted_rows()
        result = self.run_command("cleanup", "-o", "json")
        self.assertEqual(result.code, 0, result)
        deleted = self.deleted_rows() - before
        # Of the clean-up alone: its functions, and what goes on in them. The command also records that it cleaned up.
        (work,) = self.rows("""
            SELECT sum(calls) AS statements
            FROM public.pg_stat_statements s JOIN pg_database d ON d.oid = s.dbid
            WHERE d.datname = current_database() AND (NOT toplevel OR query ILIKE '%audit_detach_day%'
                OR query ILIKE '%audit_drop_expired%')""")
        self.assertGreater(work["statements"], 0)
        self.assertEqual(len(self.rows()), 1)
        self.assertEqual(self.rows("SELECT count(*) AS n FROM audit_days WHERE day < current_date - 90"), [{"n": 0}])
        return work["statements"], deleted, json.loads(result.out)

    # scenario: a whole expired day in PostgreSQL is dropped as a partition: the number of its rows does not change the
    #   number of statements, and no row is deleted one by one
    def test_a_whole_expired_day_is_dropped_as_a_partition(self):
        few, few_deleted, few_said = self.cleaned(40)
        many, many_deleted, many_said = self.cleaned(4000)
        print(f"40 events: {few} statements; 4000 events: {many} statements; rows deleted: {few_deleted}, "
              f"{many_deleted}", flush=True)
        self.assertEqual((few_said["deleted"], many_said["deleted"]), (40, 4000))
        self.assertEqual(few_said["partitions"], many_said["partitions"])
        self.assertGreater(few_said["partitions"], 0)
        self.assertEqual(many, few)
        self.assertEqual(many_deleted, few_deleted, "rows are deleted one by one")

    def test_control_the_same_events_as_strays_are_deleted_row_by_row(self):
        _, few_deleted, few_said = self.cleaned(40, days_made=90)
        _, many_deleted, _ = self.cleaned(400, days_made=90)
        self.assertEqual((few_said["partitions"], many_deleted - few_deleted), (0, 360))


class Leftovers(RecorderCase):
    def long_ago(self, days=-120):
        """The environment of a process whose date is so many days off, and goes on from there."""
        clock = Clock(pathlib.Path(self.path("long-ago")), held=False)
        clock.advance(days * DAY_S)
        return {**clock.environment, "CLOCK_SHIM_REALTIME": "1"}

    def writers(self):
        return {row["uuid"]: row for row in self.rows(f"SELECT {HEX_UUID} AS uuid, id, last_seq FROM audit_writers")}

    @moves_the_clock
    def test_references_ledger_rows_and_dead_writers_that_nothing_uses_any_more_go_too_a_live_writers_last_seq_stays(
            self):
        past = self.long_ago()
        self.env["AUDIT_TRAIL_BUFFER_MAX_SIZE"] = "10"
        alive = self.recorder("--threads", 1, "--events", 200, "--stay", "--close", env=past)
        self.wait_for_events(alive, 200)
        self.wait_for(lambda: any(row["last_seq"] > 0 for row in self.writers().values()), "it is stored")
        (living,) = self.writers()
        for _ in range(3):
            self.record([event(i, user_id="leaver") for i in range(20)], env=past)
        self.record([event(i, user_id="member") for i in range(20)])
        self.wait_for(lambda: self.stats()["total"]["waiting"] == 0, "nothing waits")
        dead = set(self.writers()) - {living}
        self.assertEqual(len(dead), 4)
        total = self.stats()["total"]
        before = self.writers()[living]["last_seq"]
        ledger = self.rows("SELECT count(*) AS n FROM audit_batches")[0]["n"]

        result = self.run_command("cleanup", "-o", "json")
        self.assertEqual(result.code, 0, result)
        done = json.loads(result.out)
        now = self.writers()
        self.assertIn(living, now, "a living writer's row stays")
        self.assertEqual(now[living]["last_seq"], before)
        self.assertEqual(done["writers"], 3)
        self.assertEqual(len(set(now) & dead), 1, "the one that recorded today stays")
        self.assertGreater(done["ledger_rows"], 0)
        self.assertLess(self.rows("SELECT count(*) AS n FROM audit_batches")[0]["n"], ledger + 1)
        self.assertEqual(self.rows("SELECT count(*) AS n FROM audit_batches WHERE writer NOT IN "
                                   "(SELECT id FROM audit_writers)"), [{"n": 0}])
        self.assertEqual(self.rows("SELECT user_id FROM audit_actors WHERE user_id NOT IN ('member', 'system')"), [])
        self.assertEqual(self.rows(ORPHANS), [{"orphans": 0}])

        # What the removed ones recorded still counts.
        after = self.stats()["total"]
        for part in ("stored", "level", "excluded", "dead_lettered"):
            self.assertGreaterEqual(after[part], total[part], part)
        bucket = self.rows("SELECT sum(stored) AS n FROM audit_accounting WHERE writer = 0 AND operation <> 0")
        self.assertEqual(bucket, [{"n": 60}])

        # And the living one goes on where it was, under its old number: nothing of it comes twice.
        self.end(alive)
        self.assertEqual(self.writers()[living]["id"], now[living]["id"])
        self.assertEqual(self.writers()[living]["last_seq"], before + 1, "its farewell")
        self.assertEqual(self.rows("SELECT count(*) AS n FROM audit_trail WHERE user_id = 'recorder'"), [{"n": 0}])

    @unittest.skipIf(sanitizer() is not None, "SKIPPED: forks a busy process, see test_fork.py")
    def test_forks_in_the_middle_of_a_run_do_not_end_it(self):
        self.record(old_events(20000), env={"AUDIT_TRAIL_CLEANUP_ENABLED": "false"})
        gate = self.write("gate", b"")
        env = {"AUDIT_TRAIL_CLEANUP_INTERVAL": "1", "AUDIT_TRAIL_CLEANUP_BATCH_SIZE": "200",
               "AUDIT_TRAIL_EXCLUDE_ACTIONS": "", "RECORDER_FORK_WHEN_GONE": gate}
        children = 4
        recorder = self.recorder("--fork", children, "--events", 100, "--rate", 100, "--stay", "--close", env=env)
        first = "SELECT events_deleted AS n, finished_at, pid FROM audit_cleanups WHERE id = 1"
        self.wait_for(lambda: any(row["n"] > 0 for row in self.rows(first)), "the clean-up deletes")
        os.remove(gate)
        self.wait_for_events(recorder, 2)
        (at_fork,) = self.rows(first)
        self.assertIsNone(at_fork["finished_at"], "the forks came too late")
        self.assertLess(at_fork["n"], 20000)
        self.wait_for(lambda: self.rows(first)[0]["finished_at"] is not None, "the run comes to its end")
        (row,) = self.rows(first)
        print(f"forked {children} children when {at_fork['n']} events were deleted", flush=True)
        self.assertEqual((row["n"], row["pid"]), (20000, recorder.process.pid))
        self.wait_for_events(recorder, 1 + children * 100)
        self.assertEqual(sorted(self.wait_children(recorder)), [])
        recorder.tell(self.tally)
        self.assert_stored_exactly_once()
        self.assertEqual(self.rows(ORPHANS), [{"orphans": 0}])

    def test_a_stop_does_not_wait_for_the_end_of_a_run(self):
        self.record(old_events(5000), env={"AUDIT_TRAIL_CLEANUP_ENABLED": "false"})
        recorder = self.recorder("--events", 10, "--stay", "--close",
                                 env={"AUDIT_TRAIL_CLEANUP_INTERVAL": "1", "AUDIT_TRAIL_CLEANUP_BATCH_SIZE": "1"})
        run = "SELECT events_deleted AS n, finished_at FROM audit_cleanups"
        self.wait_for(lambda: any(row["n"] > 3 for row in self.rows(run)), "the clean-up deletes")
        self.end(recorder)
        (row,) = self.rows(run)
        print(f"stopped when {row['n']} of 5000 events were deleted", flush=True)
        self.assertIsNone(row["finished_at"])
        self.assertLess(row["n"], 5000)
        self.assertEqual(len(self.rows("SELECT seq FROM audit_trail WHERE user_id = 'recorder'")),
                         len(self.tally.accepted))

    def wait_children(self, recorder):
        """SIGTERM to all of them; the spools that are left."""
        os.killpg(recorder.process.pid, signal.SIGTERM)
        self.assertEqual(recorder.wait(), 0, recorder.err)
        return self.spools()

    @moves_the_clock
    def test_the_row_of_a_writer_whose_spool_is_still_there_stays(self):
        past = self.long_ago()
        self.env["AUDIT_TRAIL_BUFFER_MAX_SIZE"] = "10"
        self.record([event(1)], env=past)
        (gone,) = self.writers()
        uuid = gone.lower()
        name = f"{uuid[:8]}-{uuid[8:12]}-{uuid[12:16]}-{uuid[16:20]}-{uuid[20:]}"
        os.mkdir(os.path.join(self.spool_dir, name), 0o700)
        self.run_command("cleanup")
        self.assertIn(gone, self.writers())
        shutil.rmtree(os.path.join(self.spool_dir, name), ignore_errors=True)  # An empty one is taken away anyway.
        self.run_command("cleanup")
        self.assertNotIn(gone, self.writers())

    @moves_the_clock
    def test_writers_of_other_hosts_stay(self):
        self.record([event(1)], env=self.long_ago())
        (gone,) = self.writers()
        self.store.execute("UPDATE audit_writers SET host = 'elsewhere'")
        self.run_command("cleanup")
        self.assertIn(gone, self.writers())


if __name__ == "__main__":
    unittest.main()
