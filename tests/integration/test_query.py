"""`audittrail query`: finds what was asked for, in every form, page by page without loss or repeats.

Goal:   each filter, format and page agrees with the same selection made in Python over the test's own events.
Method: one store of 1,500 generated events, more than 1,000 of them at the same microsecond.
"""
import csv
import fnmatch
import io
import json
import os
import random
import shlex
import subprocess
import unittest

import support
from support import event

T0 = 1_767_225_600_000_000  # 2026-01-01T00:00:00Z
OPERATIONS = {"create": "create", "update": "update", "delete": "delete", "get": "read", "execute": "execute"}
MUTATIONS = {"update", "delete"}


def make_events():
    chance = random.Random(99)
    made = []
    for number in range(1500):
        verb = chance.choice(list(OPERATIONS))
        kind = chance.choice(["tool", "server", "prompt"])
        made.append(event(
            number, timestamp=T0 if number < 1200 else T0 + (number - 1200) * 60_000_000, action=f"{verb}_{kind}",
            resource_type=kind, resource_id=str(number % 40), user_id=chance.choice(["alice", "bob", "carol"]),
            user_email=chance.choice(["a@x", "b@x"]), team_id=chance.choice(["red", "blue"]),
            outcome=chance.choice(["success", "success", "failure", "denied"]), correlation_id=f"c{number % 100}",
            request_id=f"n{number}", data_classification=chance.choice([None, "public", "restricted"])))
    return made


class Query(support.CommandCase):
    """One store for all tests of a class: they only read."""

    shared = None

    @classmethod
    def setUpClass(cls):
        cls.events = make_events()
        cls.shared = support.CommandCase()
        cls.shared.setUp()
        cls.addClassCleanup(cls.shared.doCleanups)
        cls.shared.record(cls.events)

    def setUp(self):
        super().setUp()
        self.state, self.store, self.env = self.shared.state, self.shared.store, dict(self.shared.env)

    def expect(self, keep):
        return sorted(item["request_id"] for item in self.events if keep(item))

    def found(self, *arguments):
        span = () if "--since" in arguments or "--id" in arguments else ("--until", "2026-06-01")
        return sorted(item["request_id"] for item in self.query(*span, *arguments))


class Filters(Query):
    def test_each_filter_agrees_with_the_same_selection_in_python(self):
        operation = lambda item: OPERATIONS[item["action"].split("_")[0]]
        cases = [
            ((), lambda item: True),
            (("--user", "alice"), lambda item: item["user_id"] == "alice"),
            (("--email", "a@x"), lambda item: item["user_email"] == "a@x"),
            (("--team", "red"), lambda item: item["team_id"] == "red"),
            (("--resource", "tool"), lambda item: item["resource_type"] == "tool"),
            (("--resource", "tool/7"), lambda item: (item["resource_type"], item["resource_id"]) == ("tool", "7")),
            (("--resource-type", "server", "--resource-id", "3"),
             lambda item: (item["resource_type"], item["resource_id"]) == ("server", "3")),
            (("--action", "create_tool"), lambda item: item["action"] == "create_tool"),
            (("--action", "create_*"), lambda item: fnmatch.fnmatch(item["action"], "create_*")),
            (("--action", "create_tool,delete_*", "--action", "get_?ool"),
             lambda item: item["action"] in ("create_tool", "get_tool") or item["action"].startswith("delete_")),
            (("--operation", "create,delete"), lambda item: operation(item) in ("create", "delete")),
            (("--outcome", "denied,failure"), lambda item: item["outcome"] in ("denied", "failure")),
            (("--level", "mutations_only"), lambda item: operation(item) in MUTATIONS),
            (("--level", "deletes_only"), lambda item: operation(item) == "delete"),
            (("--level", "failures_only"), lambda item: item["outcome"] != "success"),
            (("--correlation-id", "c42"), lambda item: item["correlation_id"] == "c42"),
            (("--classification", "restricted"), lambda item: item.get("data_classification") == "restricted"),
            (("--since", "2026-01-01T00:10:00Z", "--until", "2026-01-01T00:20:00Z"),
             lambda item: T0 + 600_000_000 <= item["timestamp"] < T0 + 1_200_000_000),
            (("--user", "bob", "--operation", "delete", "--outcome", "denied"),
             lambda item: item["user_id"] == "bob" and operation(item) == "delete" and item["outcome"] == "denied"),
        ]
        for arguments, keep in cases:
            with self.subTest(arguments=arguments):
                expected = self.expect(keep)
                self.assertGreater(len(expected), 0)
                self.assertEqual(self.found(*arguments), expected)

    def test_review_is_one_or_the_other(self):
        yes = self.found("--requires-review")
        no = self.found("--requires-review=no")
        self.assertEqual(sorted(yes + no), self.expect(lambda item: True))
        self.assertTrue(set(self.expect(lambda item: item.get("data_classification") == "restricted")) <= set(yes))

    def test_an_id_finds_its_event(self):
        for item in random.Random(3).sample(self.query("--until", "2026-06-01"), 5):
            found = self.query("--id", item["id"])
            self.assertEqual([one["request_id"] for one in found], [item["request_id"]])
            self.assertEqual(found[0], item)
        self.query("--id", "019b7600-0000-7000-8000-000000000000", code=4)

    def test_nothing_matches_is_exit_code_4(self):
        for form in ("table", "json", "ndjson", "csv"):
            result = self.run_command("query", "--user", "nobody", "-o", form)
            self.assertEqual(result.code, 4, result)
            self.assertIn("nothing matches", result.err)
        self.assertEqual(json.loads(self.run_command("query", "--user", "nobody", "-o", "json").out), [])

    def test_bad_values_name_option_value_and_what_is_allowed(self):
        cases = [(("--since", "yesterday"), ("--since", "yesterday", "30m")),
                 (("--operation", "make"), ("make", "create")),
                 (("--outcome", "ok"), ("ok", "denied")), (("--level", "some"), ("some", "writes_only")),
                 (("--limit", "0"), ("--limit", "0")), (("-o", "xml"), ("xml", "ndjson")), (("--columns", "x"), ("x",)),
                 (("--after", "7"), ("--after", "7")), (("--classification", "secret"), ("secret", "restricted")),
                 (("--usr", "x"), ("--usr", "--user")), (("word",), ("word",)), (("--user",), ("--user",)),
                 (("--since", "1h", "--until", "2h"), ("--since",)),
                 (("--columns", "id", "-o", "json"), ("--columns",))]
        for arguments, words in cases:
            result = self.run_command("query", *arguments)
            self.assertEqual(result.code, 2, result)
            self.assertEqual(result.err.count("\n"), 1, result)
            for word in words:
                self.assertIn(word, result.err)


class Formats(Query):
    def test_every_format_holds_the_same_events(self):
        arguments = ("--user", "alice", "--until", "2026-06-01", "--limit", "200")
        lines = [json.loads(line) for line in self.run_command("query", *arguments, "-o", "ndjson").out.splitlines()]
        self.assertEqual(len(lines), 200)
        self.assertEqual(json.loads(self.run_command("query", *arguments, "-o", "json").out), lines)

        text = self.run_command("query", *arguments, "-o", "csv").raw.decode()
        table = list(csv.DictReader(io.StringIO(text, newline="")))
        self.assertEqual([row["id"] for row in table], [item["id"] for item in lines])
        for row, item in zip(table, lines):
            for name in ("timestamp", "operation", "outcome", "action", "user_id", "request_id", "level", "service"):
                self.assertEqual(row[name], item[name], name)
            self.assertEqual(row.get("data_classification"), item.get("data_classification", ""))

        text = self.run_command("query", *arguments, "--columns", "request_id,operation,outcome").out.splitlines()
        self.assertEqual(text[0].split(), ["request_id", "operation", "outcome"])
        self.assertEqual([tuple(line.split()) for line in text[1:]],
                         [(item["request_id"], item["operation"], item["outcome"]) for item in lines])

    def test_the_usual_table_fits_a_terminal(self):
        result = self.run_command("query", "--until", "2026-06-01", "--limit", "5")
        lines = result.out.splitlines()
        self.assertEqual(lines[0].split(), ["time", "user", "operation", "action", "resource", "outcome"])
        self.assertEqual(len(lines), 6)
        self.assertTrue(all(len(line) <= 100 for line in lines), result)

    def test_what_cannot_be_written_is_a_failure(self):
        with open("/dev/full", "wb") as full:
            failed = subprocess.run([support.COMMAND, "query", "-o", "ndjson"], env=self.env, stdout=full,
                                    stderr=subprocess.PIPE, check=False)
        self.assertEqual(failed.returncode, 1, failed)
        self.assertIn(b"cannot write", failed.stderr)


class Hostile(support.CommandCase):
    def test_stored_text_commands_neither_terminal_nor_spreadsheet(self):
        self.record([event(1, user_id="=cmd|'/c calc'!A1", resource_id="\x1b[2J\u202etxt\nline",
                           resource_name='a,"b"')])
        table = self.run_command("query", "--resource-type", "tool").out
        self.assertNotIn("\x1b", table)
        self.assertNotIn("\u202e", table)
        self.assertIn("\\x1b[2J\\u202etxt\\nline", table)
        raw = self.run_command("query", "--resource-type", "tool", "-o", "csv").raw.decode()
        row = next(csv.DictReader(io.StringIO(raw, newline="")))
        self.assertEqual(row["user_id"], "'=cmd|'/c calc'!A1")
        self.assertEqual(row["resource_name"], 'a,"b"')
        self.assertEqual(self.query("--resource-type", "tool")[0]["user_id"], "=cmd|'/c calc'!A1")

    def test_filters_are_values_and_never_sql(self):
        self.record([event(1)])
        for text in ("' OR 1=1 --", "%", "_lice", "alice'; DROP TABLE audit_events; --"):
            self.query("--user", text, code=4)
        self.assertEqual(len(self.query("--user", "alice")), 1)

    def test_no_database_is_exit_code_5_and_makes_none(self):
        result = self.run_command("query")
        self.assertEqual(result.code, 5, result)
        self.assertFalse(self.store.is_made())


class Pages(Query):
    def walk(self, *arguments):
        """Follow the hints to the end; the request ids in the order of the pages."""
        seen = []
        command = [support.COMMAND, "query", "--until", "2026-06-01", "--limit", "97", "--columns", "request_id",
                   *arguments]
        for _ in range(100):
            result = self.run_command(*command[1:])
            self.assertEqual(result.code, 0, result)
            page = result.out.split()[1:]
            self.assertLessEqual(len(page), 97)
            seen += page
            if "next page: " not in result.err:
                return seen
            self.assertEqual(len(page), 97)
            command = shlex.split(result.err.split("next page: ")[1].splitlines()[0])
            self.assertEqual(command[0], "audittrail")
        self.fail("the pages do not end")

    def test_pages_both_ways_lose_and_repeat_nothing(self):
        newest_first = self.walk()
        oldest_first = self.walk("--oldest-first")
        self.assertEqual(len(newest_first), 1500)
        self.assertEqual(sorted(newest_first), self.expect(lambda item: True))
        self.assertEqual(newest_first, oldest_first[::-1])
        order = [item["request_id"] for item in self.query("--until", "2026-06-01")]
        self.assertEqual(newest_first, order)

    def test_pages_of_a_filter_hold_only_what_it_takes(self):
        seen = self.walk("--user", "alice", "--action", "delete_*")
        expected = self.expect(lambda item: item["user_id"] == "alice" and item["action"].startswith("delete_"))
        self.assertEqual(sorted(seen), expected)

    def test_behind_the_last_event_there_is_nothing(self):
        last = self.query("--until", "2026-06-01")[-1]
        self.query("--until", "2026-06-01", "--after", last["id"], code=4)


class NotThereYet(support.CommandCase):
    """Who asks the store for what still waits in a spool is told so."""

    def test_what_waits_is_told_when_nothing_is_found(self):
        self.record([event(1)])
        self.assertNotIn("wait", self.run_command("query", "--user", "nobody").err, "the control: nothing waits")
        taken = self.store.take_away()
        self.record([event(2), event(3)], "--timeout", "1", code=5)
        result = self.run_command("query")
        self.assertEqual(result.code, 5, result)
        self.assertIn("2 events wait on this machine", result.err)

        taken.close()
        result = self.run_command("query", "--resource", "tool/t2")
        self.assertEqual(result.code, 4, result)
        self.assertIn("2 events wait on this machine and not yet in the store; `audittrail tail` shows them",
                      result.err)


if __name__ == "__main__":
    unittest.main()
