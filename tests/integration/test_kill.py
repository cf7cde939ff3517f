"""Goal: kill -9 at any moment loses nothing that was accepted, stores nothing twice, and the accounting still holds.

Method: a recorder with several threads is killed at a random moment, again and again on one state directory, so that
each start also takes over what the one before left. What was accepted is known from the recorder's pipe, not from the
trail.
AUDITTRAIL_KILLS sets how many times (make soak: 10,000).
"""
import os
import random
import time
import unittest

from recorder_support import RecorderCase
from stores import KIND

KILLS = int(os.environ.get("AUDITTRAIL_KILLS", "200" if KIND == "sqlite" else "60"))
THREADS = 3


class Kill(RecorderCase):
    # scenario: kill -9 at any moment: every event reported as accepted is in the store exactly once after the next
    #   start
    def test_kill_9_at_any_moment_stores_every_accepted_event_exactly_once(self):
        seed = int(os.environ.get("AUDITTRAIL_SEED", str(random.randrange(1 << 30))))
        print(f"seed {seed}", flush=True)
        dice = random.Random(seed)
        struck_waiting = struck_in_flight = 0
        for _ in range(KILLS):
            recorder = self.recorder("--threads", THREADS, "--rate", 4000,
                                     env={"AUDIT_TRAIL_BUFFER_MAX_SIZE": str(dice.choice([1, 20, 200]))})
            recorder.first.wait()
            moment = time.monotonic() + dice.uniform(0.001, 0.120)
            while (left := moment - time.monotonic()) > 0:
                recorder.reader.join(left)
            recorder.kill()
            before = len(self.tally.in_flight)
            recorder.tell(self.tally)
            struck_in_flight += len(self.tally.in_flight) > before
            struck_waiting += bool(self.spools())
        self.recover()

        accepted = len(self.tally.accepted)
        print(f"{KILLS} kills: {accepted} events accepted; {struck_waiting} kills left a spool behind, "
              f"{struck_in_flight} struck inside a call", flush=True)
        self.assertGreater(struck_waiting, KILLS // 2, "the kills did not strike a spool with events")
        self.assertGreater(accepted, KILLS * 10)
        self.assert_stored_exactly_once()
        self.assert_accounting(tolerance=KILLS * THREADS)

    def test_the_check_itself_notices_a_lost_and_a_doubled_event(self):
        """The control: the same comparison must fail when the store is tampered with."""
        self.run_recorder("--threads", THREADS, "--events", 50, "--close")
        self.assert_stored_exactly_once()
        self.store.execute("DELETE FROM audit_events WHERE seq = 10")
        with self.assertRaises(AssertionError):
            self.assert_stored_exactly_once()
        self.store.double("seq = 12")
        self.tally.codes.clear()
        with self.assertRaises(AssertionError):
            self.assert_stored_exactly_once()


if __name__ == "__main__":
    unittest.main()
