"""What a newcomer sees: scripts/run, as `make run` calls it.

Goal:   it starts, says what is not recorded, shows a record before it is stored, stops cleanly, and keeps a settings
        file that was changed.
Method: run it in a directory of its own on a free port, and read what it prints, line by line.
"""
import http.client
import json
import os
import queue
import re
import signal
import sqlite3
import subprocess
import threading
import unittest

from gateway_support import BUILD, DEADLINE_S, ROOT, GatewayTest, wait_until


class Run(GatewayTest):
    def run_script(self, directory, **environment):
        clean = {name: value for name, value in os.environ.items() if not name.startswith("AUDIT_TRAIL_")}
        process = subprocess.Popen(
            [ROOT / "scripts" / "run"], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
            start_new_session=True,
            env={**clean, "RUN_DIR": str(directory), "BUILD_DIR": str(BUILD), "PORT": "0", **environment})
        self.addCleanup(self.end, process)
        lines = queue.Queue()
        threading.Thread(target=lambda: [lines.put(line) for line in process.stdout], daemon=True).start()
        return process, lines

    def end(self, process):
        try:
            os.killpg(process.pid, signal.SIGKILL)  # Its own session: the script, and what it may have left behind.
        except ProcessLookupError:
            pass
        process.wait()
        process.stdout.close()

    def read_until(self, lines, pattern):
        """All lines up to the one that matches."""
        seen = []
        while not seen or not re.search(pattern, seen[-1]):
            try:
                seen.append(lines.get(timeout=DEADLINE_S))
            except queue.Empty:
                raise AssertionError(f"no line with {pattern!r} in: {''.join(seen)}") from None
        return "".join(seen)

    def stop(self, process, lines):
        os.killpg(process.pid, signal.SIGINT)  # As Ctrl-C: to everybody.
        self.read_until(lines, "gateway: stopped; every audit event is stored")
        self.assertEqual(process.wait(timeout=DEADLINE_S), 0)

    def stored(self, directory):
        """Events of the tool in the store."""
        database = directory / "audittrail" / "audit.db"
        if not database.exists():
            return 0
        connection = sqlite3.connect(f"file:{database}?mode=ro", uri=True)
        try:
            return connection.execute("SELECT count(*) FROM audit_trail WHERE action = 'create_tool'").fetchone()[0]
        except sqlite3.OperationalError as error:
            self.assertIn("no such table", str(error))  # It is being created at this moment.
            return 0
        finally:
            connection.close()

    def test_it_starts_shows_records_and_stops(self):
        directory = self.directory()
        process, lines = self.run_script(directory)
        introduction = self.read_until(lines, "New records")
        self.assertIn("not recorded: read", introduction)
        self.assertEqual(introduction.count("     curl "), 3)
        port = int(re.search(r"listening on http://127\.0\.0\.1:(\d+)", introduction).group(1))

        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=DEADLINE_S)
        connection.request("POST", "/tools", json.dumps({"name": "weather"}), {"X-User": "ada"})
        self.assertEqual(connection.getresponse().status, 201)
        connection.close()
        self.assertRegex(self.read_until(lines, "create_tool"), r"ada +create +create_tool")
        self.assertEqual(self.stored(directory), 0, "it was shown before it was stored")
        self.stop(process, lines)
        self.assertGreater(self.stored(directory), 0)

    def test_a_changed_setting_is_kept_and_holds(self):
        directory = self.directory()
        process, lines = self.run_script(directory)
        self.read_until(lines, "New records")
        self.stop(process, lines)

        settings = directory / "audittrail.env"
        settings.write_text(settings.read_text().replace("LEVEL=writes_only", "LEVEL=deletes_only"))
        process, lines = self.run_script(directory)
        self.assertIn("level deletes_only", self.read_until(lines, "New records"))
        self.stop(process, lines)

    def test_a_signal_puts_a_changed_setting_in_force(self):
        """As the introduction says, in its words."""
        directory = self.directory()
        process, lines = self.run_script(directory)
        introduction = self.read_until(lines, "New records")
        self.assertIn("change AUDIT_TRAIL_LEVEL to all", introduction)
        settings = directory / "audittrail.env"
        settings.write_text(settings.read_text().replace("LEVEL=writes_only", "LEVEL=all"))
        os.kill(int(re.search(r"^ +kill -HUP (\d+)$", introduction, re.M).group(1)), signal.SIGHUP)
        wait_until(lambda: "level all" in (directory / "gateway.out").read_text(), "the gateway says the new policy")

        port = int(re.search(r"listening on http://127\.0\.0\.1:(\d+)", introduction).group(1))
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=DEADLINE_S)
        connection.request("GET", "/tools", headers={"X-User": "ada"})
        self.assertEqual(connection.getresponse().status, 200)
        connection.close()
        self.assertRegex(self.read_until(lines, "list_tools"), r"ada +read +list_tools")
        self.stop(process, lines)

    def test_demo_sums_up(self):
        process, lines = self.run_script(self.directory(), DEMO="1", DEMO_SECONDS="1",
                                         AUDIT_TRAIL_BUFFER_FLUSH_INTERVAL="1")
        text = self.read_until(lines, "Still running")
        self.assertRegex(text, r"create_tool +201")
        self.assertRegex(text, r"50 requests in .*, 0 without an answer")
        stored = int(re.search(r"Stored since the start: ([1-9]\d*) records", text)[1])
        shown = len(re.findall(r"(?m)^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d  ", text))
        self.assertEqual(shown, stored, "what was shown as it came is what is stored")
        self.stop(process, lines)

    def test_a_port_in_use_is_said(self):
        process, lines = self.run_script(self.directory())
        port = re.search(r"127\.0\.0\.1:(\d+)", self.read_until(lines, "New records")).group(1)
        second, second_lines = self.run_script(self.directory(), PORT=port)
        self.read_until(second_lines, f"cannot listen on 127.0.0.1:{port}: Address already in use")
        wait_until(lambda: second.poll() is not None, "the second script ends")
        self.assertEqual(second.returncode, 1)
        self.stop(process, lines)


if __name__ == "__main__":
    unittest.main()
