"""`audittrail record`: every line ends in exactly one place, whatever is on it.

Goal:   the summary, the store and the test's own tally agree; bad input harms only itself.
Method: the real command against an empty store; the store is read with SQL of our own.
"""
import json
import os
import random
import signal
import unittest

import support
from support import event, ndjson


class Summary(support.CommandCase):
    def test_summary_equals_the_callers_own_tally(self):
        """Offered by the test, told by the command, kept in the store: three tallies, one truth."""
        chance = random.Random(4711)
        tally = {"lines": 0, "recorded": 0, "level": 0, "excluded": 0, "rejected": 0}
        lines = []
        for number in range(1000):
            fate = chance.choices(["recorded", "level", "excluded", "rejected"], [70, 20, 6, 4])[0]
            made = {"recorded": event(number), "level": event(number, action="list_tools"),
                    "excluded": event(number, action=f"noise_{number}"), "rejected": event(number, user_id="")}[fate]
            tally["lines"] += 1
            tally[fate] += 1
            lines.append(made)
        settings = ("--set", "AUDIT_TRAIL_LEVEL=writes_only", "--set", "AUDIT_TRAIL_EXCLUDE_ACTIONS=noise_*")

        summary = self.record(lines, *settings, code=1)
        for name, count in tally.items():
            self.assertEqual(summary[name], count, name)
        self.assertEqual(len(self.rows()), tally["recorded"])

        text = self.run_command("record", *settings, stdin=ndjson(lines))
        self.assertEqual(text.code, 1, text)
        self.assertEqual(self.numbers_of(text.err), tally)
        self.assertEqual(text.out, "")
        self.assertEqual(len(self.rows()), 2 * tally["recorded"])

    def test_what_the_policy_refuses_is_no_error(self):
        summary = self.record([event(action="list_tools")], env={"AUDIT_TRAIL_LEVEL": "deletes_only"})
        self.assertEqual((summary["recorded"], summary["level"]), (0, 1))

    def test_a_disabled_trail_records_nothing_and_touches_nothing(self):
        summary = self.record([event(i) for i in range(5)], env={"AUDIT_TRAIL_ENABLED": "false"})
        self.assertEqual((summary["recorded"], summary["disabled"]), (0, 5))
        self.assertFalse(os.path.exists(self.state))

    def test_every_field_arrives(self):
        fields = {"resource_name": "Tool 1", "user_email": "a@b.c", "team_id": "red", "auth_method": "jwt",
                  "acting_as": "bob", "client_ip": "::1", "user_agent": "curl", "request_method": "POST",
                  "request_path": "/tools", "correlation_id": "c-1", "request_id": "r-1", "error_message": "no",
                  "outcome": "denied", "data_classification": "confidential", "requires_review": True,
                  "new_values": {"a": 1}, "context": {"k": [1, 2]}, "timestamp": "2026-01-02T03:04:05.678901Z"}
        self.record([event(1, **fields)], "--service", "importer")
        row = self.rows()[0]
        for name, value in fields.items():
            if isinstance(value, dict):
                self.assertEqual(json.loads(row[name]), value, name)
            else:
                self.assertEqual(row[name], value, name)
        self.assertEqual(row["service"], "importer")

    def test_four_ways_of_writing_store_the_same(self):
        for asynchronous in ("true", "false"):
            for buffered in ("true", "false"):
                with self.subTest(asynchronous=asynchronous, buffered=buffered):
                    before = len(self.rows()) if self.store.is_made() else 0
                    self.record([event(i) for i in range(50)], env={"AUDIT_TRAIL_ASYNC": asynchronous,
                                                                    "AUDIT_TRAIL_BUFFER_ENABLED": buffered})
                    self.assertEqual(len(self.rows()), before + 50)


class Lines(support.CommandCase):
    def test_ends_of_lines(self):
        lines = [json.dumps(event(i)).encode() for i in range(5)]
        data = b"\xef\xbb\xbf" + lines[0] + b"\r\n\r\n" + lines[1] + b"\n  \n\n" + lines[2] + b"\r\n" + lines[3] + b"\n"
        summary = self.record(data + lines[4])
        self.assertEqual((summary["lines"], summary["recorded"]), (5, 5))

    def test_files_and_standard_input(self):
        one = self.write("one.ndjson", ndjson([event(1)]))
        two = self.write("two.ndjson", ndjson([event(2), event(3, action="")]))
        summary = self.record([event(4)], one, two, "-", code=1)
        self.assertEqual((summary["lines"], summary["recorded"], summary["rejected"]), (4, 3, 1))
        self.assertIn(f"{two}: line 2: action is required and is empty", summary["err"])

    def test_a_missing_file_is_told_and_nothing_is_lost(self):
        one = self.write("one.ndjson", ndjson([event(1)]))
        summary = self.record(b"", one, self.path("missing"), code=1)
        self.assertEqual(summary["recorded"], 1)
        self.assertIn("missing: No such file", summary["err"])
        self.assertEqual(len(self.rows()), 1)

    def test_an_empty_input_is_no_error(self):
        self.assertEqual(self.record(b"")["lines"], 0)

    def test_a_line_that_is_too_long_costs_one_line(self):
        data = ndjson([event(1)]) + b'{"action":"' + b"x" * (3 << 20) + b'"}\n' + ndjson([event(2)])
        summary = self.record(data, code=1)
        self.assertEqual((summary["recorded"], summary["rejected"]), (2, 1))
        self.assertIn("line 2: longer than", summary["err"])

    def test_errors_are_counted_when_they_are_not_printed(self):
        data = [event(i, user_id="") for i in range(50)]
        for option, printed in (((), 20), (("--errors", "3"), 3), (("--errors", "all"), 50), (("--errors", "0"), 0)):
            summary = self.record(data, *option, code=1)
            self.assertEqual(summary["err"].count(": user_id is required and is empty"), printed)
            self.assertEqual("more lines in error" in summary["err"], printed < 50)
        self.assertIn("and 50 more lines in error", summary["err"])

    def test_strict_stops_at_the_first_error(self):
        summary = self.record([event(1), event(2), event(3, user_id=""), event(4)], "--strict", code=1)
        self.assertEqual((summary["lines"], summary["recorded"], summary["rejected"]), (3, 2, 1))
        self.assertIn("2 recorded before it", summary["err"])
        self.assertEqual(len(self.rows()), 2)


class BadEvents(support.CommandCase):
    def test_each_bad_line_says_what_is_wrong_and_harms_only_itself(self):
        good = json.dumps(event()).encode()
        cases = [
            (b"not json", "JSON"), (b"[]", "JSON object"), (b'"text"', "JSON object"), (b"null", "JSON object"),
            (b"{", "JSON"), (good[:-1], "JSON"), (good + b" x", "JSON"), (good + good, "JSON"), (b"{}", "required"),
            (b"[" * 100000, "JSON"), (b'{"action":"a\x00b","resource_type":"t","user_id":"u"}', "JSON"),
            (b'{"action":"a","action":"b","resource_type":"t","user_id":"u"}', "action"),
        ]
        fields = [{"user_id": ""}, {"user_id": None}, {"user_id": {"a": 1}}, {"action": ""}, {"resource_type": ""},
                  {"outcome": "fine"}, {"operation": "make"}, {"success": True, "outcome": "denied"},
                  {"timestamp": "yesterday"}, {"requires_review": "yes"}]
        cases += [(json.dumps(event(**one)).encode(), next(iter(one))) for one in fields]
        for number, (line, expected) in enumerate(cases):
            with self.subTest(line=line[:60]):
                data = ndjson([event(1)]) + line + b"\n" + ndjson([event(2)])
                summary = self.record(data, code=1)
                self.assertEqual((summary["lines"], summary["recorded"], summary["rejected"]), (3, 2, 1))
                message = [text for text in summary["err"].splitlines() if text.startswith("line 2: ")]
                self.assertEqual(len(message), 1, summary["err"])
                self.assertIn(expected, message[0])
                self.assertEqual(len(self.rows()), 2 * number + 2)

    def test_escaped_nul_is_replaced(self):
        self.record([event(1, user_agent="a\u0000b")])
        row = self.rows()[0]
        self.assertEqual(row["user_agent"], "a\ufffdb")
        self.assertTrue(row["flags"] & support.FLAG_REPAIRED)

    def test_invalid_utf8_ends_as_the_lines_error_or_as_repaired_text(self):
        data = b'{"action":"delete_\xff","resource_type":"tool","user_id":"al\xc3ice"}\n' + ndjson([event(2)])
        result = self.run_command("record", "-o", "json", stdin=data)
        summary = json.loads(result.out)
        rows = self.rows()
        self.assertEqual(summary["recorded"] + summary["rejected"], 2)
        self.assertEqual(len(rows), summary["recorded"])
        self.assertEqual(result.code, 1 if summary["rejected"] else 0)
        for row in rows:
            if row["action"] != "delete_tool":
                self.assertEqual((row["action"], row["user_id"]), ("delete_\ufffd", "al\ufffdice"))
                self.assertTrue(row["flags"] & support.FLAG_REPAIRED)

    def test_large_values_are_replaced_by_their_digest(self):
        self.record([event(1, new_values={"blob": "x" * 500_000})])
        row = self.rows()[0]
        kept = json.loads(row["new_values"])
        self.assertTrue(kept["_truncated"])
        self.assertGreater(kept["_bytes"], 500_000)
        self.assertRegex(kept["_sha256"], "^[0-9a-f]{64}$")
        self.assertTrue(row["flags"] & support.FLAG_TRUNCATED)

    def test_long_texts_are_cut_between_characters(self):
        self.record([event(1, user_agent="\u00e9" * 400, error_message="x" * 500_000)])
        row = self.rows()[0]
        self.assertEqual(row["user_agent"], "\u00e9" * 256)
        self.assertEqual(row["error_message"], "x" * 4096)
        self.assertTrue(row["flags"] & support.FLAG_TRUNCATED)

    def test_an_event_over_a_mebibyte_is_refused(self):
        summary = self.record([event(1, new_values={"blob": "x" * 1_060_000}), event(2)], code=1)
        self.assertEqual((summary["recorded"], summary["rejected"]), (1, 1))

    def test_absurd_timestamps_are_clamped_and_flagged(self):
        absurd = ["9999-12-31T23:59:59Z", "0001-01-01T00:00:00Z", -1, 9_000_000_000_000_000_000, "2101-01-01T00:00:00Z"]
        self.record([event(i, timestamp=value) for i, value in enumerate(absurd)])
        rows = {row["resource_id"]: row for row in self.rows()}
        for i, value in enumerate(absurd):
            row = rows[f"t{i}"]
            self.assertTrue(row["flags"] & support.FLAG_CLAMPED, value)
            self.assertTrue("1970" <= row["timestamp"] < "2101", row["timestamp"])

    def test_unknown_fields_are_kept(self):
        self.record([event(1, color="red", depth={"a": [1]}), event(2, context={"a": 1}, color="blue")])
        rows = {row["resource_id"]: json.loads(row["context"]) for row in self.rows()}
        self.assertEqual(rows["t1"], {"extra": {"color": "red", "depth": {"a": [1]}}})
        self.assertEqual(rows["t2"], {"a": 1, "extra": {"color": "blue"}})


class Surroundings(support.CommandCase):
    SUSPENDS = True

    def test_a_state_directory_that_cannot_be_made_fails_at_once(self):
        blocker = self.write("file", "")
        result = self.run_command("record", stdin=ndjson([event(i) for i in range(1000)]),
                                  env={"AUDIT_TRAIL_STATE_DIR": os.path.join(blocker, "state")})
        self.assertEqual(result.code, 1, result)
        self.assertIn(blocker, result.err)
        self.assertLess(result.err.count("\n"), 10, result)

    def test_wrong_settings_are_a_usage_error(self):
        for value, expected in (("AUDIT_TRAIL_LEVEL=everything", "writes_only"),
                                ("AUDIT_TRAIL_ASYNC=perhaps", "AUDIT_TRAIL_ASYNC"),
                                ("AUDIT_TRAIL_BUFFER_MAX_SIZE=-1", "AUDIT_TRAIL_BUFFER_MAX_SIZE"),
                                ("AUDIT_TRAIL_DATABASE_URL=oracle:x", "AUDIT_TRAIL_DATABASE_URL")):
            result = self.run_command("record", "--set", value, stdin=ndjson([event()]))
            self.assertEqual(result.code, 2, result)
            self.assertIn(expected, result.err)
        self.assertFalse(os.path.exists(self.state))

    def test_options_win_over_the_environment_and_that_over_the_file(self):
        env_file = self.write("settings.env", "AUDIT_TRAIL_LEVEL=deletes_only\nAUDIT_TRAIL_EXCLUDE_ACTIONS=delete_b\n")
        data = [event(1, action="delete_a"), event(2, action="delete_b"), event(3, action="create_c")]
        summary = self.record(data, "--env-file", env_file, "--set", "AUDIT_TRAIL_LEVEL=mutations_only")
        self.assertEqual((summary["recorded"], summary["excluded"], summary["level"]), (1, 1, 1))

    def go_away(self):
        """The settings of a store that nobody reaches, and what makes it reachable."""
        if not self.store.path:
            return {}, self.store.hold().close
        blocker = self.write("away", "")
        self.database = os.path.join(blocker, "audit.db")

        def come_back():
            os.unlink(blocker)
            os.mkdir(blocker)
        return {"AUDIT_TRAIL_DATABASE_URL": self.store.url}, come_back

    def test_an_unreachable_store_leaves_the_events_in_the_spool(self):
        """...and the next start stores them, each once."""
        url, come_back = self.go_away()
        summary = self.record([event(i) for i in range(300)], "--timeout", "1", code=5, env=url)
        self.assertEqual((summary["recorded"], summary["waiting"], summary["rejected"]), (300, 300, 0))
        self.assertIn("300 events are safe in the spool", summary["err"])
        self.assertIn(os.path.join(self.state, "spool"), summary["err"])

        come_back()
        for start in range(5):
            self.record([event(300 + start)], env=url)
            stored = sorted(int(row["resource_id"][1:]) for row in self.rows())
            if len(stored) == 301 + start:
                break
        self.assertEqual(stored, list(range(301 + start)))

    def test_a_database_of_a_newer_version_is_left_alone(self):
        self.record([event(1)])
        self.store.execute("UPDATE audit_store SET schema_version = schema_version + 1000")
        summary = self.record([event(2)], "--timeout", "20", code=5, timeout=19)
        self.assertEqual(summary["waiting"], 1)
        self.assertIn("newer", summary["err"])
        self.assertEqual(len(self.rows()), 1)
        self.assertEqual(self.run_command("query").code, 1)

    def test_a_full_spool_is_waited_for(self):
        values = {"text": "x" * 8000}
        data = ndjson([event(i, new_values=values) for i in range(3000)])
        summary = self.record(data, "--set", "AUDIT_TRAIL_SPOOL_MAX_BYTES=4MiB")
        self.assertEqual((summary["recorded"], summary["rejected"]), (3000, 0))
        self.assertEqual(len(self.rows()), 3000)

    def check_signal(self, number):
        process = self.start("record", "-o", "json")
        process.stdin.write(ndjson([event(i) for i in range(100)]))
        process.stdin.flush()
        self.wait_for(lambda: os.listdir(os.path.join(self.state, "spool")), "the first event is in the spool")
        process.send_signal(number)
        out, err = process.communicate(timeout=60)
        self.assertEqual(process.returncode, 1, err)
        summary = json.loads(out)
        self.assertIn(b"interrupted", err)
        self.assertGreater(summary["recorded"], 0)
        self.assertEqual(len(self.rows()), summary["recorded"])

    def test_sigint_ends_in_order(self):
        self.check_signal(signal.SIGINT)

    def test_sigterm_ends_in_order(self):
        self.check_signal(signal.SIGTERM)


if __name__ == "__main__":
    unittest.main()
