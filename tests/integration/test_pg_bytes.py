"""Goal: bytes that are no text reach the example gateway in a header; the event is in PostgreSQL, repaired and marked.

Method: a client that sends a user agent in Latin-1, between two that send text; the three events share one batch.
"""
import pathlib
import unittest

from gateway_support import Gateway
from pg_support import PostgresqlCase
from support import FLAG_REPAIRED


class Bytes(PostgresqlCase):
    def test_a_header_that_is_not_utf_8(self):
        gateway = Gateway(pathlib.Path(self.dir), self.store, {"LEVEL": "all"})
        self.addCleanup(gateway.kill)
        agents = ("before", "caf\xe9 \xff\xfe", "behind")
        for number, agent in enumerate(agents):
            gateway.create(name=f"tool{number}", X_User="ada", User_Agent=agent)
        self.assertEqual(gateway.stop(), 0, gateway.error_text())
        rows = self.rows("SELECT user_agent, flags FROM audit_trail WHERE action = 'create_tool' ORDER BY seq")
        print(rows, flush=True)
        self.assertEqual([row["user_agent"] for row in rows], ["before", "caf\ufffd \ufffd\ufffd", "behind"])
        self.assertEqual([bool(row["flags"] & FLAG_REPAIRED) for row in rows], [False, True, False])
        self.assertEqual(self.store.rows("SELECT count(*) AS n FROM audit_dead_letters"), [{"n": 0}])


if __name__ == "__main__":
    unittest.main()
