"""The program that the README shows.

Goal:   what is shown works as it stands.
Method: run it, and find the row under the id it printed.
"""
import unittest

import subprocess

from gateway_support import BIN, DEADLINE_S, GatewayTest


class Hello(GatewayTest):
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
