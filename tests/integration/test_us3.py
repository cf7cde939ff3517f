"""US-3, non-blocking audit writes: the scenarios of the acceptance list that are not about HTTP, by their names.

Method: the recorder records, audit_batches says how many transactions that were and what was in each. Clocks are moved
(tests/support/clock_shim.c), never slept through. `kill -9 at any moment` is test_kill.py; `a store that stays away` is
also in test_faults_store.py, with more faults.
"""
import mmap
import struct
import unittest

from recorder_support import CLOCK_SHIM, OK, PENDING, RecorderCase, moves_the_clock
from stores import StoreError


class NonBlockingWrites(RecorderCase):
    SUSPENDS = True

    def setUp(self):
        super().setUp()
        self.env.update({"AUDIT_TRAIL_LEVEL": "all", "AUDIT_TRAIL_EXCLUDE_ACTIONS": "",
                         "AUDIT_TRAIL_BUFFER_FLUSH_INTERVAL": "30", "AUDIT_TRAIL_BUFFER_MAX_SIZE": "500"})

    def transactions(self):
        """(first seq, last seq, rows) of each; seq 1 is the trail's own record of its start."""
        if not self.store.is_made():
            return []
        return [(row["first_seq"], row["last_seq"], row["event_count"])
                for row in self.rows("SELECT * FROM audit_batches ORDER BY id")]

    def with_clock(self):
        """A clock that stands still but for advance(): a slow machine must not come near the interval by itself."""
        path = self.path("clock")
        with open(path, "wb") as file:
            file.write(struct.pack("<qQ", 0, 1).ljust(256, b"\0"))
        with open(path, "r+b") as file:
            self.clock = mmap.mmap(file.fileno(), 256)
        self.addCleanup(self.clock.close)
        return {"env": {"CLOCK_SHIM_FILE": path}, "preload": CLOCK_SHIM}

    def advance(self, seconds):
        (offset,) = struct.unpack_from("<q", self.clock, 0)
        struct.pack_into("<q", self.clock, 0, offset + seconds * 1_000_000)
        before = self.wakes()
        self.wait_for(lambda: all(now >= then + 2 for now, then in zip(self.wakes(), before)), "the clock is looked at")

    def wakes(self):
        (threads,) = struct.unpack_from("<Q", self.clock, 16)
        return struct.unpack_from(f"<{threads}Q", self.clock, 24)

    @moves_the_clock
    def test_buffered_audit_writes(self):
        """Nothing is written until 30 seconds after the first of 50 events, and then one transaction writes all."""
        recorder = self.recorder("--events", 50, "--stay", "--close", **self.with_clock())
        self.wait_for_events(recorder, 50, OK)
        self.advance(27)
        self.assertEqual(self.transactions(), [])
        self.advance(4)
        self.wait_for(self.transactions, "a transaction")
        self.assertEqual(self.transactions(), [(1, 51, 51)])
        self.end(recorder)

    # scenario: AUDIT_TRAIL_BUFFER_MAX_SIZE=500: when 500 events wait, they are written in one transaction, without
    #   waiting for the interval
    @moves_the_clock
    def test_buffer_max_size_500_when_500_events_wait_they_are_written_in_one_transaction(self):
        """Without waiting for the interval."""
        recorder = self.recorder("--events", 499, "--stay", "--close", **self.with_clock())
        self.wait_for_events(recorder, 499, OK)
        self.advance(25)
        self.assertEqual(self.transactions(), [], "the control: 499 wait")
        recorder.kill()
        recorder = self.recorder("--events", 500, "--stay", "--close",
                                 env={"AUDIT_TRAIL_SPOOL_DIR": self.path("other")})
        self.wait_for(self.transactions, "a transaction")
        self.assertEqual(self.transactions(), [(1, 501, 501)])
        self.end(recorder)

    def not_committed(self, env, *arguments):
        """How many events were reported as accepted at some moment and were not in the store a moment later."""
        recorder = self.recorder(*arguments, "--stay", "--close", env=env)
        missing = looks = 0
        self.wait_for_events(recorder, 1, OK)
        while looks < 4 or len(recorder.so_far().codes) < 400:
            self.assertIsNone(recorder.process.poll(), "it stays until it is told to end")
            reported = recorder.so_far().with_code(OK)
            try:
                missing += len(reported - set(self.stored()))
            except StoreError as error:  # No table yet: nothing can have been committed.
                self.assertRegex(str(error), "no such table|unable to open|does not exist")
                missing += len(reported)
            looks += 1
        self.end(recorder)
        self.assert_stored_exactly_once()
        print(f"{len(recorder.so_far().accepted)} events, looked {looks} times", flush=True)
        return missing

    # scenario: AUDIT_TRAIL_ASYNC=false: when an operation returns, its record is committed; with the buffer enabled
    #   concurrent callers share a transaction, without it each has its own
    def test_async_false_when_an_operation_returns_its_record_is_committed(self):
        for buffered in ("true", "false"):
            env = {"AUDIT_TRAIL_ASYNC": "false", "AUDIT_TRAIL_BUFFER_ENABLED": buffered}
            self.assertEqual(self.not_committed(env, "--threads", 4, "--events", 100, "--rate", 200), 0, env)

    def test_control_async_true_returns_before_the_commit(self):
        self.assertGreater(self.not_committed({}, "--threads", 4, "--events", 100, "--rate", 200), 0)

    # scenario: AUDIT_TRAIL_ASYNC=false: when an operation returns, its record is committed; with the buffer enabled
    #   concurrent callers share a transaction, without it each has its own
    def test_async_false_with_the_buffer_concurrent_callers_share_a_transaction(self):
        self.run_recorder("--threads", 8, "--events", 50, "--close",
                          env={"AUDIT_TRAIL_ASYNC": "false", "AUDIT_TRAIL_BUFFER_ENABLED": "true"})
        transactions = self.transactions()
        print(f"400 events of 8 callers in {len(transactions)} transactions", flush=True)
        self.assertEqual(len(self.tally.with_code(OK)), 400)
        self.assertLess(len(transactions), 250)
        self.assertGreaterEqual(len(transactions), 50)
        self.assertEqual(sum(rows for _, _, rows in transactions), 402)

    # scenario: AUDIT_TRAIL_ASYNC=false: when an operation returns, its record is committed; with the buffer enabled
    #   concurrent callers share a transaction, without it each has its own
    def test_async_false_without_the_buffer_each_caller_has_a_transaction_of_its_own(self):
        self.run_recorder("--threads", 8, "--events", 50, "--close",
                          env={"AUDIT_TRAIL_ASYNC": "false", "AUDIT_TRAIL_BUFFER_ENABLED": "false"})
        transactions = self.transactions()
        print(f"400 events of 8 callers in {len(transactions)} transactions", flush=True)
        self.assertEqual({rows for _, _, rows in transactions}, {1})
        self.assertEqual([(first, last) for first, last, _ in transactions], [(seq, seq) for seq in range(1, 403)])

    def test_async_true_without_the_buffer_nothing_waits_for_the_interval(self):
        recorder = self.recorder("--events", 20, "--stay", "--close", env={"AUDIT_TRAIL_BUFFER_ENABLED": "false"})
        self.wait_for(lambda: len(self.stored()) == 20, "all are stored", timeout=10)
        self.end(recorder)

    # scenario: AUDIT_TRAIL_ASYNC=false and a store that stays away: the caller gets "pending" after the time-out,
    #   and the event is stored later, once
    def test_async_false_and_a_store_that_stays_away_the_caller_gets_pending_and_the_event_is_stored_later_once(self):
        self.create_store()
        lock = self.lock_store()
        recorder = self.recorder("--events", 3, "--stay", "--close",
                                 env={"AUDIT_TRAIL_ASYNC": "false", "AUDIT_TRAIL_SYNC_TIMEOUT_MS": "100"})
        self.wait_for_events(recorder, 3, PENDING)
        lock.close()
        self.end(recorder)
        self.assert_stored_exactly_once()
        self.assertEqual(len(self.stored()), 4)

    # scenario: SIGTERM: every accepted event is in the store before the process exits, or, if the store stays
    #   unreachable, in the spool, and the program says how many
    def test_sigterm_every_accepted_event_is_in_the_store_before_the_process_exits(self):
        recorder = self.recorder("--threads", 4, "--rate", 2000, "--close")
        self.wait_for_events(recorder, 400, OK)
        self.end(recorder)
        self.assertEqual((recorder.waiting, self.spools()), (0, []))
        self.assert_stored_exactly_once()
        self.assert_accounting(tolerance=0)

    # scenario: SIGTERM: every accepted event is in the store before the process exits, or, if the store stays
    #   unreachable, in the spool, and the program says how many
    def test_sigterm_if_the_store_stays_unreachable_the_events_are_in_the_spool_and_the_program_says_how_many(self):
        self.create_store()
        lock = self.lock_store()
        recorder = self.recorder("--threads", 4, "--rate", 2000, "--close", env={"AUDIT_TRAIL_SHUTDOWN_TIMEOUT": "1"})
        self.wait_for_events(recorder, 400, OK)
        self.end(recorder, code=3)
        own = {key for key in self.tally.accepted if key.startswith("2-")}
        self.assertEqual(recorder.waiting, len(own))
        lock.close()
        self.recover()
        self.assert_stored_exactly_once()


if __name__ == "__main__":
    unittest.main()
