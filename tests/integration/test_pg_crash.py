"""Goal: whatever cuts a batch off in the middle, each accepted event is in PostgreSQL once.

Method: a recorder goes on recording while the server crashes, its backend is terminated, or PgBouncer is killed, each
time with a batch that has moved the fence and sent its rows and has not committed (pg_support.py says how it is
caught). AUDITTRAIL_CRASHES says how often; every strike is counted.
"""
import os
import unittest

from pg_support import PostgresqlCase
from pgbouncer import PgBouncer

TIMES = int(os.environ.get("AUDITTRAIL_CRASHES", "20"))
FEWER = max(3, TIMES // 4)


class Crash(PostgresqlCase):
    def strike(self, times, cut_off, kind):
        """Cut a live batch off, again and again, and see that events are stored in between."""
        self.create_store()
        recorder = self.record_throughout()
        for number in range(times):
            holder, backend = self.catch_batch()
            before = len(recorder.so_far().accepted)
            cut_off(backend)
            holder.close()
            self.wait_for(lambda: sum(self.stored().values()) > before, f"events are stored after strike {number + 1}")
        self.assert_each_once(recorder)
        print(f"{times} live batches were cut off ({kind}); {len(self.tally.accepted)} events, each stored once",
              flush=True)

    def test_the_server_is_stopped_immediately(self):
        self.strike(TIMES, lambda _: self.crash_server(), "pg_ctl stop -m immediate")

    def test_the_backend_is_terminated(self):
        self.strike(FEWER, lambda backend: self.store.rows(f"SELECT pg_terminate_backend({backend}, 10000)"),
                    "pg_terminate_backend")

    def test_pgbouncer_is_killed(self):
        bouncer = PgBouncer(self.server.port)
        self.addCleanup(bouncer.remove)
        self.use_port(bouncer.port)

        def restart(_):
            bouncer.stop()
            bouncer.start()
        self.strike(FEWER, restart, "kill -9 of PgBouncer")

    def test_control_the_same_checks_see_a_batch_that_is_stored_twice(self):
        recorder = self.record_throughout()
        self.end(recorder)
        self.assert_stored_exactly_once()
        self.store.double("true")
        with self.assertRaises(AssertionError):
            self.assert_stored_exactly_once()


# The ledger row of a writer that is listed there waits for an advisory lock, for as long as it takes.
HOLD_WRITER = """
CREATE TABLE public.held (writer integer);
CREATE FUNCTION public.hold() RETURNS trigger LANGUAGE plpgsql SET lock_timeout = 0 AS $$
BEGIN
  IF NEW.writer IN (SELECT writer FROM public.held) THEN PERFORM pg_advisory_xact_lock(777); END IF;
  RETURN NEW;
END $$;
CREATE TRIGGER hold BEFORE INSERT ON audit_batches FOR EACH ROW EXECUTE FUNCTION public.hold()
"""


class Takeover(PostgresqlCase):
    def test_a_drain_is_killed_whose_backend_goes_on(self):
        """The server does not notice that its client died; the next process meets the fence that it holds."""
        self.create_store()
        self.store.execute(HOLD_WRITER)
        for number in range(1, FEWER + 1):
            holder = self.session()
            holder.run("SELECT pg_advisory_lock(777)")
            recorder = self.record_throughout()
            self.hold_batches_of(recorder)
            self.wait_for(lambda: len(self.waiting("advisory")) == 1, "a batch is under way")
            backend = self.waiting("advisory")
            recorder.kill()
            recorder.tell(self.tally)
            following = self.recorder("--events", 1, "--close")
            self.wait_for(lambda: self.waiting("transactionid"), "the next process meets the fence")
            self.assertEqual(self.waiting("advisory"), backend, "the backend of the killed process goes on")
            holder.close()
            self.assertEqual(following.wait(), 0, following.err)
            following.tell(self.tally)
            self.assertEqual(self.spools(), [])
            self.assert_stored_exactly_once()
        print(f"{number} times a backend outlived its drain, and committed what the next one had found again",
              flush=True)

    def hold_batches_of(self, recorder):
        writer = ("SELECT id FROM audit_writers WHERE pid = ?", recorder.process.pid)
        self.wait_for(lambda: self.store.rows(*writer), "the recorder is known to the store")
        self.store.execute(f"INSERT INTO public.held VALUES ({self.store.rows(*writer)[0]['id']})")

    def waiting(self, what):
        """The backends of ours that wait for a lock of this kind."""
        return [row["pid"] for row in self.store.rows(
            "SELECT pid FROM pg_stat_activity WHERE application_name = 'audittrail' AND wait_event_type = 'Lock' "
            "AND wait_event = ? AND datname = current_database()", what)]


if __name__ == "__main__":
    unittest.main()
