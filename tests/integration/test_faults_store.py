"""Goal: whatever is wrong with the store, callers do not notice, and what they were told is accepted is stored once.

Method: a recorder records while its store is locked, read-only, absent, replaced or full; what its pipe says is held
against the store when that is back. Each test checks that the fault was really met (the drain said so), and that it
said so once.
"""
import os
import shutil
import sqlite3
import unittest

from places import Memory
from recorder_support import OK, PENDING, REFUSED, RecorderCase
from spool_format import FLAG_CONTROL, Spool

AGAIN = "the store is reachable again"
# Far below the 5 s that a store's lock is waited for, far above what a busy machine does to a thread.
HELD_UP_S = 1.5


class StoreAway(RecorderCase):
    def start_recording(self, *arguments, **options):
        return self.recorder("--threads", 2, "--rate", 500, "--close", *arguments, **options)

    def assert_told_once(self, recorder, words):
        told = [notice for notice in recorder.notices if AGAIN not in notice]
        again = [notice for notice in recorder.notices if AGAIN in notice]
        print(f"told: {told}, {again}", flush=True)
        self.assertEqual(len(told), 1, recorder.notices)
        self.assertRegex(told[0], words)
        self.assertEqual(len(again), 1, recorder.notices)

    def outlast(self, come_back, words, met):
        """Record while the store is away and after it is back; met(recorder) is true once the fault has struck."""
        recorder = self.start_recording()
        self.wait_for(lambda: met(recorder), "the store is missed")
        before = len(recorder.so_far().codes)
        self.wait_for_events(recorder, before + 500)
        away = recorder.so_far()
        come_back()
        self.wait_for(lambda: any(AGAIN in notice for notice in recorder.notices), "the store is used again")
        self.wait_for_events(recorder, len(recorder.so_far().codes) + 100)
        self.end(recorder)
        print(f"{len(away.codes)} calls while the store was away, the slowest call took {recorder.slowest_s:.6f} s",
              flush=True)
        self.assertEqual(set(self.tally.by_code()), {OK, REFUSED})
        self.assertLess(recorder.slowest_s, HELD_UP_S)
        self.assert_told_once(recorder, words)
        self.assertEqual(self.spools(), [])
        self.assert_stored_exactly_once()
        self.assert_accounting(tolerance=0)
        return away

    @staticmethod
    def said(recorder):
        return bool(recorder.notices)

    def test_store_that_is_locked_for_a_while(self):
        self.create_store()
        lock = self.lock_store()
        seen = {}

        def unlock():
            seen.update(self.stats()["operations"]["create"])
            lock.close()
        away = self.outlast(unlock, "locked", self.said)
        own = sum(1 for key in away.accepted if key.startswith("2-"))
        print(f"stats while it was locked: {seen['waiting']} wait; {own} were accepted until just before", flush=True)
        self.assertGreaterEqual(seen["waiting"], own)
        self.assertGreater(own, 0)

    def test_store_that_is_read_only_for_a_while(self):
        place = Memory(self, "store", "16m")
        self.database = os.path.join(place.path, "audit.db")
        self.env["AUDIT_TRAIL_DATABASE_URL"] = f"sqlite:{self.database}"
        self.create_store()
        place.remount("ro")
        self.outlast(lambda: place.remount("rw"), "read-?only", self.said)

    def test_store_whose_directory_is_missing_for_a_while(self):
        """A symbolic link into nothing, as when a volume is not mounted yet: the directory cannot be made for it."""
        os.symlink(self.path("volume"), self.path("link"))
        self.database = os.path.join(self.path("link"), "audit.db")
        self.env["AUDIT_TRAIL_DATABASE_URL"] = f"sqlite:{self.database}"
        self.outlast(lambda: os.mkdir(self.path("volume")), "cannot create", self.said)

    def test_store_whose_disk_is_full_for_a_while(self):
        place = Memory(self, "store", "16m")
        self.database = os.path.join(place.path, "audit.db")
        self.env["AUDIT_TRAIL_DATABASE_URL"] = f"sqlite:{self.database}"
        self.create_store()
        filler = place.fill()
        self.outlast(lambda: os.unlink(filler), "full|No space|disk I/O", self.said)

    def test_database_that_is_moved_away_under_a_running_writer(self):
        recorder = self.start_recording()
        self.wait_for(lambda: len(self.stored()) > 300, "events are stored")
        moved = self.path("moved")
        os.mkdir(moved)
        for name in os.listdir(self.state):
            if name.startswith("audit.db"):
                os.rename(os.path.join(self.state, name), os.path.join(moved, name))
        self.wait_for(lambda: len(self.stored()) > 300, "events are stored in a new database")
        self.end(recorder)

        new = self.stored()
        lost = self.control_records("events_lost")
        self.database = os.path.join(moved, "audit.db")
        old = self.stored()
        print(f"{len(self.tally.accepted)} accepted: {len(old)} in the old database, {len(new)} in the new one, "
              f"gaps told there: {lost}; notices: {recorder.notices}", flush=True)
        self.assertEqual([key for count in (old, new) for key, times in count.items() if times != 1], [])
        self.assertEqual(set(old) | set(new), self.tally.accepted)
        self.assertLess(recorder.slowest_s, HELD_UP_S)
        self.assertTrue(any("removed or replaced" in notice for notice in recorder.notices), recorder.notices)
        self.assertLessEqual(len(recorder.notices), 3)

    def test_control_the_same_checks_fail_where_events_are_lost(self):
        """Without the remains of a killed process the comparison must fail: the store was really away."""
        self.create_store()
        lock = self.lock_store()
        recorder = self.start_recording()
        self.wait_for_events(recorder, 200, OK)
        recorder.kill()
        recorder.tell(self.tally)
        shutil.rmtree(self.spool_dir)
        lock.close()
        with self.assertRaises(AssertionError):
            self.assert_stored_exactly_once()


class Waiting(RecorderCase):
    def test_async_false_and_a_store_that_stays_away_is_pending_and_stored_later_once(self):
        self.create_store()
        lock = self.lock_store()
        recorder = self.recorder("--threads", 2, "--events", 10, "--stay", "--close",
                                 env={"AUDIT_TRAIL_ASYNC": "false", "AUDIT_TRAIL_SYNC_TIMEOUT_MS": "300"})
        self.wait_for_events(recorder, 20)
        codes = recorder.so_far().by_code()
        print(f"codes while the store was locked: {dict(codes)}", flush=True)
        self.assertEqual(codes, {PENDING: 12, REFUSED: 8})
        self.assertEqual(set(self.stored()), {"1-0-0"})
        lock.close()
        self.end(recorder)
        self.assertGreaterEqual(recorder.slowest_s, 0.3)
        self.assertLess(recorder.slowest_s, 0.3 + HELD_UP_S)
        self.assert_stored_exactly_once()
        self.assert_accounting(tolerance=0)

    def test_stop_with_the_store_away_says_how_many_wait_and_the_next_start_stores_them(self):
        self.create_store()
        lock = self.lock_store()
        recorder = self.recorder("--threads", 2, "--rate", 500, "--close", env={"AUDIT_TRAIL_SHUTDOWN_TIMEOUT": "1"})
        self.wait_for_events(recorder, 200, OK)
        self.end(recorder, code=3)
        own = {key for key in self.tally.accepted if key.startswith("2-")}
        print(f"stopped with the store locked: {recorder.waiting} events wait", flush=True)
        self.assertEqual(recorder.waiting, len(own))
        self.assertEqual(len(self.spools()), 1)
        self.assertEqual(self.stats()["operations"]["create"]["waiting"], len(own))
        lock.close()
        self.recover()
        self.assert_stored_exactly_once()
        self.assert_accounting(tolerance=0)

    def test_control_with_the_store_there_the_stop_leaves_nothing(self):
        recorder = self.recorder("--threads", 2, "--rate", 500, "--close", env={"AUDIT_TRAIL_SHUTDOWN_TIMEOUT": "1"})
        self.wait_for_events(recorder, 200, OK)
        self.end(recorder)
        self.assertEqual((recorder.waiting, self.spools(), recorder.notices), (0, [], []))


class Zombie(RecorderCase):
    """A drain was killed while the database still runs its transaction; its events are replayed meanwhile."""

    def setUp(self):
        super().setUp()
        self.create_store()
        self.zombie = sqlite3.connect(self.database, isolation_level=None)
        self.addCleanup(self.zombie.close)
        self.zombie.execute("BEGIN EXCLUSIVE")
        recorder = self.recorder("--events", 40)
        recorder.wait()
        recorder.tell(self.tally)
        (name,) = self.spools()
        self.frames = Spool(os.path.join(self.spool_dir, name)).events
        self.writer = bytes.fromhex(name.replace("-", ""))
        self.zombie.execute("ROLLBACK")
        # The row of the writer was there before the transaction began.
        self.zombie.execute("INSERT INTO audit_writers (uuid, id_hash, last_seq, service, host, pid, version, "
                            "started_at) VALUES (?, 0, 0, 'recorder', 'here', 1, '0', 0)", (self.writer,))

    def write_as_the_dead_drain(self, fence=True):
        """What its transaction does before COMMIT; returns how many rows the fence moved."""
        zombie = self.zombie
        zombie.execute("BEGIN IMMEDIATE")
        moved = 0
        if fence:
            moved = zombie.execute("UPDATE audit_writers SET last_seq = ? WHERE uuid = ? AND last_seq = 0",
                                   (self.frames[-1].seq, self.writer)).rowcount
            if moved == 0:
                return 0
        (writer,) = zombie.execute("SELECT id FROM audit_writers WHERE uuid = ?", (self.writer,)).fetchone()
        template = zombie.execute("SELECT actor, action FROM audit_events ORDER BY id LIMIT 1 OFFSET 1").fetchone()
        for frame in self.frames:
            if frame.flags & FLAG_CONTROL:
                continue
            resource = zombie.execute(
                "INSERT INTO audit_resources (digest, resource_type, resource_id) VALUES (randomblob(16), 'tool', ?)",
                (frame.resource_id,)).lastrowid
            zombie.execute("INSERT INTO audit_events (timestamp, writer, seq, actor, resource, action, operation, "
                           "outcome, level, flags, data_classification, requires_review, weight) "
                           "VALUES (?, ?, ?, ?, ?, ?, 1, 0, 2, 0, 0, 0, 1)",
                           (frame.wall_us, writer, frame.seq, template[0], resource, template[1]))
        return moved

    def start_replay(self, *arguments):
        """The next start; it is under way once its drain waits for the lock that the zombie holds."""
        replay = self.recorder("--events", 1, "--close", *arguments)

        def waits():
            tasks = f"/proc/{replay.process.pid}/task"
            for task in os.listdir(tasks):
                with open(f"{tasks}/{task}/comm") as name, open(f"{tasks}/{task}/wchan") as where:
                    # The lock is asked for every few milliseconds; without work it would sleep in poll().
                    if name.read() == "trail-drain\n" and "nanosleep" in where.read():
                        return True
            return False
        self.wait_for(waits, "the replay waits for the zombie")
        return replay

    def finish(self, replay):
        self.assertEqual(replay.wait(), 0, replay.err)
        replay.tell(self.tally)
        self.assertEqual(self.spools(), [])

    def test_zombie_that_commits_first_leaves_nothing_for_the_replay(self):
        self.assertEqual(self.write_as_the_dead_drain(), 1)
        replay = self.start_replay()
        self.zombie.execute("COMMIT")
        self.finish(replay)
        self.assert_stored_exactly_once()
        batches = self.rows("SELECT * FROM audit_batches b JOIN audit_writers w ON w.id = b.writer WHERE w.uuid = ?",
                            self.writer)
        print(f"the fence struck: {len(self.frames)} frames were replayed in {len(batches)} batches", flush=True)
        self.assertEqual(batches, [])

    def test_zombie_that_rolls_back_leaves_everything_for_the_replay(self):
        self.assertEqual(self.write_as_the_dead_drain(), 1)
        replay = self.start_replay()
        self.zombie.execute("ROLLBACK")
        self.finish(replay)
        self.assert_stored_exactly_once()

    def test_replay_that_commits_first_leaves_nothing_for_the_zombie(self):
        self.recover()
        self.assertEqual(self.write_as_the_dead_drain(), 0)
        self.zombie.execute("COMMIT")
        self.assert_stored_exactly_once()

    def test_replay_whose_wait_for_the_zombie_ends_first_stores_nothing_twice_either(self):
        """Its stop waits until the remains that it found are stored, although the first attempt failed."""
        self.assertEqual(self.write_as_the_dead_drain(), 1)
        replay = self.start_replay("--stay")
        self.wait_for(lambda: replay.notices, "the replay's wait for the lock ends")
        self.assertIn("locked", replay.notices[0])
        replay.process.terminate()
        self.zombie.execute("COMMIT")
        self.finish(replay)
        self.assert_stored_exactly_once()

    def test_control_without_the_fence_the_same_race_stores_everything_twice(self):
        self.write_as_the_dead_drain(fence=False)
        replay = self.start_replay()
        self.zombie.execute("COMMIT")
        self.finish(replay)
        twice = [key for key, count in self.stored().items() if count == 2]
        print(f"without the fence {len(twice)} events are stored twice", flush=True)
        self.assertEqual(len(twice), len([frame for frame in self.frames if not frame.flags & FLAG_CONTROL]))


if __name__ == "__main__":
    unittest.main()
