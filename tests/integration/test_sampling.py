"""Feature: Sampling, AUDIT_TRAIL_ALWAYS_RECORD and AUDIT_TRAIL_ACTION_MAP, through the real programs.

Goal:   the scenarios of the acceptance list, by their names; and the caller's own tally, event by event, is what the
        command, `stats` and the store say.
Method: `audittrail record` and the example gateway under real settings. Which correlation ids are kept is computed here
        a second time, with a SipHash of our own over the key in the state directory, so that kept sets are compared
        exactly. Where the programs make the key themselves, shares are compared within six standard deviations.
"""
import collections
import json
import math
import os
import random
import stat
import subprocess
import unittest

import support
from gateway_support import BIN, GatewayTest, account
from support import event, ndjson

LEVELS = ("all", "writes_only", "mutations_only", "deletes_only", "failures_only")
MASK = (1 << 64) - 1
KEY = bytes(range(100, 116))

# One action per operation, and whether sampling may leave it out.
ACTIONS = {"create": ("create_tool", True), "read": ("list_tools", True), "update": ("update_tool", True),
           "delete": ("delete_tool", False), "execute": ("invoke_tool", True), "access": ("access_tool", True),
           "export": ("export_tools", True), "import": ("import_tools", True), "auth": ("login", False),
           "admin": ("grant_role", False), "other": ("frobnicate", False)}


def siphash(key, data):
    """SipHash-1-3, as its authors describe it."""
    k0, k1 = int.from_bytes(key[:8], "little"), int.from_bytes(key[8:], "little")
    v = [k0 ^ 0x736F6D6570736575, k1 ^ 0x646F72616E646F6D, k0 ^ 0x6C7967656E657261, k1 ^ 0x7465646279746573]

    def rotate(value, bits):
        return (value << bits | value >> (64 - bits)) & MASK

    def one_round():
        v[0] = (v[0] + v[1]) & MASK
        v[2] = (v[2] + v[3]) & MASK
        v[1], v[3] = rotate(v[1], 13) ^ v[0], rotate(v[3], 16) ^ v[2]
        v[0] = rotate(v[0], 32)
        v[2] = (v[2] + v[1]) & MASK
        v[0] = (v[0] + v[3]) & MASK
        v[1], v[3] = rotate(v[1], 17) ^ v[2], rotate(v[3], 21) ^ v[0]
        v[2] = rotate(v[2], 32)

    whole = len(data) // 8 * 8
    words = [int.from_bytes(data[at:at + 8], "little") for at in range(0, whole, 8)]
    words.append(int.from_bytes(data[whole:], "little") | (len(data) & 0xFF) << 56)
    for word in words:
        v[3] ^= word
        one_round()
        v[0] ^= word
    v[2] ^= 0xFF
    for _ in range(3):
        one_round()
    return v[0] ^ v[1] ^ v[2] ^ v[3]


def is_kept(key, correlation_id, rate):
    return rate == 1 or siphash(key, correlation_id.encode()[:64]) < int(rate * 2.0 ** 64)


class SamplingCase(support.CommandCase):
    def key_path(self):
        return os.path.join(self.state, "sampling.key")

    def give_key(self, key=KEY):
        os.makedirs(self.state, exist_ok=True)
        with open(self.key_path(), "wb") as file:
            file.write(key)

    def set(self, **settings):
        self.env.update({f"AUDIT_TRAIL_{name}": str(value) for name, value in settings.items()})

    def stats(self):
        result = self.run_command("stats", "-o", "json")
        self.assertEqual(result.code, 0, result)
        return json.loads(result.out)

    def assert_share(self, found, draws, share):
        deviation = math.sqrt(draws * share * (1 - share))
        print(f"    {found} of {draws}, expected {draws * share:.0f}, "
              f"{abs(found - draws * share) / deviation:.2f} deviations")
        self.assertLess(abs(found - draws * share), 6 * deviation)

    def kept_ids(self, where="true"):
        return {row["correlation_id"] for row in self.rows(f"SELECT correlation_id FROM audit_trail WHERE "
                                                           f"flags & 64 = 0 AND {where}")}


class Sampling(SamplingCase):
    def make_events(self, count, seed):
        """Requests of one to five events of any operation and outcome; some without a correlation id."""
        dice = random.Random(seed)
        made = []
        while len(made) < count:
            correlation_id = f"{dice.getrandbits(128):032x}"
            for _ in range(dice.randint(1, 5)):
                operation = dice.choice(list(ACTIONS))
                outcome = dice.choices(["success", "failure", "denied", "partial", "unknown"], [80, 8, 6, 3, 3])[0]
                made.append(event(len(made), action=ACTIONS[operation][0], outcome=outcome,
                                  correlation_id=correlation_id))
        return made

    def operation_of(self, item):
        return next(name for name, (action, _) in ACTIONS.items() if action == item["action"])

    def expected_weight(self, item, rate, reads):
        """0: it is left out."""
        operation = self.operation_of(item)
        if item["outcome"] != "success" or not ACTIONS[operation][1]:
            return 1
        share = reads if operation == "read" else rate
        return 1 / share if share > 0 and is_kept(KEY, item["correlation_id"], share) else 0

    def check(self, rate, reads):
        self.give_key()
        self.set(SAMPLE_RATE=rate)
        if reads != rate:
            self.set(SAMPLE_READS=reads)
        events = self.make_events(6000, 17)
        weights = {item["resource_id"]: self.expected_weight(item, rate, reads) for item in events}
        summary = self.record(events)

        stored = {row["resource_id"]: row["weight"] for row in self.rows()}
        self.assertEqual(stored, {name: weight for name, weight in weights.items() if weight > 0})
        self.assertEqual(summary["recorded"], len(stored))
        self.assertEqual(summary["sampled"], len(events) - len(stored))
        self.assertEqual({item["resource_id"]: item["weight"] for item in self.query() if "resource_id" in item},
                         {name: float(f"{weight:.15g}") for name, weight in stored.items()})

        offered, sampled = collections.Counter(), collections.Counter()
        for item in events:
            offered[self.operation_of(item)] += 1
            sampled[self.operation_of(item)] += weights[item["resource_id"]] == 0
        for operation in ACTIONS:
            counted = self.stats()["operations"][operation]
            self.assertEqual(counted["offered"], offered[operation], operation)
            self.assertEqual(counted["sampled"], sampled[operation], operation)
            self.assertEqual(counted["offered"], sum(counted[part] for part in (
                "recorded", "level", "excluded", "sampled", "rejected", "dropped")))
        return events, weights

    # scenario: AUDIT_TRAIL_SAMPLE_RATE=0.1 keeps about 10 % of the successful reads, creates, updates and
    #   executions, and all failures and deletes
    def test_a_rate_keeps_its_share_of_ordinary_events_and_all_failures_and_deletes(self):
        events, weights = self.check(0.1, 0.1)
        ordinary = [item for item in events if item["outcome"] == "success" and ACTIONS[self.operation_of(item)][1]]
        kept = [item for item in ordinary if weights[item["resource_id"]] > 0]
        # Requests have one to five events: the spread is up to five times that of single draws, in variance.
        self.assertLess(abs(len(kept) - 0.1 * len(ordinary)), 6 * math.sqrt(5 * len(ordinary) * 0.1 * 0.9))
        self.assertEqual(self.rows("SELECT count(*) AS n FROM audit_trail WHERE outcome <> 'success'")[0]["n"],
                         sum(item["outcome"] != "success" for item in events))
        self.assertEqual(self.rows("SELECT count(*) AS n FROM audit_trail WHERE operation = 'delete'")[0]["n"],
                         sum(item["action"] == "delete_tool" for item in events))
        # The sum of weights is an estimate of how many there were.
        total = self.rows("SELECT sum(weight) AS n FROM audit_trail WHERE flags & 64 = 0")[0]["n"]
        self.assertLess(abs(total - len(events)), 6 * math.sqrt(5 * len(ordinary) * 0.9 / 0.1))

    # scenario: AUDIT_TRAIL_SAMPLE_READS=0.01 applies to reads alone, and wins over AUDIT_TRAIL_SAMPLE_RATE there
    def test_reads_have_a_rate_of_their_own_that_wins(self):
        for number, (rate, reads) in enumerate(((1, 0.01), (0.5, 0.01), (0.05, 0.5), (0.25, 1), (0.25, 0))):
            with self.subTest(rate=rate, reads=reads):
                self.use_state(f"state{number}")
                self.check(rate, reads)

    def test_rate_0_keeps_none_of_the_ordinary_events_and_rate_1_needs_no_key(self):
        self.set(SAMPLE_RATE=0)
        summary = self.record([event(action=action) for action, _ in ACTIONS.values()])
        self.assertEqual((summary["recorded"], summary["sampled"]), (4, 7))
        os.remove(self.key_path())
        self.set(SAMPLE_RATE=1)
        self.assertEqual(self.record([event(action="list_tools")])["recorded"], 1)
        self.assertFalse(os.path.exists(self.key_path()))

    def test_all_rules_together_add_up(self):
        """offered = recorded + level + excluded + sampled + rejected, against a tally of our own."""
        self.give_key()
        self.set(LEVEL="writes_only", EXCLUDE_ACTIONS="noise_*", SAMPLE_RATE=0.25, ALWAYS_RECORD="denied",
                 ACTION_MAP="poll_queue=read, warm/cache=execute")
        dice = random.Random(23)
        tally, events = collections.Counter(), []
        for number in range(4000):
            action = dice.choice(["create_tool", "list_tools", "noise_create", "Poll.Queue", "warm-cache",
                                  "delete_tool"])
            outcome = dice.choices(["success", "denied", "failure"], [8, 1, 1])[0]
            user = dice.choices(["alice", ""], [19, 1])[0]
            item = event(number, action=action, outcome=outcome, user_id=user, correlation_id=f"c{number // 3}")
            ordinary = outcome == "success" and action in ("create_tool", "warm-cache")
            if outcome != "denied" and action in ("list_tools", "Poll.Queue"):
                fate = "level"
            elif outcome != "denied" and action == "noise_create":
                fate = "excluded"
            elif ordinary and not is_kept(KEY, item["correlation_id"], 0.25):
                fate = "sampled"
            else:
                fate = "recorded" if user else "rejected"
            tally[fate] += 1
            events.append(item)
        self.assertEqual(set(tally), {"level", "excluded", "sampled", "recorded", "rejected"})
        summary = self.record(events, code=1)
        total = collections.Counter()
        for operation, counted in self.stats()["operations"].items():
            if operation != "control":
                total.update(counted)
        for fate, count in tally.items():
            self.assertEqual(summary[fate], count, fate)
            self.assertEqual(total[fate], count, fate)
        self.assertEqual(total["offered"], len(events))
        self.assertEqual(len(self.rows()), tally["recorded"])

    def test_events_without_a_correlation_id_are_drawn_one_by_one(self):
        self.set(SAMPLE_RATE=0.2)
        summary = self.record([event(number, action="create_tool") for number in range(5000)])
        self.assert_share(summary["recorded"], 5000, 0.2)
        again = self.record([event(number, action="create_tool") for number in range(5000)])
        self.assert_share(again["recorded"], 5000, 0.2)
        kept = [row["resource_id"] for row in self.rows()]
        self.assertNotEqual(kept[:summary["recorded"]], kept[summary["recorded"]:])


class TheKey(SamplingCase):
    IDS = 2000

    def offer(self, ids, **options):
        return self.record([event(number, action="create_tool", correlation_id=name)
                            for number, name in enumerate(ids)], **options)

    def test_nobody_outside_can_choose_a_correlation_id_that_is_never_recorded(self):
        rate = 0.3
        self.set(SAMPLE_RATE=rate)
        names = [f"chosen-{number}" for number in range(20000)]
        chosen = [name for name in names if not is_kept(bytes(16), name, rate)][:self.IDS]
        self.offer(chosen)
        self.assertEqual(stat.S_IMODE(os.stat(self.key_path()).st_mode), 0o600)
        self.assertEqual(os.path.getsize(self.key_path()), 16)
        self.assert_share(len(self.kept_ids()), self.IDS, rate)
        # What really decides is the file: who could read it would have chosen well.
        with open(self.key_path(), "rb") as file:
            key = file.read()
        self.assertEqual(self.kept_ids(), {name for name in chosen if is_kept(key, name, rate)})
        hidden = [name for name in names if not is_kept(key, name, rate)][:self.IDS]
        self.assertEqual(self.offer(hidden)["recorded"], 0)

    def test_another_deployment_keeps_other_requests(self):
        self.set(SAMPLE_RATE=0.5)
        names = [f"request-{number}" for number in range(self.IDS)]
        self.offer(names)
        here = self.kept_ids()
        self.use_state("elsewhere")
        self.offer(names)
        both = len(here & self.kept_ids())
        self.assert_share(both, self.IDS, 0.25)

    def test_programs_that_start_together_agree_on_one_key(self):
        self.set(SAMPLE_RATE=0.5)
        lines = ndjson([event(number, action="create_tool", correlation_id=f"request-{number}")
                        for number in range(200)])
        programs = [self.start("record", "--service", f"s{number}") for number in range(8)]
        for program in programs:
            program.stdin.write(lines)
        for program in programs:
            out, err = program.communicate(timeout=120)
            self.assertEqual((program.returncode, out), (0, b""), err)
        kept = [self.kept_ids(f"service = 's{number}'") for number in range(8)]
        self.assertGreater(len(kept[0]), 50)
        self.assertEqual(kept, [kept[0]] * 8)
        self.assertEqual([name for name in os.listdir(self.state) if "sampling" in name], ["sampling.key"])

    def test_a_key_that_is_none_is_told_and_the_service_goes_on(self):
        self.set(SAMPLE_RATE=0.5)
        names = [f"request-{number}" for number in range(self.IDS)]
        self.give_key(b"short")
        summary = self.offer(names)
        self.assertIn(f"{self.key_path()} has less than the 16 bytes of a key: this process samples by a key of its "
                      "own", summary["err"])
        self.assert_share(summary["recorded"], self.IDS, 0.5)
        with open(self.key_path(), "rb") as file:
            self.assertEqual(file.read(), b"short")


class AlwaysRecord(GatewayTest):
    """US-1, and what the gateway's operators see of sampling and of the action map."""

    # scenario: AUDIT_TRAIL_ALWAYS_RECORD=failures records a failed READ at every level, also when an exclusion
    #   matches
    def test_failures_records_a_failed_read_at_every_level_also_when_an_exclusion_matches(self):
        for level in LEVELS:
            with self.subTest(level=level):
                gateway = self.start(LEVEL=level, ALWAYS_RECORD="failures", EXCLUDE_ACTIONS="get_*",
                                     EXCLUDE_RESOURCES="server", SAMPLE_RATE="0")
                self.assertEqual(gateway.request("GET", "/servers/unknown").status, 404)
                self.assertEqual(gateway.request("GET", "/servers").status, 200)
                metrics = gateway.metrics()
                self.stop(gateway)
                self.assertEqual(self.actions(gateway), ["get_server"])
                self.assertEqual(gateway.records()[0]["outcome"], "failure")
                self.assertEqual(account(metrics, "read", "recorded"), 1)
                reason = "excluded" if level == "all" else "level"
                self.assertEqual(account(metrics, "read", reason), 1)
                self.assertTrue(any("always recorded: failures" in line for line in gateway.lines), gateway.lines)

    def test_without_it_the_same_failed_read_is_left_out(self):
        """The control of the test above."""
        gateway = self.start(LEVEL="all", EXCLUDE_ACTIONS="get_*")
        self.assertEqual(gateway.request("GET", "/servers/unknown").status, 404)
        self.stop(gateway)
        self.assertEqual(self.actions(gateway), [])

    def test_denied_records_what_was_denied_and_nothing_else(self):
        gateway = self.start(LEVEL="failures_only", EXCLUDE_RESOURCES="*", ALWAYS_RECORD="denied")
        tool = gateway.create()
        self.assertEqual(gateway.request("DELETE", f"/tools/{tool}", X_Role="viewer").status, 403)
        self.assertEqual(gateway.request("GET", "/tools/unknown").status, 404)
        self.stop(gateway)
        self.assertEqual([(row["action"], row["outcome"]) for row in gateway.records()], [("delete_tool", "denied")])

    # scenario: events of one correlation id under the same rate are kept or left together; a kept one carries its
    #   weight
    def test_events_of_one_correlation_id_are_kept_or_left_together_and_a_kept_one_carries_its_weight(self):
        directory = self.directory()
        (directory / "state").mkdir(mode=0o700)
        (directory / "state" / "sampling.key").write_bytes(KEY)
        gateway = self.start(directory, LEVEL="all", SAMPLE_RATE="0.25", SAMPLE_READS="0.125",
                             EXCLUDE_RESOURCES="metric")  # Our own look at the metrics has an id that nobody knows.
        expected, left_out = [], collections.Counter()
        for number in range(60):
            name = f"request-{number}"
            tool = gateway.create(X_Correlation_Id=name)
            gateway.request("PUT", f"/tools/{tool}", {"name": "two"}, X_Correlation_Id=name)
            gateway.request("GET", f"/tools/{tool}", X_Correlation_Id=name)
            gateway.request("POST", f"/tools/{tool}/invoke", {}, X_Correlation_Id=name)
            gateway.request("GET", "/tools/unknown", X_Correlation_Id=name)
            gateway.request("DELETE", f"/tools/{tool}", X_Correlation_Id=name)
            write, read = is_kept(KEY, name, 0.25), is_kept(KEY, name, 0.125)
            for action, operation, kept, weight in (
                    ("create_tool", "create", write, 4), ("update_tool", "update", write, 4),
                    ("get_tool", "read", read, 8), ("invoke_tool", "execute", write, 4),
                    ("get_tool", "read", True, 1), ("delete_tool", "delete", True, 1)):
                if kept:
                    expected.append((name, action, weight))
                else:
                    left_out[operation] += 1
        metrics = gateway.metrics()
        self.stop(gateway)
        self.assertEqual([(row["correlation_id"], row["action"], row["weight"]) for row in gateway.records()], expected)
        for operation in ("create", "read", "update", "execute"):
            self.assertGreater(left_out[operation], 0)
            self.assertEqual(account(metrics, operation, "sampled"), left_out[operation])
        self.assertEqual(account(metrics, "delete", "sampled"), 0)
        # Another program of the deployment keeps the same requests.
        lines = "\n".join(json.dumps(event(i, action="create_tool", correlation_id=f"request-{i}")) for i in range(60))
        gateway.command("record", "--service", "other", stdin=lines)
        kept = {row[0] for row in gateway.sql("SELECT correlation_id FROM audit_trail "
                                              "WHERE service = 'other' AND flags = 0")}
        self.assertEqual(kept, {name for name, action, _ in expected if action == "create_tool"})

    def test_the_start_says_what_is_sampled_in_a_line_and_in_the_trail(self):
        gateway = self.start(LEVEL="all", SAMPLE_READS="0.01", ALWAYS_RECORD="auth,failures", ACTION_MAP="x=read")
        gateway.create()
        self.stop(gateway)
        policy = ("level all; always recorded: failures, auth; not recorded: nothing; sampled, the rest is not "
                  "recorded: 0.01 of read")
        self.assertTrue(any(policy in line for line in gateway.lines), gateway.lines)
        context = json.loads(gateway.sql("SELECT context FROM audit_trail WHERE action = 'trail_started'")[0][0])
        self.assertEqual(context["policy"], policy)
        self.assertEqual([context[f"AUDIT_TRAIL_{name}"] for name in
                          ("ALWAYS_RECORD", "ACTION_MAP", "SAMPLE_RATE", "SAMPLE_READS")],
                         ["failures,auth", "x=read", "1.0", "0.01"])

    def test_the_action_map_decides_before_the_name_does(self):
        gateway = self.start(LEVEL="writes_only", ACTION_MAP="Invoke.Tool=read, list_tools=export")
        tool = gateway.create()
        gateway.request("POST", f"/tools/{tool}/invoke", {})
        gateway.request("GET", "/tools")
        metrics = gateway.metrics()
        self.stop(gateway)
        self.assertEqual([(row["action"], row["operation"]) for row in gateway.records()],
                         [("create_tool", "create"), ("list_tools", "export")])
        self.assertEqual(account(metrics, "read", "level"), 1)
        self.assertEqual(account(metrics, "execute", "level"), 0)


class Mistakes(support.CommandCase):
    CASES = (
        ("SAMPLE_RATE", ("0.1.2", "1.5", "-1", "nan", "10%", "1e-1", "0,1"), "allowed are 0.0 to 1.0"),
        ("SAMPLE_READS", ("2", "-0.1", "half"), "allowed are 0.0 to 1.0"),
        ("ACTION_MAP", ("create_x=creat", "x="),
         "does not end in an operation; write name=operation, with one of create, read, update, delete, execute, "
         "access, export, import, auth, admin, audit, other"),
        ("ACTION_MAP", ("=read", "_=read"), "has no name; write name=operation"),
        ("ACTION_MAP", ("a=read,A=create", "x/y=read,b=read,x_y=update"), "contradicts read"),
        ("ALWAYS_RECORD", ("failure", "deletes,everything"), "is none of failures, denied, deletes, auth"),
    )

    def test_every_mistake_names_setting_value_and_what_is_allowed(self):
        for name, values, allowed in self.CASES:
            for value in values:
                with self.subTest(setting=name, value=value):
                    result = self.run_command("config", "check", env={f"AUDIT_TRAIL_{name}": value})
                    self.assertNotEqual(result.code, 0, result)
                    self.assertIn(f"AUDIT_TRAIL_{name}={value} (environment) is not valid: ", result.err)
                    self.assertIn(allowed, result.err)

    def test_all_of_them_are_told_at_once_and_nothing_starts(self):
        env = {f"AUDIT_TRAIL_{name}": values[0] for name, values, _ in self.CASES}
        result = self.run_command("record", env=env, stdin=ndjson([event()]))
        self.assertEqual(result.code, 2, result)
        for name in env:
            self.assertIn(f"{name}=", result.err)
        self.assertFalse(os.path.exists(self.state))
        gateway = subprocess.run([BIN / "gateway", "--port", "0", "--data-dir", self.path("data")], cwd=self.dir,
                                 env={**self.env, **env}, capture_output=True, text=True, check=False, timeout=60)
        self.assertNotEqual(gateway.returncode, 0)
        self.assertIn("AUDIT_TRAIL_SAMPLE_RATE=0.1.2", gateway.stderr)


if __name__ == "__main__":
    unittest.main()
