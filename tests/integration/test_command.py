"""The command itself: help, versions, exit codes, and stats against the caller's own tally.

Goal:   whoever types something wrong learns what would be right; the numbers of stats are those of the caller.
Method: the real command; stats is compared with what the test offered, not with itself.
"""
import json
import os
import re
import subprocess
import unittest

import support
from support import event, ndjson

COMMANDS = ("record", "query", "stats", "config", "version")


class Help(support.CommandCase):
    def test_the_overview_lists_every_command_and_exit_code(self):
        overview = self.run_command("help")
        self.assertEqual(overview.code, 0)
        for name in COMMANDS:
            self.assertRegex(overview.out, rf"(?m)^  {name} +\w")
        for code in (0, 1, 2, 4, 5):
            self.assertRegex(overview.out, rf"(?m)^  {code}  \w")
        self.assertEqual(self.run_command("--help").out, overview.out)
        self.assertEqual(self.run_command("-h").out, overview.out)
        bare = self.run_command()
        self.assertEqual((bare.code, bare.err), (2, overview.out))

    def test_every_command_explains_itself(self):
        for name in COMMANDS:
            result = self.run_command(name, "--help")
            self.assertEqual((result.code, result.err), (0, ""), result)
            self.assertIn(f"audittrail {name}", result.out)
            self.assertEqual(self.run_command("help", name).out, result.out)
            for line in result.out.splitlines():
                self.assertLessEqual(len(line), 120, line)

    def test_slips_get_a_suggestion(self):
        for arguments, expected in ((("recrod",), "audittrail record"), (("help", "querry"), "audittrail query"),
                                    (("query", "--ofset", "1"), "--help"), (("record", "--stict"), "--strict")):
            result = self.run_command(*arguments)
            self.assertEqual(result.code, 2, result)
            self.assertIn(expected, result.err)
            self.assertEqual(result.out, "")
        nonsense = self.run_command("banana")
        self.assertEqual(nonsense.code, 2)
        self.assertNotIn("did you mean", nonsense.err)

    def test_version(self):
        result = self.run_command("--version")
        self.assertEqual(result.code, 0)
        self.assertRegex(result.out, r"^audittrail \d+\.\d+\.\d+\n")
        self.assertRegex(result.out, r"\nsqlite     \d+\.\d+\.\d+ \(built with ")
        # Where there is no libpq to build with, the command says so and works.
        self.assertRegex(result.out, r"\n(libpq      \d+\.\d+|the back-end for postgresql: is not installed.*)\n")
        self.assertEqual(self.run_command("version").out, result.out)


class ClosedStreams(support.CommandCase):
    """A file that is opened next would get the number of a stream that was closed."""

    def run_closed(self, closed, *arguments, events=""):
        streams = "".join(f" {number}>&-" if number else " <&-" for number in closed)
        return subprocess.run(["sh", "-c", f'"$@"{streams}', "sh", support.COMMAND, *arguments], env=self.env,
                              input=events, capture_output=True, text=True, timeout=60)

    def test_no_input_is_an_error_and_nobody_waits_for_it(self):
        done = self.run_closed([0], "record")
        self.assertEqual(done.returncode, 1, done.stderr)
        self.assertIn("Bad file descriptor", done.stderr)

    def test_no_output_is_an_error(self):
        self.assertEqual(self.run_closed([1], "version").returncode, 1)

    def test_messages_go_into_no_file_of_the_trail(self):
        events = '{"wrong": 1}\n{"action": "create_tool", "resource_type": "tool", "user_id": "ada"}\n' * 20
        done = self.run_closed([1, 2], "record", events=events)
        self.assertEqual((done.returncode, done.stderr), (1, ""))
        files = [os.path.join(place, name) for place, _, names in os.walk(self.env["AUDIT_TRAIL_STATE_DIR"])
                 for name in names]
        self.assertGreater(len(files), 1)
        for path in files:
            with open(path, "rb") as file:
                self.assertNotIn(b"line 1", file.read(), path)
        found = subprocess.run([support.COMMAND, "query", "--action", "create_tool", "-o", "ndjson"], env=self.env,
                               capture_output=True, text=True, timeout=60)
        self.assertEqual(len(found.stdout.splitlines()), 20, found.stderr)


class Stats(support.CommandCase):
    def stats(self, code=0):
        result = self.run_command("stats", "-o", "json")
        self.assertEqual(result.code, code, result)
        return json.loads(result.out)

    def test_the_numbers_are_those_of_the_caller_over_all_writers(self):
        tally = {"stored": 0, "level": 0, "excluded": 0, "rejected": 0}
        for run in range(3):
            lines = [event(i) for i in range(40 + run)] + [event(i, action="list_tools") for i in range(30)] + \
                    [event(i, action="noise") for i in range(20)] + [event(i, user_id="") for i in range(10)]
            self.record(lines, code=1, env={"AUDIT_TRAIL_LEVEL": "writes_only", "AUDIT_TRAIL_EXCLUDE_ACTIONS": "noise"})
            for name, count in (("stored", 40 + run), ("level", 30), ("excluded", 20), ("rejected", 10)):
                tally[name] += count
        stats = self.stats()
        operations = stats["operations"]
        for name in tally:
            self.assertEqual(sum(operations[key][name] for key in operations if key != "control"), tally[name], name)
        self.assertEqual(operations["delete"]["stored"], tally["stored"])
        self.assertEqual(operations["read"]["level"], tally["level"])
        self.assertEqual((stats["writers_alive"], stats["writers_gone"]), (0, 3))
        self.assertEqual(stats["total"]["waiting"], 0)
        self.assertEqual(stats["store"]["events"], len(self.rows("SELECT id FROM audit_events")))
        for account in [stats["total"], *operations.values()]:
            self.assertEqual(account["recorded"], account["stored"] + account["waiting"] + account["dead_lettered"])
            self.assertEqual(account["offered"], account["recorded"] + sum(
                account[name] for name in ("level", "excluded", "sampled", "rejected", "dropped")))

        page = self.run_command("stats")
        self.assertEqual(page.code, 0)
        row = re.search(r"^delete +([\d,]+) +([\d,]+) ", page.out, re.M)
        self.assertEqual(row[2], str(tally["stored"]))
        self.assertTrue(all(len(line) <= 100 for line in page.out.splitlines()), page)

    def test_waiting_events_are_seen_while_the_store_is_away(self):
        blocker = self.write("away", "")
        self.env["AUDIT_TRAIL_DATABASE_URL"] = f"sqlite:{blocker}/audit.db"
        self.record([event(i) for i in range(30)], "--timeout", "1", code=5)
        stats = self.stats(code=5)
        self.assertFalse(stats["store"]["reachable"])
        self.assertEqual(stats["operations"]["delete"]["waiting"], 30)
        self.assertGreater(stats["spool"]["bytes"], 0)
        self.assertIn("cannot be reached", self.run_command("stats").out)


if __name__ == "__main__":
    unittest.main()
