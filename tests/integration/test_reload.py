"""A policy that changes while a service runs, and a start that says what changed: the gateway and SIGHUP.

Goal:   a change of the policy is recorded with the old and the new one, by the program that people see; a wrong setting
        changes nothing and is said; no pause of the trail can hide: not a switch that was off for a while, not one that
        was off from one start to the next, not a kill.
Method: the example gateway with an env file that is written over; what it says on its streams, what is in its store.
        Clocks are moved (tests/support/clock_shim.c), never slept through.
"""
import json
import os
import signal
import unittest

from gateway_support import Clock, GatewayTest, wait_until

HOUR = 3600


class ReloadTest(GatewayTest):
    def configure(self, directory, **settings):
        """Write the env file that every gateway of these tests is given."""
        lines = [f"AUDIT_TRAIL_{name}={value}\n" for name, value in settings.items()]
        (directory / "none.env").write_text("".join(lines), encoding="utf-8")

    def reload(self, gateway, **settings):
        """Change the env file, SIGHUP, and the line that says the new policy."""
        self.configure(gateway.directory, **settings)
        gateway.process.send_signal(signal.SIGHUP)
        line = gateway.process.stdout.readline().rstrip("\n")
        self.assertIn("gateway: audit trail: ", line)
        return line.removeprefix("gateway: audit trail: ")

    def controls(self, gateway, action):
        """The contexts of the trail's records about itself, oldest first."""
        lines = gateway.command("query", "--oldest-first", "--action", action, "-o", "ndjson", allowed=(0, 4))
        return [json.loads(line)["context"] for line in lines.splitlines()]

    def last_start(self, gateway):
        return self.controls(gateway, "trail_started")[-1]

    def audited(self, gateway):
        """All records in the order in which they were accepted, the trail's own among them."""
        return [action for (action,) in gateway.sql("SELECT action FROM audit_trail ORDER BY writer, seq")]


class PolicyChanges(ReloadTest):
    # What is changed, one after the other, and what the record must say has changed.
    CHANGES = [
        ({"LEVEL": "writes_only"}, ["AUDIT_TRAIL_LEVEL"]),
        ({"LEVEL": "writes_only", "EXCLUDE_ACTIONS": "health_*"}, ["AUDIT_TRAIL_EXCLUDE_ACTIONS"]),
        ({"LEVEL": "deletes_only", "EXCLUDE_RESOURCES": "metric,health"},
         ["AUDIT_TRAIL_LEVEL", "AUDIT_TRAIL_EXCLUDE_ACTIONS", "AUDIT_TRAIL_EXCLUDE_RESOURCES"]),
        ({"LEVEL": "deletes_only", "EXCLUDE_RESOURCES": "metric,health", "ALWAYS_RECORD": "failures,auth"},
         ["AUDIT_TRAIL_ALWAYS_RECORD"]),
        ({"LEVEL": "all", "ACTION_MAP": "poll_queue=read"},
         ["AUDIT_TRAIL_LEVEL", "AUDIT_TRAIL_ALWAYS_RECORD", "AUDIT_TRAIL_EXCLUDE_RESOURCES", "AUDIT_TRAIL_ACTION_MAP"]),
        ({"LEVEL": "all", "SAMPLE_RATE": "0.5", "SAMPLE_READS": "0.25"},
         ["AUDIT_TRAIL_ACTION_MAP", "AUDIT_TRAIL_SAMPLE_RATE", "AUDIT_TRAIL_SAMPLE_READS"]),
    ]

    def test_a_change_of_level_exclusions_or_sampling_is_itself_recorded_with_the_old_and_the_new_policy(self):
        directory = self.directory()
        self.configure(directory, LEVEL="all")
        gateway = self.start(directory)
        gateway.request("GET", "/tools")
        policies = ["level all; not recorded: nothing"]
        for settings, _ in self.CHANGES:
            policies.append(self.reload(gateway, **settings))
        self.stop(gateway)

        records = self.controls(gateway, "policy_changed")
        self.assertEqual([record["changed"] for record in records], [names for _, names in self.CHANGES])
        self.assertEqual([record["old"]["policy"] for record in records], policies[:-1])
        self.assertEqual([record["new"]["policy"] for record in records], policies[1:])
        for record, (settings, _) in zip(records, self.CHANGES):
            for name, value in settings.items():
                self.assertEqual(record["new"][f"AUDIT_TRAIL_{name}"], value)
            self.assertNotIn("off_seconds", record)

    def test_it_decides_from_then_on_and_the_gateway_goes_on_serving(self):
        directory = self.directory()
        self.configure(directory, LEVEL="all")
        gateway = self.start(directory)
        gateway.request("GET", "/tools")
        self.assertEqual(self.reload(gateway, LEVEL="writes_only"),
                         "level writes_only; not recorded: read, access")
        gateway.request("GET", "/tools")
        gateway.create()
        self.stop(gateway)
        self.assertEqual(self.audited(gateway),
                         ["trail_started", "list_tools", "policy_changed", "create_tool", "trail_stopped"])

    def test_without_a_change_nothing_is_recorded(self):
        directory = self.directory()
        self.configure(directory, LEVEL="all")
        gateway = self.start(directory)
        gateway.request("GET", "/tools")
        self.assertEqual(self.reload(gateway, LEVEL="all", EXCLUDE_ACTIONS=""), "level all; not recorded: nothing")
        self.stop(gateway)
        self.assertEqual(self.controls(gateway, "policy_changed"), [])

    def test_a_wrong_value_keeps_the_old_policy_and_says_so(self):
        directory = self.directory()
        self.configure(directory, LEVEL="all")
        gateway = self.start(directory)
        gateway.request("GET", "/tools")
        self.configure(directory, LEVEL="none", ASYNC="perhaps")
        gateway.process.send_signal(signal.SIGHUP)
        wait_until(lambda: "policy stays as it is" in gateway.error_text(), "the gateway says that nothing changed")
        self.assertRegex(gateway.error_text(), r"AUDIT_TRAIL_LEVEL=none \(.*none\.env:1\) is not valid: allowed")
        self.assertRegex(gateway.error_text(), r"AUDIT_TRAIL_ASYNC=perhaps \(.*none\.env:2\) is not valid")
        gateway.request("GET", "/tools")
        self.stop(gateway)
        self.assertEqual(self.actions(gateway), ["list_tools", "list_tools"])
        self.assertEqual(self.controls(gateway, "policy_changed"), [])

    def test_what_needs_a_restart_is_named_and_left(self):
        directory = self.directory()
        self.configure(directory, LEVEL="all")
        gateway = self.start(directory)
        gateway.create(name="kept")
        self.reload(gateway, LEVEL="all", REDACT_FIELDS="name", SPOOL_MAX_BYTES="512MiB")
        self.assertIn("AUDIT_TRAIL_SPOOL_MAX_BYTES, AUDIT_TRAIL_REDACT_FIELDS changed; that takes effect with a "
                      "restart", gateway.error_text())
        gateway.create(name="kept, too")
        self.stop(gateway)
        names = [row["new_values"]["name"] for row in gateway.records(action="create_tool")]
        self.assertEqual(names, ["kept", "kept, too"])

    def test_signals_in_quick_succession_are_not_forgotten(self):
        directory = self.directory()
        self.configure(directory, LEVEL="all")
        gateway = self.start(directory)
        for level in ("writes_only", "mutations_only", "deletes_only"):
            self.configure(directory, LEVEL=level)
            gateway.process.send_signal(signal.SIGHUP)
        line = ""
        while "level deletes_only" not in line:  # The last one is read a second later, if it came too soon.
            line = gateway.process.stdout.readline()
            self.assertNotEqual(line, "", "the gateway ended")
        self.stop(gateway)


class OffAndOn(ReloadTest):
    def with_clock(self, directory, ahead=0):
        clock = Clock(directory / "clock")
        clock.advance(ahead)
        return clock

    def test_turning_the_switch_back_on_records_for_how_long_the_trail_was_off_and_under_which_policy_it_now_runs(self):
        """From one start to the next: the run in between, with the switch off, leaves no trace of its own."""
        directory = self.directory()
        self.configure(directory, LEVEL="all")
        first = self.start(directory)
        first.create()
        self.stop(first)
        files = sorted(os.listdir(directory / "state"))
        before = {name: (directory / "state" / name).stat().st_mtime_ns for name in files}

        self.configure(directory, LEVEL="all", ENABLED="false")
        second = self.start(directory)
        second.create()
        self.stop(second)
        self.assertEqual(sorted(os.listdir(directory / "state")), files)
        self.assertEqual({name: (directory / "state" / name).stat().st_mtime_ns for name in files}, before)

        self.configure(directory, LEVEL="deletes_only")
        third = self.start(directory, environment=self.with_clock(directory, 2 * HOUR).environment)
        third.request("DELETE", "/tools/none")
        self.stop(third)
        start = self.last_start(third)
        self.assertEqual(start["last_run"]["ended"], "stopped")
        self.assertGreaterEqual(start["last_run"]["off_seconds"], 2 * HOUR)
        self.assertLess(start["last_run"]["off_seconds"], 2 * HOUR + 60)
        self.assertTrue(start["policy"].startswith("level deletes_only; not recorded: create, "), start["policy"])
        self.assertEqual(start["changed"], {"AUDIT_TRAIL_LEVEL": {"old": "all", "new": "deletes_only"}})
        self.assertEqual(self.actions(third), ["create_tool", "delete_tool"])

    def test_turning_the_switch_off_and_on_while_it_runs_records_both_and_for_how_long(self):
        directory = self.directory()
        self.configure(directory, LEVEL="all")
        clock = self.with_clock(directory)
        gateway = self.start(directory, environment=clock.environment)
        gateway.create(name="before")
        self.assertEqual(self.reload(gateway, LEVEL="all", ENABLED="false"), "disabled; nothing is recorded")
        gateway.create(name="unseen")
        self.assertEqual(gateway.metrics()["audittrail_disabled_total"], 1)
        clock.advance(HOUR)
        self.assertEqual(self.reload(gateway, LEVEL="writes_only"), "level writes_only; not recorded: read, access")
        gateway.create(name="after")
        self.stop(gateway)

        off, on = self.controls(gateway, "policy_changed")
        self.assertEqual(off["changed"], ["AUDIT_TRAIL_ENABLED"])
        self.assertEqual(on["off_seconds"], HOUR)
        self.assertEqual(on["old"]["policy"], "disabled; nothing is recorded")
        self.assertEqual(on["new"]["policy"], "level writes_only; not recorded: read, access")
        self.assertEqual([row["new_values"]["name"] for row in gateway.records(action="create_tool")],
                         ["before", "after"])

    def test_the_kill_switch_records_nothing_creates_no_spool_file_opens_no_database(self):
        """Nor does a reload, until it switches the trail on."""
        directory = self.directory()
        self.configure(directory, ENABLED="false")
        gateway = self.start(directory)
        gateway.create()
        self.assertEqual(self.reload(gateway, ENABLED="false", LEVEL="all"), "disabled; nothing is recorded")
        gateway.create()
        self.assertFalse((directory / "state").exists())
        self.assertFalse(gateway.store.was_opened())
        self.reload(gateway, ENABLED="true", LEVEL="all")
        self.assertFalse((directory / "state").exists())
        gateway.create(name="seen")
        self.stop(gateway)
        self.assertEqual([row["new_values"]["name"] for row in gateway.records()], ["seen"])

    def test_a_start_after_kill_9_says_killed_and_since_when(self):
        directory = self.directory()
        self.configure(directory, LEVEL="all")
        clock = self.with_clock(directory)
        first = self.start(directory, environment=clock.environment)
        first.create()
        clock.advance(10)
        clock.wait_until_looked_at()  # A sign of life is left every ten seconds.
        first.kill()
        clock = self.with_clock(directory, HOUR)
        second = self.start(directory, environment=clock.environment)
        second.create()
        self.stop(second)
        last_run = self.last_start(second)["last_run"]
        self.assertEqual(last_run["ended"], "killed")
        self.assertGreaterEqual(last_run["off_seconds"], HOUR - 10)
        self.assertLess(last_run["off_seconds"], HOUR + 60)

        clock = self.with_clock(directory, 2 * HOUR)
        third = self.start(directory, environment=clock.environment)  # The control: an ordered end.
        third.create()
        self.stop(third)
        self.assertEqual(self.last_start(third)["last_run"]["ended"], "stopped")
        self.assertEqual(self.last_start(third)["changed"], {})

    def test_two_processes_of_a_service_are_never_off_while_one_lives(self):
        directory = self.directory()
        self.configure(directory, LEVEL="all")
        first = self.start(directory)
        first.create()
        clock = self.with_clock(directory, HOUR)
        second = self.start(directory, environment=clock.environment)
        second.create()
        self.stop(second)
        self.assertEqual(self.last_start(second)["last_run"]["ended"], "running")
        self.assertNotIn("off_seconds", self.last_start(second)["last_run"])
        self.stop(first)


if __name__ == "__main__":
    unittest.main()
