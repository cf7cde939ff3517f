"""`audittrail stats` as the operator's first look: what it says is what happened, and each warning has its cause.

Goal:   the numbers are the caller's own; living, gone, orphaned and foreign writers are told apart; every warning is
        given when its cause is there, is gone when what it advises was done, and is absent from a trail in order.
Method: real recorders, killed, starved and led astray; the store locked, moved away, changed, put back from a backup.
"""
import datetime
import fcntl
import hashlib
import json
import mmap
import os
import pty
import re
import shutil
import sqlite3
import struct
import subprocess
import termios
import unittest
import uuid

import stores
from recorder_support import CLOCK_SHIM, FULL, OK, RecorderCase, moves_the_clock
from stores import KIND, only_on
from support import COMMAND, event, without_spaces

MIB = 1 << 20
LATER = {"AUDIT_TRAIL_BUFFER_FLUSH_INTERVAL": "3600", "AUDIT_TRAIL_BUFFER_MAX_SIZE": "10000"}
SMALL = {"AUDIT_TRAIL_SPOOL_MAX_BYTES": str(4 * MIB)}

# Statements of the database's own kind: for PostgreSQL, for SQLite.
POISON = ("CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS "
          "$$ BEGIN RAISE EXCEPTION 'this one is not wanted'; END $$; "
          "CREATE TRIGGER refuse BEFORE INSERT ON audit_events FOR EACH ROW WHEN (NEW.request_id = 'poison') "
          "EXECUTE FUNCTION refuse()",
          "CREATE TRIGGER refuse BEFORE INSERT ON audit_events WHEN NEW.request_id = 'poison' "
          "BEGIN SELECT RAISE(ABORT, 'this one is not wanted'); END")
RUNS_BETWEEN = ("SELECT setval('audit_cleanups_id_seq', (SELECT last_value + 498 FROM audit_cleanups_id_seq))",
                "UPDATE sqlite_sequence SET seq = seq + 498 WHERE name = 'audit_cleanups'")


class StatsCase(RecorderCase):
    def warnings(self, code=0, **options):
        """The names of the warnings; the page has the same texts, and --check says whether there are any."""
        result = self.run_command("stats", "-o", "json", **options)
        self.assertEqual(result.code, code, result)
        warnings = json.loads(result.out)["warnings"]
        for warning in warnings:
            self.assertGreater(len(warning["message"]), 20, warning)
            self.assertGreater(len(warning["help"]), 20, warning)
        return {warning["name"]: warning for warning in warnings}

    def assert_in_order(self):
        self.assertEqual(self.warnings(), {})
        checked = self.run_command("stats", "--check")
        self.assertEqual(checked.code, 0, checked)
        self.assertTrue(checked.out.startswith("No warnings.\n"), checked)

    def assert_warned(self, *names, code=0, **options):
        """Of these things and of nothing else. What was said, by name."""
        warnings = self.warnings(code, **options)
        self.assertEqual(set(warnings), set(names), warnings)
        checked = self.run_command("stats", "--check", **options)
        self.assertEqual(checked.code, code or 1, checked)
        page = " ".join(checked.out.split())
        for name in names:
            self.assertIn(" ".join(warnings[name]["message"].split()), page)
            self.assertIn(" ".join(warnings[name]["help"].split()), page)
        return warnings

    def in_the_future(self, seconds):
        """The environment of a command that takes it to be so much later."""
        path = self.path("clock")
        with open(path, "wb") as file:
            file.write(struct.pack("<32q", seconds * 1_000_000, *([0] * 31)))
        return {"LD_PRELOAD": without_spaces(CLOCK_SHIM, self.dir), "CLOCK_SHIM_FILE": path,
                "ASAN_OPTIONS": self.env.get("ASAN_OPTIONS", "") + ":verify_asan_link_order=0"}

    def wait_for_a_batch(self):
        """Until a recorder that made the store has put something into it."""
        self.wait_for(lambda: self.rows("SELECT count(*) AS n FROM audit_batches")[0]["n"] > 0, "the first batch")

    def killed(self, count, *arguments, **options):
        """A recorder that accepted `count` events or more and was killed, nothing of them stored on purpose."""
        recorder = self.recorder(*arguments, **options)
        self.wait_for_events(recorder, count, OK)
        recorder.kill()
        return recorder

    def url_hash(self, url):
        return str(uuid.UUID(bytes=hashlib.sha256(url.encode()).digest()[:16]))


class InOrder(StatsCase):
    def test_a_trail_in_order_is_told_without_a_warning(self):
        gone = self.run_recorder("--events", 50, "--close")
        alive = self.recorder("--events", 40, "--stay", "--close")
        self.wait_for_events(alive, 40)
        self.wait_for(lambda: self.stats()["total"]["waiting"] == 0, "all is stored")
        self.assert_in_order()
        stats = self.stats()
        alive.tell(self.tally)
        self.assert_accounting(tolerance=0)
        self.assertEqual((stats["writers_alive"], stats["writers_gone"], stats["writers_orphaned"],
                          stats["writers_foreign"]), (1, 1, 0, 0))

        rows = self.rows("SELECT count(*) AS n FROM audit_events")[0]["n"]
        newest = self.store.us("max(recorded_at)")
        ledger = self.rows(f"SELECT count(*) AS n, {newest} AS newest FROM audit_batches")[0]
        self.assertEqual(stats["store"]["events"], rows)
        for span in ("last_24_hours", "last_7_days"):
            self.assertEqual(stats["flow"][span], {"rows": rows, "transactions": ledger["n"]})
        self.assertRegex(stats["last_flush"]["recorded"], rf"\.{ledger['newest'] % 1_000_000:06}Z$")
        self.assertIsNone(stats["last_cleanup"])
        living = self.tally_of(alive)
        self.assertEqual(stats["policy"]["left_out"]["level"], living["level"])
        self.assertEqual(stats["policy"]["here"],
                         "level writes_only; not recorded: read, access; excluded actions: health_check")
        pids = {writer["pid"]: writer["alive"] for writer in stats["writers"]}
        self.assertEqual(pids, {gone.process.pid: False, alive.process.pid: True})
        self.end(alive)

    def tally_of(self, recorder):
        codes = recorder.so_far().by_code()
        return {"recorded": codes[OK], "level": codes[1]}

    def test_under_load_no_number_leaves_the_callers_bounds_and_nothing_is_wrong(self):
        # As many transactions as there can be; and a machine that is slow is no trouble of the trail.
        self.env.update({"AUDIT_TRAIL_BUFFER_ENABLED": "false", "AUDIT_TRAIL_BUFFER_FLUSH_INTERVAL": "60"})
        recorder = self.recorder("--threads", 2, "--rate", 2000, "--close")
        self.wait_for_events(recorder, 500, OK)
        self.wait_for_a_batch()
        steady = moved = 0
        while steady + moved < 40:
            before = recorder.so_far().by_code()
            stats = self.stats()
            # Counted before the recorder could say so: what was offered by now.
            offered = len(recorder.so_far().offered)
            self.assertEqual(stats["warnings"], [])
            if not stats["steady"]:
                moved += 1
                continue
            steady += 1
            seen = stats["total"]["recorded"] - stats["operations"]["control"]["recorded"]
            self.assertLessEqual(before[OK], seen)
            self.assertLessEqual(seen, offered)
        transactions = stats["flow"]["last_24_hours"]["transactions"]
        print(f"{steady} steady looks and {moved} while it moved, over {transactions} transactions", flush=True)
        self.assertGreater(steady, 0)
        self.end(recorder)

    def test_departed_writers_stay_in_the_sums(self):
        for _ in range(3):
            self.run_recorder("--events", 30, "--close")
        before = self.stats()
        # What a clean-up does with writers that are gone: their counts go to writer 0.
        self.store.execute("""
            INSERT INTO audit_accounting
                SELECT 0, operation, sum(stored), sum(dead_lettered), sum(level), sum(excluded), sum(sampled),
                    sum(rejected), sum(dropped) FROM audit_accounting WHERE writer IN (1, 2) GROUP BY operation;
            DELETE FROM audit_accounting WHERE writer IN (1, 2);
            DELETE FROM audit_writers WHERE id IN (1, 2)""")
        after = self.stats()
        self.assertEqual((before["writers_gone"], after["writers_gone"]), (3, 1))
        self.assertEqual(after["operations"], before["operations"])
        self.assertEqual(after["total"], before["total"])
        self.assertGreater(after["departed"]["create"]["stored"], 0)
        self.assert_in_order()

    def test_a_page_fits_its_terminal(self):
        self.killed(20, "--events", 50, "--stay", env={**LATER, "AUDIT_TRAIL_SERVICE": "a-service-with-quite-a-name"})
        for columns in (80, 120):
            control, terminal = pty.openpty()
            fcntl.ioctl(terminal, termios.TIOCSWINSZ, struct.pack("HHHH", 50, columns, 0, 0))
            process = subprocess.Popen([COMMAND, "stats", "--set", "AUDIT_TRAIL_EXCLUDE_ACTIONS=" + "a1,a2,a3," * 40],
                                       env=self.env, cwd=self.dir, stdin=subprocess.DEVNULL, stdout=terminal)
            os.close(terminal)
            page = b""
            try:
                while chunk := os.read(control, 65536):
                    page += chunk
            except OSError:
                pass  # The terminal's other end is closed.
            os.close(control)
            process.wait()
            lines = [line for line in page.decode().splitlines() if self.dir not in line]  # A path stays whole.
            self.assertGreater(len(lines), 20)
            self.assertLessEqual(max(len(line) for line in lines), columns, "\n".join(lines))
            self.assertGreater(max(len(line) for line in lines), columns - 25)

    def test_every_name_is_documented(self):
        root = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..")
        with open(os.path.join(root, "docs", "docs", "manage", "audit-trails.md"), encoding="utf-8") as file:
            manual = file.read()
        with open(os.path.join(root, "cli", "stats_warnings.h"), encoding="utf-8") as file:
            warnings = re.findall(r"X\([A-Z_]+, (\w+)\)", file.read())
        self.run_recorder("--events", 5, "--close")
        self.store.execute("INSERT INTO audit_cleanups (started_at, cut_off) VALUES "
                           f"({self.store.at(2)}, {self.store.at(1)})")
        self.killed(3, "--events", 5, "--stay", env=LATER)

        def names(value):
            if isinstance(value, dict):
                return set(value).union(*map(names, value.values()))
            return set().union(*map(names, value)) if isinstance(value, list) else set()

        found = names(self.stats())
        print(f"{len(found)} names, {len(warnings)} warnings", flush=True)
        self.assertGreater(len(found), 70)
        self.assertEqual([name for name in sorted(found) if f'"{name}"' not in manual], [])
        self.assertEqual([name for name in warnings if f"| `{name}` |" not in manual], [])

    def test_settings_that_are_wrong_are_told(self):
        for arguments, named in ((("-o", "yaml"), "table or json"), (("--chek",), "--check"), (("extra",), "extra")):
            result = self.run_command("stats", *arguments)
            self.assertEqual(result.code, 2, result)
            self.assertIn(named, result.err)


class Writers(StatsCase):
    @moves_the_clock
    def test_an_orphan_is_told_until_somebody_takes_it_over(self):
        self.create_store()
        dead = self.killed(20, "--events", 50, "--stay", env=LATER)
        accepted = len(dead.so_far().accepted)
        stats = self.stats()
        (orphan,) = [writer for writer in stats["writers"] if writer["orphaned"]]
        self.assertEqual((orphan["pid"], orphan["alive"], orphan["foreign"]), (dead.process.pid, False, False))
        self.assertEqual(orphan["operations"]["create"]["waiting"], accepted)
        self.assertEqual((stats["writers_alive"], stats["writers_gone"], stats["writers_orphaned"]), (0, 1, 1))
        self.assert_in_order()  # It died a moment ago: whoever starts next takes it over.
        said = self.assert_warned("waiting_too_long", env=self.in_the_future(10))
        self.assertIn("start the service", said["waiting_too_long"]["help"])

        self.run_recorder("--events", 1, "--close")
        stats = self.stats()
        self.assertEqual((stats["writers_orphaned"], stats["total"]["waiting"]), (0, 0))
        self.assertEqual(self.warnings(env=self.in_the_future(10)), {})

    def lead_astray(self, **env):
        """A service with another store, killed. Its settings."""
        other = {**LATER, "AUDIT_TRAIL_DATABASE_URL": f"sqlite:{self.path('other.db')}",
                 "AUDIT_TRAIL_SERVICE": "billing", **env}
        self.create_store()
        return other

    def test_an_orphan_of_another_store_is_told_with_what_helps(self):
        other = self.lead_astray()
        dead = self.killed(20, "--events", 50, "--stay", env=other)
        said = self.assert_warned("foreign_orphans")["foreign_orphans"]
        destination = self.url_hash(other["AUDIT_TRAIL_DATABASE_URL"])
        for part in ("billing", str(dead.process.pid), destination):
            self.assertIn(part, said["message"])
        stats = self.stats()
        (foreign,) = [writer for writer in stats["writers"] if writer["foreign"]]
        self.assertEqual(foreign["destination"], {"url_hash": destination})
        self.assertEqual((stats["writers_foreign"], stats["foreign_orphaned"]), (1, 1))
        self.assertEqual(stats["foreign_waiting"], len(dead.so_far().accepted) + 1)  # And its trail_started.
        self.assertEqual(stats["total"]["waiting"], 0)

        # What the help says.
        self.assertIn(f"AUDIT_TRAIL_SPOOL_DIR={self.spool_dir}", said["help"])
        self.record([event(1)], env={"AUDIT_TRAIL_DATABASE_URL": other["AUDIT_TRAIL_DATABASE_URL"]})
        self.assert_in_order()
        self.assertEqual(self.stats()["writers_foreign"], 0)

    def test_a_store_that_was_reached_is_named_by_its_own_identity(self):
        other = self.lead_astray(**SMALL, AUDIT_TRAIL_BUFFER_FLUSH_INTERVAL="1")
        # Two segments' worth, over more than the interval: the second is begun when the store is known.
        recorder = self.recorder("--events", 2500, "--size", 2000, "--rate", 1500, "--stay", env=other)
        self.wait_for_events(recorder, 2500)
        elsewhere = stores.SqliteStore(self.path("other.db"))
        lock = elsewhere.lock()
        recorder.kill()
        lock.close()
        (row,) = elsewhere.rows("SELECT uuid FROM audit_store")
        foreign = [writer for writer in self.stats()["writers"] if writer["foreign"]]
        self.assertEqual([writer["destination"] for writer in foreign], [{"store": str(uuid.UUID(bytes=row["uuid"]))}])

    def test_a_living_service_of_another_store_is_no_trouble(self):
        recorder = self.recorder("--events", 50, "--stay", "--close", env=self.lead_astray())
        self.wait_for_events(recorder, 50)
        self.assert_in_order()
        stats = self.stats()
        self.assertEqual((stats["writers_foreign"], stats["foreign_orphaned"], stats["writers_alive"]), (1, 0, 0))
        self.assertEqual(recorder.stop(), 0)


class Store(StatsCase):
    @moves_the_clock
    def test_a_store_that_is_locked_lets_events_grow_old(self):
        self.create_store()
        recorder = self.recorder("--events", 50, "--stay", "--close")
        lock = self.lock_store(readable=True)
        self.wait_for_events(recorder, 50)
        waiting = self.stats()["total"]["waiting"]
        said = self.assert_warned("waiting_too_long", env=self.in_the_future(20))["waiting_too_long"]
        self.assertIn("locked", said["help"])
        print(f"{waiting} waited behind the lock: {said['message']}", flush=True)
        self.assertGreater(waiting, 0)
        lock.close()
        self.wait_for(lambda: self.stats()["total"]["waiting"] == 0, "it is stored")
        self.assertEqual(self.warnings(env=self.in_the_future(20)), {})
        self.end(recorder)

    @only_on("sqlite", "a file that is moved away")
    def test_a_store_that_is_away_is_the_first_thing_told(self):
        self.create_store()
        recorder = self.recorder("--events", 50, "--stay", "--close")
        self.wait_for_events(recorder, 50)
        self.wait_for(lambda: self.stats()["total"]["waiting"] == 0, "all is stored")
        os.rename(self.database, self.path("away.db"))
        said = self.assert_warned("store_unreachable", code=5)["store_unreachable"]
        self.assertIn(self.database, said["message"])
        stats = self.stats(code=5)
        self.assertEqual((stats["store"]["reachable"], stats["writers_alive"]), (False, 1))
        self.assertIn(self.database, stats["store"]["error"])
        os.rename(self.path("away.db"), self.database)
        self.assert_in_order()
        self.end(recorder)

    def test_dead_letters_are_told_with_the_newest_error(self):
        self.create_store()
        self.assert_in_order()
        self.store.execute(POISON[KIND == "sqlite"])
        self.record([event(1), event(2, request_id="poison"), event(3)])
        said = self.assert_warned("dead_letters")["dead_letters"]
        self.assertIn("1 event;", said["message"])
        self.assertIn("this one is not wanted", said["message"])
        stats = self.stats()
        self.assertEqual((stats["dead_letters"]["count"], stats["operations"]["delete"]["dead_lettered"]), (1, 1))
        on_table = "" if KIND == "sqlite" else "ON audit_events"
        self.store.execute(f"DROP TRIGGER refuse {on_table}; DELETE FROM audit_dead_letters")
        self.assert_in_order()

    def test_a_clean_up_is_told_as_it_is(self):
        self.create_store()
        latest = self.rows(f"SELECT {self.store.us('max(recorded_at)')} AS at FROM audit_batches")[0]["at"]
        now, cut_off = self.store.at(latest), self.store.at(latest - 90 * 86400 * 1_000_000)
        begun = f"INSERT INTO audit_cleanups (started_at, cut_off) VALUES ({now}, {cut_off})"
        self.store.execute(begun)
        self.assertIn("goes on", self.run_command("stats").out)
        self.assert_in_order()
        self.store.execute(f"UPDATE audit_cleanups SET finished_at = {now}, events_deleted = 1234, duration = 2500000")
        self.assertRegex(" ".join(self.run_command("stats").out.split()),
                         r"last clean-up \S+ s ago, took 2\.5 s: 1,234 events deleted that were older than 90 days; "
                         r"retention 90 days dead letters")
        self.assertEqual(self.stats()["retention"], {"days": 90, "enabled": True})
        off = {"AUDIT_TRAIL_CLEANUP_ENABLED": "false"}
        self.assertIn("CLEANUP_ENABLED=false", self.run_command("stats", env=off).out)
        self.store.execute(f"{begun}; UPDATE audit_cleanups SET refused = 'the clock went back by 3 days' WHERE id = 2")
        said = self.assert_warned("cleanup_refused")["cleanup_refused"]
        self.assertIn("the clock went back by 3 days", said["message"])
        self.store.execute(f"{begun}; UPDATE audit_cleanups SET finished_at = {now} WHERE id = 3")
        self.assert_in_order()

    def test_what_clean_ups_deleted_is_known_for_good(self):
        old = (datetime.datetime.now(datetime.timezone.utc) - datetime.timedelta(days=120)).isoformat()
        for run in range(4):
            self.record([event(f"old{run}-{i}", timestamp=old) for i in range(300)] + [event(f"new{run}")])
            cleaned = self.run_command("cleanup", "-o", "json")
            self.assertEqual((cleaned.code, json.loads(cleaned.out)["deleted"]), (0, 300), cleaned)
            (there,) = self.rows("SELECT count(*) AS n FROM audit_trail")
            self.assertEqual(self.stats()["store"]["events"], there["n"])
            self.assert_in_order()
            # As though there had been 498 more: the next run but one forgets this one.
            self.store.execute(RUNS_BETWEEN[KIND == "sqlite"])
        runs = self.rows("SELECT events_deleted AS n FROM audit_cleanups ORDER BY id")
        self.assertEqual(runs, [{"n": 900}, {"n": 300}])

    def test_accounts_that_do_not_add_up_are_told(self):
        self.run_recorder("--events", 50, "--close")
        self.assert_in_order()
        for change, back in (("UPDATE audit_accounting SET stored = stored + 1 WHERE operation = 1",
                              "UPDATE audit_accounting SET stored = stored - 1 WHERE operation = 1"),
                             ("UPDATE audit_writers SET last_seq = last_seq + 5",
                              "UPDATE audit_writers SET last_seq = last_seq - 5"),
                             ("UPDATE audit_batches SET event_count = event_count + 1",
                              "UPDATE audit_batches SET event_count = event_count - 1")):
            self.store.execute(change)
            self.assert_warned("accounts_differ")
            self.store.execute(back)
            self.assert_in_order()

    @only_on("sqlite", "a file is copied and put back")
    def test_events_that_an_older_backup_does_not_have_are_told(self):
        self.env.update(SMALL)
        recorder = self.recorder("--events", 2500, "--size", 2000, "--rate", 1500, "--stay")
        self.wait_for_events(recorder, 100)
        self.wait_for_a_batch()
        source, backup = sqlite3.connect(self.database), sqlite3.connect(self.path("backup.db"))
        source.backup(backup)
        had = backup.execute("SELECT last_seq FROM audit_writers").fetchone()[0]
        for connection in (source, backup):
            connection.close()
        (spool,) = self.spools()
        self.wait_for_events(recorder, 2500)
        first = os.path.join(self.spool_dir, spool, "00000001.seg")
        self.wait_for(lambda: not os.path.exists(first), "the first segment is stored and gone")
        self.assertEqual(self.warnings(), {})
        recorder.kill()
        for end in ("", "-wal", "-shm"):
            if os.path.exists(self.database + end):
                os.unlink(self.database + end)
        shutil.copy(self.path("backup.db"), self.database)
        said = self.assert_warned("events_missing")["events_missing"]
        (writer,) = self.stats()["writers"]
        print(f"the backup ends at {had}: {said['message']}", flush=True)
        self.assertEqual(writer["last_seq"], had)
        self.assertGreater(writer["missing"], 0)


class Spool(StatsCase):
    def test_a_full_spool_and_what_it_refused_are_told(self):
        self.create_store()
        self.env.update(SMALL)
        lock = self.lock_store(readable=True)
        recorder = self.recorder("--threads", 2, "--rate", 2000, "--size", 4000, "--close")
        self.wait_for(lambda: "spool_filling" in self.warnings(), "it fills")
        self.wait_for_events(recorder, 100, FULL)
        said = self.warnings()
        print(f"{said['spool_filling']['message']} {said['events_refused']['message']}", flush=True)
        self.assertLessEqual({"spool_filling", "events_refused"}, set(said))
        self.assertIn("AUDIT_TRAIL_SPOOL_MAX_BYTES", said["spool_filling"]["help"])
        lock.close()
        self.end(recorder)
        refused = self.tally.by_code()[FULL]
        said = self.assert_warned("events_refused")["events_refused"]
        self.assertIn(f"({refused:,} rejected, 0 dropped)", said["message"])

    def test_a_damaged_segment_is_told_before_and_after_it_is_set_aside(self):
        self.create_store()
        dead = self.killed(1200, "--events", 2500, "--size", 2000, "--stay", env={**LATER, **SMALL})
        (spool,) = self.spools()
        self.assert_in_order()
        path = os.path.join(self.spool_dir, spool, "00000001.seg")
        with open(path, "r+b") as file, mmap.mmap(file.fileno(), 4096) as header:
            header[40] ^= 1
        said = self.assert_warned("segments_damaged", "events_missing")
        self.assertIn(spool, said["segments_damaged"]["message"])
        lost = [writer["missing"] for writer in self.stats()["writers"] if writer["missing"]]

        self.run_recorder("--events", 1, "--close")
        self.assertTrue(os.path.exists(path + ".quarantine"))
        self.assert_warned("segments_damaged")
        told = [record["last_seq"] - record["first_seq"] + 1 for record in self.control_records("events_lost")]
        print(f"of {len(dead.so_far().accepted)} events {lost} were missing by stats, {told} by the trail", flush=True)
        self.assertEqual(told, lost)
        os.unlink(path + ".quarantine")
        self.assert_in_order()


if __name__ == "__main__":
    unittest.main()
