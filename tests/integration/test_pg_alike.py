"""Goal: whoever reads does not see which database it is: query, simulate and stats say the same of the same events.

Method: the same lines of NDJSON into SQLite and into PostgreSQL, of today, of two weeks ago and of years that have no
partition; then the same commands on both, compared apart from what is of the run (ids, writers, moments, bytes).
"""
import json
import os
import unittest
from datetime import datetime, timedelta, timezone

from pg_support import PostgresqlCase
from support import event

ACTIONS = ("create_tool", "delete_tool", "update_tool", "execute_tool", "list_odd", "list%odd")
OF_THE_RUN = ("id", "writer", "seq", "timestamp_us")


def shape(value, path=""):
    """Every key there is, and of what type."""
    if isinstance(value, dict):
        return {found for key, item in value.items() for found in shape(item, f"{path}.{key}")}
    if isinstance(value, list):
        return {found for item in value for found in shape(item, f"{path}[]")}
    return {f"{path}: {type(value).__name__}"}


class Alike(PostgresqlCase):
    def setUp(self):
        super().setUp()
        self.other = {"AUDIT_TRAIL_STATE_DIR": self.path("other"),
                      "AUDIT_TRAIL_DATABASE_URL": "sqlite:" + self.path("other.db")}
        os.mkdir(self.path("other"))
        today = datetime.now(timezone.utc).replace(hour=0, minute=0, second=0, microsecond=0)
        moments = [today - timedelta(days=days) for days in (0, 1, 14, 400, 9000)]
        self.lines = [event(number, action=ACTIONS[number % 6], user_id=f"user{number % 7}",
                            correlation_id=f"c{number // 3}", outcome=("success", "failure", "denied")[number % 3],
                            timestamp=(moments[number % 5] + timedelta(microseconds=number // 20)).isoformat())
                      for number in range(700)]
        self.record(self.lines, env={"AUDIT_TRAIL_LEVEL": "all"})
        self.record(self.lines, env={**self.other, "AUDIT_TRAIL_LEVEL": "all"})

    def both(self, *arguments):
        results = [self.run_command(*arguments, env=env) for env in ({}, self.other)]
        self.assertEqual([result.code for result in results], [results[0].code] * 2, results)
        return [result.out for result in results]

    def found(self, *filters):
        lists = [[json.loads(line) for line in out.splitlines()]
                 for out in self.both("query", "-o", "ndjson", "--limit", "all", "--action", "*_tool,list?odd",
                                      *filters)]
        self.assertEqual(*[[{key: item[key] for key in item if key not in OF_THE_RUN} for item in items]
                           for items in lists])
        return len(lists[0])

    def test_queries(self):
        counts = [self.found(*filters) for filters in (
            (), ("--oldest-first",), ("--user", "user3"), ("--since", "20d"), ("--until", "2005-01-01"),
            ("--level", "deletes_only"), ("--level", "failures_only", "--user", "user5"), ("--correlation-id", "c7"),
            ("--outcome", "denied", "--since", "500d"), ("--resource-id", "t5"), ("--user", "nobody"))]
        print(f"found: {counts}", flush=True)
        self.assertEqual(counts[0], 700)
        self.assertTrue(all(0 < count < 700 for count in counts[2:-1]), counts)
        self.assertEqual(counts[-1], 0)

    def test_a_simulation(self):
        seen = []
        for out in self.both("simulate", "LEVEL=mutations_only", "--since", "1990-01-01", "-o", "json"):
            report = json.loads(out)
            seen.append({key: report[key] for key in ("source", "policy", "events", "rows", "rules")})
            self.assertEqual(report["events"], 700)
        self.assertEqual(*seen)

    def test_stats(self):
        reports = [json.loads(out) for out in self.both("stats", "-o", "json")]
        self.assertEqual(*[shape(report) for report in reports])


if __name__ == "__main__":
    unittest.main()
