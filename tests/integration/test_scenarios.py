"""The scenarios of tests/acceptance/seed.feature that need no service over HTTP, no clock and no fault of a disk.

Goal:   what the list says holds for the real programs; tools/scenarios.py finds each test by its name or comment.
Method: the audittrail command and the recorder, each with a state directory of its own.
"""
import itertools
import os
import subprocess
import unittest

from recorder_support import DROPPED, FULL, OK, RECORDER, RecorderCase
from support import CommandCase, event

LEVELS = ("all", "writes_only", "mutations_only", "deletes_only", "failures_only")
MIB = 1 << 20


class ConfigureTheLevel(CommandCase):
    """US-1"""

    def test_the_default_for_a_new_deployment_is_writes_only(self):
        del self.env["AUDIT_TRAIL_LEVEL"]
        self.record([event(action="create_tool"), event(action="list_tools"), event(action="call_tool")])
        self.assertEqual([row["action"] for row in self.rows()], ["create_tool", "call_tool"])
        shown = self.run_command("config", "show").out
        self.assertRegex(shown, r"(?m)^AUDIT_TRAIL_LEVEL\s+default\s+writes_only\b")

    # scenario: a query for a level returns, control records aside, what that level alone would have kept
    def test_a_query_for_a_level_returns_what_that_level_alone_would_have_kept(self):
        operations = ("create", "read", "update", "delete", "execute", "access", "export", "import", "auth", "admin",
                      "other")
        outcomes = ("success", "failure", "denied", "partial", "unknown")
        offered = [event(number, operation=operation, outcome=outcome, request_id=f"{operation}/{outcome}")
                   for number, (operation, outcome) in enumerate(itertools.product(operations, outcomes))]
        self.record(offered)
        for level in LEVELS:
            found = {item["request_id"] for item in self.query("--level", level) if item["operation"] != "audit"}
            alone = CommandCase()
            alone.setUp()
            self.addCleanup(alone.doCleanups)
            alone.env["AUDIT_TRAIL_LEVEL"] = level
            alone.record(offered)
            kept = {row["request_id"] for row in alone.rows()}
            self.assertEqual(found, kept, level)
            self.assertGreater(len(kept), 0, level)

    def assert_refused(self, err):
        for part in ("AUDIT_TRAIL_LEVEL", "write_only", *LEVELS):
            self.assertIn(part, err)
        self.assertFalse(os.path.exists(self.state), "something was made for a trail that did not start")

    # scenario: an unknown level stops the start with an error that names the setting, the value and the allowed values
    def test_an_unknown_level_stops_the_start_with_an_error_that_says_what_is_allowed(self):
        self.env["AUDIT_TRAIL_LEVEL"] = "write_only"
        for code, arguments in ((2, ["record"]), (1, ["config", "check"])):
            result = self.run_command(*arguments)
            self.assertEqual(result.code, code, result)
            self.assert_refused(result.err + result.out)
        service = subprocess.run([RECORDER, "--events", "1"], env=self.env, cwd=self.dir, capture_output=True,
                                 text=True, check=False, timeout=60)
        self.assertNotEqual(service.returncode, 0)
        self.assert_refused(service.stderr)


class Accounting(RecorderCase):
    """The caller's own tally is what trail_record() answered, read from a pipe that the trail knows nothing of."""

    SUSPENDS = True

    def assert_adds_up(self):
        """What a kill cut off may be counted or not; everything else is counted once."""
        in_flight = len(self.tally.in_flight)
        self.assert_accounting(tolerance=in_flight)
        stats = self.stats()
        offered = sum(account["offered"] for name, account in stats["operations"].items() if name != "control")
        answered = len(self.tally.codes)
        self.assertLessEqual(answered, offered)
        self.assertLessEqual(offered, answered + in_flight)
        for account in [stats["total"], *stats["operations"].values()]:
            self.assertEqual(account["offered"], account["recorded"] + sum(
                account[reason] for reason in ("level", "excluded", "sampled", "rejected", "dropped")))
            self.assertEqual(account["recorded"], account["stored"] + account["waiting"] + account["dead_lettered"])
        return in_flight, answered

    def overload(self, mode, code):
        """A recorder whose spool is full because the store takes nothing. Returns it and the store's lock."""
        lock = self.lock_store()
        recorder = self.recorder("--threads", 2, "--rate", 2000, "--size", 4000, "--close", env={
            "AUDIT_TRAIL_SPOOL_MAX_BYTES": str(4 * MIB), "AUDIT_TRAIL_OVERFLOW": mode})
        self.wait_for_events(recorder, 300, code)
        return recorder, lock

    # scenario: after any run, crash or overload the caller's own tally equals what stats says was offered, and
    #   offered = recorded + level + excluded + sampled + rejected + dropped,
    #   recorded = stored + waiting + dead-lettered
    def test_after_any_run_crash_or_overload_the_callers_own_tally_equals_what_stats_says_was_offered(self):
        self.run_recorder("--threads", 4, "--events", 500, "--close")
        self.assertEqual(self.assert_adds_up(), (0, 2000))

        for mode, code in (("fail", FULL), ("drop", DROPPED)):
            recorder, lock = self.overload(mode, code)
            lock.close()
            self.end(recorder)
            self.assert_adds_up()
            self.assertGreaterEqual(self.tally.by_code()[code], 300)

        recorder = self.recorder("--threads", 4, "--rate", 4000)
        self.wait_for_events(recorder, 500, OK)
        recorder.kill()
        recorder.tell(self.tally)
        self.assert_adds_up()  # While what it left waits in its spool.

        recorder, lock = self.overload("fail", FULL)
        recorder.kill()
        recorder.tell(self.tally)
        lock.close()
        self.assert_adds_up()
        self.recover()
        in_flight, answered = self.assert_adds_up()
        self.assert_stored_exactly_once()
        print(f"{answered} events of {self.runs} processes answered with {dict(self.tally.by_code())}, "
              f"{in_flight} cut off", flush=True)

    def test_control_an_event_that_is_not_counted_is_noticed(self):
        self.run_recorder("--threads", 2, "--events", 50, "--close")
        self.assert_adds_up()
        self.tally.codes["9-0-0"] = OK
        with self.assertRaises(AssertionError):
            self.assert_adds_up()


if __name__ == "__main__":
    unittest.main()
