"""`audittrail simulate`: what it forecasts is what happens when the policy is really switched.

Goal:   the forecast of rows from NDJSON is exact, and from a store within 5 %, whether the draft is narrower, wider,
        excludes by pattern, samples or sets a floor; where it cannot know, it says a range, and the truth lies in it.
Method: the gateway's crud mix is recorded under policy A; policy B is forecast from the store and from the NDJSON; then
        the same traffic is recorded under B, and its rows are counted in SQL.
"""
import collections
import json
import os
import random
import unittest

import support
from stores import only_on
from support import event, ndjson

T0 = 1_767_225_600_000_000  # 2026-01-01T00:00:00Z
DAY_US = 86_400_000_000
TOLERANCE = 0.05  # Of the forecast from a store.
KINDS = ["tool", "server", "gateway", "resource", "prompt"]


def crud_mix(count, seed=7):
    """Of a hundred audited operations 96 are lists and views; six health and metrics requests come on top."""
    chance = random.Random(seed)
    made = []
    for number in range(count):
        kind = chance.choice(KINDS)
        fields = {"resource_type": kind, "resource_id": str(chance.randrange(500)), "correlation_id": f"c{number}",
                  "user_id": f"user{chance.randrange(50)}"}
        what = chance.random() * 106
        if what < 96:
            fields["action"] = chance.choice(["list_", "get_"]) + kind
        elif what < 97.5:
            fields["action"] = f"create_{kind}"
        elif what < 98.5:
            fields["action"] = chance.choice(["update_", "toggle_"]) + kind
        elif what < 99.5:
            fields["action"] = f"delete_{kind}"
        elif what < 100:
            fields["action"] = chance.choice(["get_", "create_", "delete_"]) + kind
            fields["outcome"] = chance.choice(["failure", "denied"])
        elif what < 104:
            fields.update(action="health_check", resource_type="health")
        else:
            fields.update(action="metrics_read", resource_type="metrics")
        made.append(event(number, **fields))
    return made


def settings(**policy):
    return {f"AUDIT_TRAIL_{name}": value for name, value in policy.items()}


class Simulate(support.CommandCase):
    """Runs the command on the test's own store, or on a file."""

    def simulate(self, draft, *arguments, env=None, code=0, stdin=b""):
        changes = [f"{name}={value}" for name, value in draft.items()]
        result = self.run_command("simulate", "-o", "json", *changes, *arguments, env=env, stdin=stdin)
        self.assertEqual(result.code, code, result)
        answer = json.loads(result.out)
        answer["err"] = result.err
        return answer

    def notes(self, answer):
        return {note["code"] for note in answer["notes"]}


class Switch(Simulate):
    """Forecasts a switch from one policy to another, and makes it."""

    EVENTS = 10_000

    @classmethod
    def setUpClass(cls):
        cls.events = crud_mix(cls.EVENTS)
        cls.data = ndjson(cls.events)

    def setUp(self):
        super().setUp()
        self.file = self.write("events.ndjson", self.data)

    def record_under(self, policy, name):
        """Record the traffic; the rows by operation, as SQL counts them."""
        self.use_state(name)
        place = ("AUDIT_TRAIL_STATE_DIR", "AUDIT_TRAIL_DATABASE_URL")
        env = {**settings(**policy), **{name: self.env[name] for name in place if name in self.env}}
        summary = self.record(self.data, env=env)
        rows = {row["operation"]: row["count"] for row in self.rows(
            "SELECT operation, count(*) AS count FROM audit_trail WHERE flags & 64 = 0 GROUP BY operation")}
        self.assertEqual(sum(rows.values()), summary["recorded"])
        return env, rows

    def forecasts(self, policy, draft):
        """(from the store, from the file, what really happened)"""
        env, before = self.record_under(policy, "before")
        changes = {**{name: "" for name in policy if name not in draft}, **draft}
        of_store = self.simulate(changes, "--stored", env=env)
        of_file = self.simulate(changes, "--input", self.file, env=env)
        _, after = self.record_under(draft, "after")
        self.assertEqual(self.total(of_store, "now"), sum(before.values()))
        if "ACTION_MAP" not in draft:  # Operations are those under which the draft sees the events.
            self.assertEqual(self.by_operation(of_store, "now"), before)
        return of_store, of_file, after

    def by_operation(self, answer, member):
        return {name: numbers[member] for name, numbers in answer["operations"].items()
                if numbers[member] > 0 and name != "control"}

    def total(self, answer, member):
        return answer["rows"][member] - answer["operations"]["control"][member]

    def assert_near(self, forecast, truth, what):
        self.assertLessEqual(abs(forecast - truth), TOLERANCE * truth, f"{what}: forecast {forecast}, truth {truth}")

    def assert_forecast(self, policy, draft, sampled=False):
        of_store, of_file, after = self.forecasts(policy, draft)
        truth = sum(after.values())
        for answer, source in ((of_store, "store"), (of_file, "file")):
            self.assertEqual(answer["rows"]["draft_low"], answer["rows"]["draft_high"], source)
            self.assert_near(self.total(answer, "draft_low"), truth, source)
        if not sampled:
            self.assertEqual(self.by_operation(of_file, "draft_low"), after)
            self.assertEqual(self.by_operation(of_store, "draft_low"), after)
        self.assertEqual("sampling" in self.notes(of_file), sampled)
        self.assertEqual("exact" in self.notes(of_file), not sampled)
        print(f"{policy} -> {draft}: store {self.total(of_store, 'draft_low')}, file "
              f"{self.total(of_file, 'draft_low')}, truth {truth}")
        return of_store, of_file

    def tearDownState(self):
        for name in ("before", "after"):
            support.shutil.rmtree(self.path(name))


class Proof(Switch):
    """What is decided without a lot."""

    def test_a_narrower_level(self):
        for level in ("writes_only", "mutations_only", "deletes_only", "failures_only"):
            with self.subTest(level=level):
                of_store, _ = self.assert_forecast({"LEVEL": "all"}, {"LEVEL": level})
                self.assertEqual(of_store["rows"]["gained_high"], 0)
                self.assertEqual(of_store["rows"]["lost"], of_store["rules"]["level"]["lost"])
                self.tearDownState()

    def test_exclusion_patterns(self):
        for draft in ({"LEVEL": "all", "EXCLUDE_ACTIONS": "health_*,METRICS_read"},
                      {"LEVEL": "all", "EXCLUDE_RESOURCES": "health,metr?cs"},
                      {"LEVEL": "all", "EXCLUDE_ACTIONS": "list_*", "EXCLUDE_RESOURCES": "tool"}):
            with self.subTest(draft=draft):
                of_store, _ = self.assert_forecast({"LEVEL": "all"}, draft)
                for rule in ("excluded_action", "excluded_resource"):
                    by_pattern = sum(item["events"] for item in of_store["rules"][rule]["patterns"])
                    self.assertEqual(by_pattern, of_store["rules"][rule]["events"])
                self.tearDownState()

    def test_a_wider_policy_from_the_accounting(self):
        for policy, draft in (({"LEVEL": "writes_only"}, {"LEVEL": "all"}),
                              ({"LEVEL": "failures_only"}, {"LEVEL": "all"}),
                              ({"LEVEL": "deletes_only"}, {"LEVEL": "mutations_only"}),
                              ({"LEVEL": "all", "EXCLUDE_ACTIONS": "health_*,list_*"}, {"LEVEL": "all"}),
                              ({"LEVEL": "all", "EXCLUDE_RESOURCES": "tool"}, {"LEVEL": "writes_only"})):
            with self.subTest(policy=policy):
                of_store, _ = self.assert_forecast(policy, draft)
                self.assertIn("unseen", self.notes(of_store))
                self.tearDownState()

    def test_reads_that_were_sampled_away_from_the_accounting(self):
        of_store, _, after = self.forecasts({"LEVEL": "all", "SAMPLE_READS": "0"}, {"LEVEL": "all"})
        self.assertEqual(self.by_operation(of_store, "draft_low"), after)

    def test_a_floor(self):
        of_store, _ = self.assert_forecast({"LEVEL": "all"}, {"LEVEL": "deletes_only", "ALWAYS_RECORD": "failures"})
        failed = sum(item.get("outcome", "success") != "success" for item in self.events)
        self.assertGreater(of_store["operations"]["read"]["draft_low"], 0)
        self.assertGreater(failed, of_store["operations"]["read"]["draft_low"])
        self.tearDownState()
        self.assert_forecast({"LEVEL": "all"},
                             {"LEVEL": "all", "EXCLUDE_ACTIONS": "*", "ALWAYS_RECORD": "denied,deletes"})

    def test_an_action_map(self):
        self.assert_forecast({"LEVEL": "all"}, {"LEVEL": "mutations_only", "ACTION_MAP": "list_tool=update"})

    def test_what_a_store_cannot_know_is_a_range_with_the_truth_in_it(self):
        for policy, draft in (({"LEVEL": "writes_only"}, {"LEVEL": "all", "EXCLUDE_ACTIONS": "health_*,metrics_read"}),
                              ({"LEVEL": "writes_only"}, {"LEVEL": "failures_only"}),
                              ({"LEVEL": "writes_only"}, {"LEVEL": "writes_only", "ALWAYS_RECORD": "failures"}),
                              ({"LEVEL": "all", "EXCLUDE_ACTIONS": "health_*,list_*"},
                               {"LEVEL": "all", "EXCLUDE_ACTIONS": "health_*"})):
            with self.subTest(policy=policy, draft=draft):
                of_store, of_file, after = self.forecasts(policy, draft)
                truth = sum(after.values())
                self.assertLess(self.total(of_store, "draft_low"), self.total(of_store, "draft_high"))
                self.assertLessEqual(self.total(of_store, "draft_low"), truth)
                self.assertGreaterEqual(self.total(of_store, "draft_high"), truth)
                self.assertIn("unseen_bounds", self.notes(of_store))
                self.assertEqual(self.by_operation(of_file, "draft_low"), after)
                self.tearDownState()

    @only_on("sqlite", "the size of a file is the measure")
    def test_bytes(self):
        of_store, _, _ = self.forecasts({"LEVEL": "all"}, {"LEVEL": "all", "EXCLUDE_RESOURCES": "tool,server"})
        after = os.path.getsize(self.database)
        self.assertEqual(of_store["bytes_basis"]["kind"], "store")
        self.assertLess(abs(of_store["bytes"]["draft_low"] - after), 0.15 * after, (of_store["bytes"], after))


class ProofOfSampling(Switch):
    """The lot is drawn by the key of each state directory, so the truth differs by chance, by some 1 % here."""

    EVENTS = 40_000

    def test_sampling(self):
        for policy, draft in (({"LEVEL": "all"}, {"LEVEL": "all", "SAMPLE_READS": "0.2"}),
                              ({"LEVEL": "all"}, {"LEVEL": "all", "SAMPLE_RATE": "0.5"}),
                              ({"LEVEL": "all", "SAMPLE_READS": "0.2"}, {"LEVEL": "all", "SAMPLE_READS": "0.2"}),
                              ({"LEVEL": "all", "SAMPLE_READS": "0.2"}, {"LEVEL": "all", "SAMPLE_READS": "0.5"})):
            with self.subTest(policy=policy, draft=draft):
                self.assert_forecast(policy, draft, sampled=True)
                self.tearDownState()

    def test_the_tolerance_tells_a_fifth_from_a_quarter(self):
        """The control: a forecast for another draft than the one that is switched to is found out."""
        answer = self.simulate({"LEVEL": "all", "SAMPLE_READS": "0.2"}, "--input", self.file)
        _, after = self.record_under({"LEVEL": "all", "SAMPLE_READS": "0.25"}, "after")
        with self.assertRaises(AssertionError):
            self.assert_near(self.total(answer, "draft_low"), sum(after.values()), "file")

    def test_less_sampling_from_the_weights_of_what_was_kept(self):
        of_store, of_file, after = self.forecasts({"LEVEL": "all", "SAMPLE_READS": "0.2"}, {"LEVEL": "all"})
        self.assert_near(self.total(of_store, "draft_low"), self.EVENTS, "store")
        self.assertEqual(of_store["rows"]["draft_low"], of_store["rows"]["draft_high"])
        self.assertEqual(self.by_operation(of_file, "draft_low"), after)
        self.assertEqual(sum(after.values()), self.EVENTS)


class Report(Simulate):
    """What is shown, and of what time."""

    def test_examples_are_events_that_are_lost_or_gained(self):
        made = crud_mix(2000)
        self.record(made)
        answer = self.simulate({"LEVEL": "deletes_only"}, "--stored")
        found = answer["rules"]["level"]["examples"]
        self.assertEqual(len(found), 5)
        offered = collections.Counter((item["action"], item["resource_type"], item["resource_id"], item["user_id"])
                                      for item in made)
        for item in found:
            self.assertIn((item["action"], item["resource_type"], item["resource_id"], item["user"]), offered)
            self.assertFalse(item["action"].startswith("delete_"))
        self.assertEqual(len({item["action"] for item in found}), 5)
        self.assertEqual(answer["gained_examples"], [])

        answer = self.simulate({"LEVEL": "all"}, stdin=ndjson(made), env=settings(LEVEL="writes_only"))
        self.assertTrue(all(item["operation"] == "read" for item in answer["gained_examples"]))
        self.assertEqual(len(answer["gained_examples"]), 5)

    def test_a_table_says_the_same(self):
        self.record(crud_mix(2000))
        answer = self.simulate({"LEVEL": "writes_only", "EXCLUDE_ACTIONS": "create_*,nope"}, "--stored")
        table = self.run_command("simulate", "--stored", "LEVEL=writes_only", "EXCLUDE_ACTIONS=create_*,nope").out
        self.assertIn("now    level all; not recorded: nothing", table)
        self.assertIn("draft  level writes_only; not recorded: read, access; excluded actions: create_*, nope", table)
        rows = [f"{answer['rows'][name]:,}" for name in ("now", "draft_low")]
        self.assertRegex(table, rf"(?m)^rows +{rows[0]} +{rows[1]} +-\d+ %")
        reads = answer["operations"]["read"]
        self.assertRegex(table, rf"(?m)^read +{reads['now']:,} +- +{reads['lost']:,} +- +- +{reads['lost']:,}")
        self.assertRegex(table, r"(?m)^action +nope +- +matched nothing")
        self.assertIn("No longer seen, for example:", table)
        for note in answer["notes"]:
            if note["code"] != "too_short":  # It tells the seconds up to now.
                self.assertIn(note["text"], table)

    def test_hostile_names_cannot_move_the_cursor(self):
        self.record([event(1, user_id="\x1b[2Jx\nrows 1", action="get_x")])
        table = self.run_command("simulate", "--stored", "LEVEL=writes_only").out
        self.assertNotIn("\x1b", table)
        self.assertIn("\\x1b[2Jx\\nrows 1", table)

    def test_per_day_from_the_time_that_the_events_cover(self):
        made = [event(number, timestamp=T0 + number * DAY_US // 100, action="get_x" if number % 4 else "delete_x")
                for number in range(401)]  # Four days, both ends included.
        answer = self.simulate({"LEVEL": "deletes_only"}, stdin=ndjson(made))
        self.assertEqual(answer["days"], 4)
        self.assertEqual(answer["rows_per_day"], {"now": 100, "draft_low": 25, "draft_high": 25})

        self.record(made)
        answer = self.simulate({"LEVEL": "deletes_only"}, "--since", "2026-01-01", "--until", "2026-01-03")
        self.assertEqual(answer["rows_per_day"], {"now": 100, "draft_low": 25, "draft_high": 25})
        self.assertEqual(answer["events"], 200)
        # The store's first event was later than that: a day before it is not a day without events.
        answer = self.simulate({"LEVEL": "deletes_only"}, "--since", "2025-12-01", "--until", "2026-01-03")
        self.assertEqual(answer["since"], "2026-01-01T00:00:00.000000Z")
        self.assertEqual(answer["rows_per_day"], {"now": 100, "draft_low": 25, "draft_high": 25})

    def test_the_last_day_if_no_time_is_given(self):
        self.record([event(1, timestamp=T0), event(2), event(3)])
        self.assertEqual(self.simulate({"LEVEL": "all"}, "--stored")["events"], 2)
        self.assertEqual(self.simulate({"LEVEL": "all"}, "--since", "2026-01-01")["events"], 3)

    def test_filters_narrow_it_and_say_what_they_cost(self):
        self.record([event(number, user_id="bob" if number % 4 == 0 else "eve", action="get_x") for number in range(40)]
                    + [event(99, action="delete_x")])
        answer = self.simulate({"LEVEL": "writes_only"}, "--user", "bob")
        self.assertEqual((answer["events"], answer["rows"]["now"], answer["rows"]["draft_low"]), (10, 10, 0))
        self.assertIn("unseen_not_asked", self.notes(answer))
        answer = self.simulate({"LEVEL": "writes_only"}, "--operation", "delete")
        self.assertEqual((answer["events"], answer["rows"]["draft_low"]), (1, 1))
        self.assertNotIn("unseen_not_asked", self.notes(answer))

    def test_events_of_another_policy_are_told(self):
        self.record([event(1, action="get_x"), event(2)])
        answer = self.simulate({"LEVEL": "deletes_only"}, "--stored", env=settings(LEVEL="writes_only"))
        self.assertIn("other_policy", self.notes(answer))
        answer = self.simulate({"LEVEL": "deletes_only"}, "--stored")
        self.assertNotIn("other_policy", self.notes(answer))

    def test_refusals_of_another_policy_are_told(self):
        self.record([event(1, action="create_x"), event(2)], env=settings(LEVEL="deletes_only"))
        answer = self.simulate({"LEVEL": "all"}, "--stored", env=settings(LEVEL="writes_only"))
        self.assertIn("other_policy", self.notes(answer))
        answer = self.simulate({"LEVEL": "all"}, "--stored", env=settings(LEVEL="deletes_only"))
        self.assertNotIn("other_policy", self.notes(answer))

    def test_writers_add_up_and_a_range_without_them_has_none(self):
        for _ in range(3):
            self.record([event(1)] + [event(number, action="get_x") for number in range(50)],
                        env=settings(LEVEL="writes_only"))
        env = settings(LEVEL="writes_only")
        answer = self.simulate({"LEVEL": "all"}, "--stored", env=env)
        self.assertEqual(answer["operations"]["read"]["draft_low"], 150)
        self.assertEqual(answer["operations"]["read"]["unseen_now"], {"level": 150, "excluded": 0, "sampled": 0})
        self.assertEqual(answer["operations"]["control"]["now"], 6)
        result = self.run_command("simulate", "LEVEL=all", "--until", "2026-01-01", env=env)
        self.assertEqual(result.code, 4, result)

    def test_a_process_that_still_records_counts_up_to_its_last_batch(self):
        env = settings(LEVEL="writes_only", BUFFER_FLUSH_INTERVAL="1")
        running = self.start("record", env=env)
        self.addCleanup(running.wait)
        self.addCleanup(running.kill)
        running.stdin.write(ndjson([event(1)] + [event(number, action="get_x") for number in range(30)]))
        running.stdin.flush()
        self.wait_for(lambda: self.rows("SELECT sum(level) AS level FROM audit_accounting")[0]["level"] == 30,
                      "the refusals in the store")
        answer = self.simulate({"LEVEL": "all"}, "--stored", env=env)
        self.assertEqual((answer["events"], answer["operations"]["read"]["draft_low"]), (1, 30))
        running.communicate(timeout=60)

    def everything(self):
        """What is in the store: the bytes of the file, or the rows of every table that a look could change."""
        if self.store.path:
            with open(self.store.path, "rb") as file:
                return file.read()
        return [self.rows(f"SELECT * FROM {name}") for name in ("audit_trail", "audit_writers", "audit_accounting",
                                                                "audit_batches", "audit_store", "audit_days")]

    def test_nothing_is_changed(self):
        self.record(crud_mix(500))
        before = self.everything()
        spool = os.listdir(os.path.join(self.state, "spool"))
        self.simulate({"ENABLED": "false"}, "--stored")
        self.assertEqual(self.everything(), before)
        self.assertEqual(os.listdir(os.path.join(self.state, "spool")), spool)


class Drafts(Simulate):
    """What a draft may be, and what is said of one that is wrong."""

    def draft_of(self, *arguments, env=None):
        result = self.run_command("simulate", "-o", "json", *arguments, stdin=ndjson([event(1)]), env=env)
        self.assertEqual(result.code, 0, result)
        return json.loads(result.out)["policy"]["draft"], result.err

    def test_changes_are_changes_of_what_is_in_force(self):
        env = settings(LEVEL="writes_only", EXCLUDE_ACTIONS="a,b", SAMPLE_RATE="0.5")
        self.assertIn("level deletes_only", self.draft_of("LEVEL=deletes_only", env=env)[0])
        self.assertIn("excluded actions: a, b", self.draft_of("LEVEL=deletes_only", env=env)[0])
        self.assertEqual(self.draft_of("AUDIT_TRAIL_LEVEL=all", env=env), self.draft_of("LEVEL=all", env=env))
        self.assertNotIn("excluded", self.draft_of("EXCLUDE_ACTIONS=", env=env)[0])
        self.assertIn("0.5 of", self.draft_of("LEVEL=all", env=env)[0])
        self.assertIn("0.25 of read; 0.25 of create", self.draft_of("SAMPLE_RATE=0.25", "LEVEL=all", env=env)[0])
        self.assertIn("level all", self.draft_of("LEVEL=deletes_only", "LEVEL=all", env=env)[0])

    def test_a_file_is_a_whole_policy(self):
        file = self.write("new.env", "AUDIT_TRAIL_EXCLUDE_RESOURCES=metric\n"
                                     "AUDIT_TRAIL_DATABASE_URL=sqlite:else.db\nX=1\n")
        draft, err = self.draft_of("--policy", file, env=settings(LEVEL="all", EXCLUDE_ACTIONS="a"))
        self.assertEqual(draft, "level writes_only; not recorded: read, access; excluded resources: metric")
        self.assertIn(f"without effect on what is recorded, in {file}: AUDIT_TRAIL_DATABASE_URL", err)
        draft, _ = self.draft_of("--policy", file, "LEVEL=all")
        self.assertEqual(draft, "level all; not recorded: nothing; excluded resources: metric")
        draft, err = self.draft_of("--policy", self.write("empty.env", "X=1\n"))
        self.assertIn("sets nothing of the policy", err)

    def test_a_wrong_draft_is_told_with_what_would_be_right(self):
        bad = self.write("bad.env", "AUDIT_TRAIL_LEVEL=some\nAUDIT_TRAIL_LEVLE=all\n")
        for arguments, words in (
                (["LEVLE=all"], "LEVLE is not a setting of the policy; did you mean LEVEL?"),
                (["AUDIT_TRAIL_LEVLE=all"], "did you mean LEVEL?"),
                (["FOO=1"], "a draft can change: ENABLED LEVEL"),
                (["LEVEL"], "LEVEL: expected SETTING=VALUE"),
                (["LEVEL=some"], "AUDIT_TRAIL_LEVEL=some (option) is not valid: allowed are all, writes_only"),
                (["SAMPLE_RATE=2"], "AUDIT_TRAIL_SAMPLE_RATE=2"),
                (["ACTION_MAP=x"], "AUDIT_TRAIL_ACTION_MAP=x"),
                (["DATABASE_URL=sqlite:x"], "AUDIT_TRAIL_DATABASE_URL does not decide what is recorded"),
                (["--policy", bad], f"AUDIT_TRAIL_LEVEL=some ({bad}:1) is not valid"),
                (["--policy", bad], f"AUDIT_TRAIL_LEVLE ({bad}:2) is not a setting"),
                (["--policy", self.path("none.env")], "none.env"),
                ([], "expected a draft"),
                (["LEVEL=all", "--input", "-", "--since", "1h"], "filters are for the stored events"),
                (["LEVEL=all", "--input", "-", "--stored"], "exclude each other"),
                (["LEVEL=all", "--since", "1h", "--until", "2h"], "--since must be before --until"),
                (["LEVEL=all", "-o", "xml"], "expected table or json"),
                (["LEVEL=all", "--limit", "3"], "unknown option --limit")):
            with self.subTest(arguments=arguments):
                result = self.run_command("simulate", *arguments)
                self.assertEqual((result.code, result.out), (2, ""), result)
                self.assertIn(words, result.err)

    def test_every_mistake_is_told_at_once(self):
        result = self.run_command("simulate", "LEVLE=all", "FOO=1", "DATABASE_URL=x")
        self.assertEqual(result.code, 2)
        self.assertEqual(len(result.err.splitlines()), 3, result)


class Input(Simulate):
    """Where events come from, and what is said of lines that are none."""

    def test_broken_lines_are_told_with_their_numbers_and_left_out(self):
        lines = [json.dumps(event(1)), "nonsense", "", json.dumps(event(2)), '{"action":"x"}', '{"action":5e}',
                 "x" * (2 << 20), json.dumps(event(3, action="get_x"))]
        file = self.write("events.ndjson", "\n".join(lines))
        answer = self.simulate({"LEVEL": "writes_only"}, "--input", file, code=1)
        self.assertEqual((answer["events"], answer["lines_in_error"], answer["rows"]["draft_low"]), (3, 4, 2))
        for number in (2, 5, 6, 7):
            self.assertIn(f"{file}: line {number}: ", answer["err"])

    def test_many_broken_lines_are_counted(self):
        answer = self.simulate({"LEVEL": "all"}, stdin=b"x\n" * 100 + ndjson([event(1)]), code=1)
        self.assertEqual(answer["lines_in_error"], 100)
        self.assertIn("80 more lines in error", answer["err"])
        self.assertEqual(answer["err"].count("line "), 20)

    def test_no_events(self):
        for stdin, code in ((b"", 4), (b"\n\n", 4), (b"x\n", 1)):
            result = self.run_command("simulate", "LEVEL=all", stdin=stdin)
            self.assertEqual(result.code, code, result)
            self.assertIn("no event in standard input", result.err)
            self.assertEqual(result.out, "")

    def test_standard_input_is_read_when_it_is_a_file_or_a_pipe(self):
        self.record([event(1), event(2)])
        file = self.write("events.ndjson", ndjson([event(1)]))
        self.assertEqual(self.simulate({"LEVEL": "all"}, stdin=ndjson([event(1)]))["source"], "input")
        for path, source in ((file, "input"), (os.devnull, "store")):
            with open(path, "rb") as opened:
                done = support.subprocess.run([support.COMMAND, "simulate", "-o", "json", "LEVEL=all"], env=self.env,
                                              cwd=self.dir, stdin=opened, capture_output=True, check=True, timeout=60)
            self.assertEqual(json.loads(done.stdout)["source"], source)
        # Whoever asks for a time means the stored events.
        self.assertEqual(self.simulate({"LEVEL": "all"}, "--since", "1h", stdin=ndjson([event(1)]))["source"], "store")

    def test_no_store_and_no_file(self):
        result = self.run_command("simulate", "LEVEL=all", "--stored")
        self.assertEqual(result.code, 5, result)
        self.assertRegex(result.err, "cannot open the database|has no audit trail yet")
        result = self.run_command("simulate", "LEVEL=all", "--input", self.path("none"))
        self.assertEqual(result.code, 1, result)
        self.assertIn("cannot open", result.err)

    def test_nothing_matches(self):
        self.record([event(1)])
        result = self.run_command("simulate", "LEVEL=all", "--user", "nobody")
        self.assertEqual((result.code, result.out), (4, ""), result)
        self.assertIn("nothing matches", result.err)

    def test_bytes_of_input_come_from_a_store_if_there_is_one(self):
        made = crud_mix(3000)
        answer = self.simulate({"LEVEL": "all"}, stdin=ndjson(made))
        self.assertEqual(answer["bytes_basis"]["kind"], "encoded")
        self.assertIn("bytes_encoded", self.notes(answer))
        self.record(made)
        answer = self.simulate({"LEVEL": "all"}, stdin=ndjson(made))
        self.assertEqual(answer["bytes_basis"]["kind"], "store")


if __name__ == "__main__":
    unittest.main()
