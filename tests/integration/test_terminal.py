"""Colour, pager and progress: on a real terminal, obeying the environment, and nowhere else."""
import json
import os
import re
import shutil
import signal
import sqlite3
import subprocess
import unittest

from support import event, ndjson
from terminal_support import ESCAPE, PIPE, Terminal, TerminalCase, lines_seen

DENIED = "\x1b[31mdenied\x1b[0m"

# A pager that leaves behind what it was given and with which words it was called.
RECORDING_PAGER = """#!/bin/sh
printf '%s\\n' "$@" > pager.arguments
cat > pager.input
exit 3
"""


class Colour(TerminalCase):
    def setUp(self):
        super().setUp()
        self.record([event(1, outcome="denied"), event(2), event(3, outcome="failure"), event(4, outcome="partial")])

    def test_what_went_wrong_stands_out_on_a_terminal(self):
        code, shown, _, _ = self.on_terminal("query", "--columns", "user,outcome")
        self.assertEqual(code, 0, shown)
        self.assertIn(DENIED, shown)
        self.assertIn("\x1b[31mfailure\x1b[0m", shown)
        self.assertIn("\x1b[33mpartial\x1b[0m", shown)
        self.assertIn("\x1b[1muser\x1b[0m", shown)
        self.assertNotRegex(shown, r"\x1b\[\d+msuccess")

    def test_without_its_escapes_the_table_is_the_one_without_colours(self):
        _, coloured, _, _ = self.on_terminal("query", "--limit", "all")
        _, plain, _, _ = self.on_terminal("query", "--limit", "all", "--color", "never")
        self.assertNotEqual(coloured, plain)
        self.assertEqual(ESCAPE.sub("", coloured), plain)
        for line in plain.splitlines():
            self.assertLessEqual(len(line), 80)

    def test_csv_on_a_terminal_gives_it_nothing_to_obey(self):
        self.record([event(5, user_id="eve\x1b[31m", resource_id="a\u202eb")])
        _, shown, _, _ = self.on_terminal("query", "-o", "csv", "--resource-id", "a\u202eb")
        self.assertIn("eve\\x1b[31m", shown)
        self.assertIn("a\\u202eb", shown)
        self.assertNotIn("\x1b", shown)
        piped = self.run_command("query", "-o", "csv", "--resource-id", "a\u202eb").out
        self.assertIn("eve\x1b[31m", piped, "a program reads what was recorded")

    def test_the_environment_can_forbid_it(self):
        for env in ({"NO_COLOR": "1"}, {"NO_COLOR": "0"}, {"TERM": "dumb"}, {"TERM": ""}):
            code, shown, _, _ = self.on_terminal("query", env=env)
            self.assertEqual(code, 0, shown)
            self.assertIn("denied", shown)
            self.assertNotIn("\x1b", shown, env)
        self.assertIn(DENIED, self.on_terminal("query", env={"NO_COLOR": ""})[1], "an empty NO_COLOR says nothing")

    def test_the_option_wins_over_the_environment(self):
        self.assertIn(DENIED, self.on_terminal("query", "--color=always", env={"NO_COLOR": "1"})[1])
        self.assertNotIn("\x1b", self.on_terminal("query", "--color=never")[1])

    def test_the_option_is_one_of_every_command(self):
        for command in (["stats"], ["config", "show"], ["query"]):
            for word, coloured in (("always", True), ("never", False), ("auto", False)):
                result = self.run_command(*command, "--color", word)
                self.assertEqual("\x1b[1m" in result.out, coloured, (command, word))
            self.assertNotIn("\x1b", self.on_terminal(*command, "--color", "never", env={"PAGER": ""})[1])

    def test_none_of_it_in_a_pipe(self):
        _, shown, out, _ = self.on_terminal("query", stdout=PIPE)
        self.assertIn("denied", out)
        self.assertNotIn("\x1b", out)
        self.assertNotIn("denied", shown)
        _, _, out, _ = self.on_terminal("query", "--color", "always", stdout=PIPE)
        self.assertIn(DENIED, out)

    def test_what_programs_read_has_no_colours_whatever_is_said(self):
        for form in ("csv", "json", "ndjson"):
            _, shown, _, _ = self.on_terminal("query", "--color=always", "-o", form)
            self.assertIn("denied", shown)
            self.assertNotIn("\x1b", shown, form)

    def test_a_wrong_word_is_told_with_those_that_are_right(self):
        result = self.run_command("query", "--color=yes")
        self.assertEqual(result.code, 2, result)
        self.assertIn("--color yes: expected auto, always or never", result.err)

    def test_problems_of_the_settings(self):
        code, shown, _, _ = self.on_terminal("config", "check", "--set", "AUDIT_TRAIL_LEVEL=x")
        self.assertEqual(code, 1, shown)
        self.assertIn("\x1b[31merror:\x1b[0m AUDIT_TRAIL_LEVEL", shown)
        _, shown, _, _ = self.on_terminal("query", "--set", "AUDIT_TRAIL_LEVLE=all")
        self.assertIn("audittrail query: \x1b[33mwarning: \x1b[0mAUDIT_TRAIL_LEVLE", shown)
        _, _, _, err = self.on_terminal("config", "check", "--set", "AUDIT_TRAIL_LEVEL=x", stderr=PIPE)
        self.assertIn("error: AUDIT_TRAIL_LEVEL", err)
        self.assertNotIn("\x1b", err)


class Pager(TerminalCase):
    EVENTS = 60

    def setUp(self):
        super().setUp()
        self.record([event(number, outcome="denied" if number % 2 else "success") for number in range(self.EVENTS)])
        self.pager = self.write("pager", RECORDING_PAGER)
        os.chmod(self.pager, 0o755)
        self.env["PAGER"] = self.pager + "  -a   two "

    def paged(self):
        """What the pager was given; None: it was not started."""
        if not os.path.exists(self.path("pager.input")):
            return None
        with open(self.path("pager.input"), encoding="utf-8") as file:
            return file.read()

    def test_a_table_longer_than_the_terminal_is_paged(self):
        code, shown, _, _ = self.on_terminal("query", "--limit", "50")
        self.assertEqual(code, 0, "the pager's exit code is its own")
        lines = self.paged().splitlines()
        self.assertEqual(len(lines), 51)
        self.assertIn(DENIED, self.paged(), "the pager stands on a terminal")
        self.assertLessEqual(max(len(ESCAPE.sub("", line)) for line in lines), 80)
        self.assertNotIn("denied", shown)
        self.assertRegex(shown, r"next page: audittrail query --limit 50 --after")
        with open(self.path("pager.arguments"), encoding="utf-8") as file:
            self.assertEqual(file.read().splitlines(), ["-a", "two"])

    def test_a_table_that_fits_is_not(self):
        # 22 rows and the headings leave a line for the prompt; one row more does not.
        for rows, paged in ((22, False), (23, True)):
            code, shown, _, _ = self.on_terminal("query", "--limit", str(rows), "--set", "AUDIT_TRAIL_LEVEL=all")
            self.assertEqual(code, 0)
            self.assertEqual(self.paged() is not None, paged, rows)
            self.assertEqual("denied" in shown, not paged)

    def test_it_can_be_had_without(self):
        cases = ([["--no-pager"], {}], [[], {"PAGER": ""}], [[], {"PAGER": "cat"}], [["-o", "csv"], {}],
                 [["-o", "json"], {}])
        for arguments, env in cases:
            code, shown, _, _ = self.on_terminal("query", *arguments, env=env)
            self.assertEqual(code, 0, shown)
            self.assertIsNone(self.paged(), (arguments, env))
            self.assertEqual(shown.count("delete_tool"), self.EVENTS)

    def test_nothing_is_paged_off_a_terminal(self):
        code, _, out, _ = self.on_terminal("query", stdout=PIPE)
        self.assertEqual(code, 0)
        self.assertIsNone(self.paged())
        self.assertEqual(out.count("delete_tool"), self.EVENTS)

    def test_the_exit_code_is_the_command_s(self):
        code, shown, _, _ = self.on_terminal("query", "--user", "nobody")
        self.assertEqual(code, 4, shown)
        self.assertIsNone(self.paged())

    def test_a_pager_that_is_quit_is_no_error(self):
        self.record([event(number) for number in range(5000)])
        code, shown, _, err = self.on_terminal("query", "--limit", "all", env={"PAGER": "head -n 2"}, stderr=PIPE)
        self.assertEqual((code, err), (0, ""), shown)
        self.assertEqual(len(lines_seen(shown.rstrip())), 2, shown)

    def test_a_pager_that_does_not_exist_hides_nothing(self):
        code, shown, _, _ = self.on_terminal("query", env={"PAGER": "no-such-pager"})
        self.assertEqual(code, 0)
        self.assertIn("cannot start PAGER no-such-pager", shown)
        self.assertEqual(shown.count("delete_tool"), self.EVENTS)

    @unittest.skipUnless(shutil.which("less"), "less is not installed")
    def test_the_usual_pager_is_less(self):
        del self.env["PAGER"]
        terminal = Terminal()
        process = self.launch(terminal, "query")
        # Its prompt: not all of it has been shown yet.
        self.wait_for_text(terminal, r":(\x1b\[[0-9;]*[A-Za-z])*$")
        self.assertIsNone(process.poll())
        self.assertLess(terminal.text().count("delete_tool"), 24)
        terminal.type("q")
        self.assertEqual(process.wait(timeout=60), 0)


class Progress(TerminalCase):
    BATCH = ndjson([event(number) for number in range(64)])

    def feed_until(self, processes, condition):
        """Give all of them the same lines until the condition holds, then end their input."""
        def look():
            for process in processes:
                process.stdin.write(self.BATCH)
                process.stdin.flush()
            return condition()
        self.wait_for(look, "progress")
        for process in processes:
            process.stdin.close()

    def test_long_work_shows_how_far_it_is_and_clears_up(self):
        terminal = Terminal()
        quiet = subprocess.Popen([self.command(), "record"], env=self.env, cwd=self.dir, stdin=PIPE, stderr=PIPE)
        self.addCleanup(quiet.kill)
        process = self.launch(terminal, "record", stdin=PIPE)
        line = r"\r\x1b\[K[\d,]+ lines  [\d,]+/s(?!  )"
        self.feed_until([process, quiet], lambda: re.search(line, terminal.text()))

        self.assertEqual(process.wait(timeout=60), 0)
        seen = [text for text in lines_seen(terminal.close()) if text]
        self.assertEqual(len(seen), 1, "only the summary is left")
        self.assertRegex(seen[0], r"^[\d,]+ lines: [\d,]+ recorded$")

        # The control: as long, into a pipe.
        err = quiet.stderr.read().decode()
        quiet.stderr.close()
        self.assertEqual(quiet.wait(timeout=60), 0)
        self.assertRegex(err, r"^[\d,]+ lines: [\d,]+ recorded\n$")

    def test_of_a_file_share_and_time_left_are_known(self):
        self.record([event(0)])
        path = self.write("events.ndjson", ndjson([event(number) for number in range(200)]))
        # A store that is locked for a second holds up the first line; after it there is something to show.
        lock = sqlite3.connect(self.database, isolation_level=None)
        lock.execute("BEGIN IMMEDIATE")
        terminal = Terminal()
        process = self.launch(terminal, "record", path, env={"AUDIT_TRAIL_ASYNC": "false"})
        self.wait_for(lambda: os.listdir(os.path.join(self.state, "spool")), "the first line is offered")
        self.let_pass(1.1)
        lock.execute("ROLLBACK")
        lock.close()
        self.assertEqual(process.wait(timeout=60), 0)
        shown = terminal.close()
        self.assertRegex(shown, r"\r\x1b\[K\d+ lines  [\d,]+/s  \d+ %  \d+:\d\d left", shown)
        self.assertEqual([text for text in lines_seen(shown) if text][-1], "200 lines: 200 recorded")

    def test_a_clean_up_shows_how_many_events_it_deleted(self):
        self.record([event(number, timestamp="2026-01-01T00:00:00Z") for number in range(3000)])
        terminal = Terminal()
        # One by one, with a millisecond's pause after each at least.
        process = self.launch(terminal, "cleanup", "--days", "1", env={"AUDIT_TRAIL_CLEANUP_BATCH_SIZE": "1"})
        self.wait_for_text(terminal, r"\r\x1b\[K[\d,]+ events deleted  [\d,]+/s(?!  )")
        process.send_signal(signal.SIGINT)
        self.assertEqual(process.wait(timeout=60), 1)
        seen = [text for text in lines_seen(terminal.close()) if text]
        self.assertNotRegex("\n".join(seen), r"events deleted  [\d,]+/s")
        self.assertIn("interrupted; the next run goes on", seen[-1])

        # The control: into a pipe.
        code, shown, _, err = self.on_terminal("cleanup", "--days", "1", "-o", "json", stderr=PIPE)
        self.assertEqual((code, err), (0, ""))
        self.assertNotIn("\x1b", shown)

    def test_a_simulation_shows_how_many_events_it_read_and_of_a_file_how_long_it_takes(self):
        terminal = Terminal()
        process = self.launch(terminal, "simulate", "LEVEL=all", stdin=PIPE)
        self.feed_until([process], lambda: re.search(r"\r\x1b\[K[\d,]+ events  [\d,]+/s(?!  )", terminal.text()))
        self.assertEqual(process.wait(timeout=60), 0)
        self.assertNotRegex("\n".join(lines_seen(terminal.close())), r"events  [\d,]+/s")

        path = self.write("events.ndjson", ndjson([event(number) for number in range(100)]) * 1000)
        terminal = Terminal()
        process = self.launch(terminal, "simulate", "--input", path, "LEVEL=all")
        self.wait_for(lambda: self.bytes_read(process) > 1 << 20, "it reads")
        process.send_signal(signal.SIGSTOP)
        self.let_pass(1.1)
        process.send_signal(signal.SIGCONT)
        self.assertEqual(process.wait(timeout=60), 0)
        self.assertRegex(terminal.close(), r"\r\x1b\[K[\d,]+ events  [\d,]+/s  \d+ %  \d+:\d\d left")

    @staticmethod
    def bytes_read(process):
        with open(f"/proc/{process.pid}/io", encoding="ascii") as file:
            return int(file.readline().split()[1])

    def test_a_line_in_error_does_not_run_into_it(self):
        terminal = Terminal()
        process = self.launch(terminal, "record", "--errors", "all", stdin=PIPE)
        both = re.compile(r" lines  \d[^\n]*line \d+: ")
        self.feed_until([process], lambda: self.wrong_line(process) or both.search(terminal.text()))
        self.assertEqual(process.wait(timeout=60), 1)
        for text in filter(None, lines_seen(terminal.close())):
            self.assertRegex(text, r"^(line \d+: .*|[\d,]+ lines: .* rejected)$")

    @staticmethod
    def wrong_line(process):
        process.stdin.write(b'{"action":\n')

    def test_short_work_shows_nothing(self):
        path = self.write("events.ndjson", self.BATCH)
        code, shown, out, _ = self.on_terminal("record", "-o", "json", path, stdout=PIPE)
        self.assertEqual(code, 0, shown)
        self.assertEqual(json.loads(out)["recorded"], 64)
        self.assertEqual(shown, "")

    @staticmethod
    def command():
        return os.environ.get("AUDITTRAIL_COMMAND", "audittrail")


if __name__ == "__main__":
    unittest.main()
