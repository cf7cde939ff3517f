"""The program that the README shows.

Goal:   what is shown works as it stands.
Method: run it, and find the row under the id it printed.
"""
import pathlib
import re
import subprocess
import unittest

from gateway_support import BIN, DEADLINE_S, GatewayTest

ROOT = pathlib.Path(__file__).resolve().parents[2]


class Hello(GatewayTest):
    def test_the_readme_shows_the_very_file_that_is_compiled(self):
        shown = re.search(r"```c\n(.*?)```", (ROOT / "README.md").read_text(), re.S)[1]
        self.assertEqual((ROOT / "examples/hello/hello.c").read_text().split("\n", 1)[1], shown)

    def test_the_printed_id_is_the_record(self):
        directory = self.directory()
        environment = {"PATH": "/usr/bin:/bin", "AUDIT_TRAIL_STATE_DIR": str(directory / "state")}

        def run(*command):
            return subprocess.run(command, cwd=directory, env=environment, capture_output=True, text=True, check=True,
                                  timeout=DEADLINE_S).stdout

        printed = run(BIN / "hello").strip()
        rows = run(BIN / "audittrail", "query", "--action", "create_tool", "-o", "csv", "--columns",
                   "id,user_id,resource_name")
        self.assertEqual(rows.split(), ["id,user_id,resource_name", f"{printed},ada,weather"])


if __name__ == "__main__":
    unittest.main()
