"""Goal: a process that forks after the trail is in use loses nothing, and no child touches what is its parent's.

Method: a recorder forks children that record in its stead, as the workers of a pre-forking server do; what each said is
held against the store, and, with the store locked, against the bytes of every spool. Under ASan a child must leak
nothing.
"""
import os
import signal
import unittest

from recorder_support import OK, SOAK, RecorderCase, sanitizer
from spool_format import Spool

CHILDREN = 4


def forks_a_busy_process(test):
    return unittest.skipIf(sanitizer() == "address", "SKIPPED: AddressSanitizer's own allocator deadlocks in a child "
                           "that was forked while other threads allocate (libc's does not)")(test)


@unittest.skipIf(sanitizer() == "thread", "SKIPPED: ThreadSanitizer allows no threads in a child of a threaded process")
class Fork(RecorderCase):
    SUSPENDS = True

    def setUp(self):
        super().setUp()
        if "detect_leaks" not in self.env.get("ASAN_OPTIONS", ""):
            self.env["ASAN_OPTIONS"] = self.env.get("ASAN_OPTIONS", "") + ":detect_leaks=1"
        self.env["AUDIT_TRAIL_LEVEL"] = "all"
        self.env["AUDIT_TRAIL_EXCLUDE_ACTIONS"] = ""

    def of_thread(self, keys, thread):
        return {key for key in keys if int(key.split("-")[1]) == thread}

    def check_children(self, threads, events, parents=1):
        stored = self.stored()
        counts = [sum(stored.get(f"{self.runs}-{child * threads + thread}-{index}", 0)
                      for thread in range(threads) for index in range(events))
                  for child in range(1, CHILDREN + 1)]
        print(f"{CHILDREN} children with {threads} threads: {counts} of {threads * events} stored each", flush=True)
        self.assertEqual(counts, [threads * events] * CHILDREN)
        self.assertEqual(len(self.tally.accepted), CHILDREN * threads * events + parents)
        self.assert_stored_exactly_once()
        self.assertEqual(self.spools(), [])
        writers = self.rows("SELECT count(*) AS n, count(DISTINCT pid) AS pids FROM audit_writers")[0]
        self.assertEqual(writers, {"n": CHILDREN + 1, "pids": CHILDREN + 1})

    def test_each_child_stores_all_of_its_events(self):
        self.run_recorder("--fork", CHILDREN, "--events", 1000, "--close")
        self.check_children(1, 1000)

    def test_each_child_with_two_threads_stores_all_of_its_events(self):
        self.run_recorder("--fork", CHILDREN, "--events", 1000, "--threads", 2, "--close")
        self.check_children(2, 1000)

    @forks_a_busy_process
    def test_fork_while_the_parents_threads_record_and_its_drain_writes(self):
        rounds = 20 if SOAK else 4
        for _ in range(rounds):
            self.run_recorder("--fork", CHILDREN, "--events", 500, "--threads", 2, "--busy", "--close",
                              env={"AUDIT_TRAIL_BUFFER_MAX_SIZE": "10"})
        parents = self.of_thread(self.tally.accepted, 10) | self.of_thread(self.tally.accepted, 11)
        print(f"{rounds} rounds: the parents' own threads recorded {len(parents)} events around the forks", flush=True)
        self.assertEqual(len(parents), rounds * 1000)
        self.assertEqual(len(self.tally.accepted), rounds * (1 + 10 * 500))
        self.assert_stored_exactly_once()
        self.assertEqual(self.spools(), [])

    @forks_a_busy_process
    def test_fork_while_the_drain_waits_for_a_locked_store(self):
        self.create_store()
        lock = self.lock_store()
        recorder = self.recorder("--fork", CHILDREN, "--events", 200, "--threads", 2, "--busy", "--close",
                                 env={"AUDIT_TRAIL_BUFFER_MAX_SIZE": "1"})
        self.wait_for_events(recorder, 1 + 5 * 2 * 200, OK)
        lock.close()
        self.assertEqual(recorder.wait(), 0, recorder.err)
        recorder.tell(self.tally)
        self.assert_stored_exactly_once()
        self.assertEqual(self.spools(), [])

    @forks_a_busy_process
    def test_child_has_a_writer_of_its_own_and_the_parents_spool_gets_nothing_from_it(self):
        self.create_store()
        lock = self.lock_store()
        recorder = self.recorder("--fork", CHILDREN, "--events", 100, "--busy", "--stay", "--close")
        self.wait_for_events(recorder, 1 + (CHILDREN + 1) * 100, OK)
        spools = {name: Spool(os.path.join(self.spool_dir, name)) for name in self.spools()}
        by_pid = {spool.segments[0].pid: spool for spool in spools.values()}
        self.assertEqual(len(by_pid), CHILDREN + 1)
        for name, spool in spools.items():
            self.assertEqual({str(segment.writer) for segment in spool.segments}, {name})
            self.assertEqual(spool.gaps(), [])
        threads = {pid: {frame.resource_id.split("-")[1] for frame in spool.events if frame.resource_id}
                   for pid, spool in by_pid.items()}
        print(f"threads by process: {threads}; the parent is {recorder.process.pid}", flush=True)
        self.assertEqual(threads.pop(recorder.process.pid), {"0", str(CHILDREN + 1)})
        self.assertEqual(sorted(map(sorted, threads.values())), [[str(n)] for n in range(1, CHILDREN + 1)])
        lock.close()
        for pid in threads:
            os.kill(pid, signal.SIGTERM)
        self.end(recorder)
        self.assert_stored_exactly_once()

    @forks_a_busy_process
    def test_kill_of_the_parent_leaves_the_children_unaffected_and_its_spool_to_be_taken_over(self):
        self.create_store()
        lock = self.lock_store()
        recorder = self.recorder("--fork", CHILDREN, "--rate", 200, "--busy", "--close")
        self.wait_for_events(recorder, 500, OK)
        spools = {Spool(os.path.join(self.spool_dir, name)).segments[0].pid: name for name in self.spools()}
        parent = spools.pop(recorder.process.pid)
        recorder.process.kill()
        recorder.process.wait()
        before = len(recorder.so_far().codes)
        self.wait_for_events(recorder, before + 300)
        lock.close()
        # The children live and hold whatever they inherited; the parent's spool is free all the same. A server may
        # still be busy with what the parent sent.
        heir = self.recorder("--events", 1, "--stay", "--close")
        self.wait_for(lambda: parent not in self.spools(), "the parent's spool is taken over")
        self.end(heir)
        self.assertEqual(sorted(spools.values()), self.spools())
        for pid in spools:
            os.kill(pid, signal.SIGTERM)
        recorder.wait()
        recorder.tell(self.tally)
        own = len(self.tally.accepted)
        print(f"parent killed with {len(spools)} children alive: {own} events accepted", flush=True)
        self.assert_stored_exactly_once()
        self.assertEqual(self.spools(), [])

    @forks_a_busy_process
    def test_remains_that_the_parent_was_emptying_are_free_when_it_is_killed(self):
        """A child inherits the descriptor of every lock that its parent held at the fork."""
        self.create_store()
        lock = self.lock_store(readable=True)  # Whoever cannot open the store empties nothing.
        dead = self.recorder("--events", 50)
        dead.wait()
        dead.tell(self.tally)
        (remains,) = self.spools()
        path = os.path.join(self.spool_dir, remains, "lock")

        recorder = self.recorder("--fork", 1, "--rate", 100, "--busy", "--close",
                                 env={"AUDIT_TRAIL_BUFFER_FLUSH_INTERVAL": "60", "RECORDER_FORK_WHEN_LOCKED": path})
        self.wait_for(lambda: self.children_of(recorder, dead), "the child records")
        (child,) = self.children_of(recorder, dead)
        recorder.process.kill()
        recorder.process.wait()
        lock.close()
        self.run_recorder("--events", 1, "--close")
        # Whoever comes first takes the remains, the new one or the child; but while the child lives.
        self.wait_for(lambda: remains not in self.spools(), "the remains are taken")
        os.kill(child, signal.SIGTERM)
        recorder.wait()
        recorder.tell(self.tally)
        self.assert_stored_exactly_once()

    def children_of(self, *recorders):
        """The processes that have a spool with a segment in it, but for these."""
        spools = [Spool(os.path.join(self.spool_dir, name)) for name in self.spools()]
        known = [recorder.process.pid for recorder in recorders]
        pids = [spool.segments[0].pid for spool in spools if spool.segments and spool.segments[0].state == "used"]
        return [pid for pid in pids if pid not in known]

    def test_control_a_fork_that_is_not_noticed_would_be(self):
        """The comparison above must fail when one child's events are gone."""
        self.run_recorder("--fork", CHILDREN, "--events", 100, "--close")
        self.store.execute("DELETE FROM audit_events WHERE writer = (SELECT max(id) FROM audit_writers)")
        with self.assertRaises(AssertionError):
            self.check_children(1, 100)


if __name__ == "__main__":
    unittest.main()
