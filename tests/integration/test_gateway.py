"""The users' scenarios, driven through the example gateway over HTTP.

Goal:   what acceptance/seed.feature says holds for the real program: each test of a @seed scenario has its name.
Method: a gateway of its own per test, requests as a client sends them; then the store is read with the audittrail
        command and the counters are read from /metrics. "Recorded" is a row in the store, "not recorded" is no row and
        a counter that says why.
"""
import json
import os
import re
import signal
import subprocess
import unittest

from gateway_support import BIN, DEADLINE_S, Clock, GatewayTest, account, wait_until
from stores import KIND

LEVELS = ("all", "writes_only", "mutations_only", "deletes_only", "failures_only")

# Which levels take which operation: the scenario outline's table, read by column.
TAKEN_BY = {
    "create_tool": {"all", "writes_only"},
    "get_tool": {"all"},
    "update_tool": {"all", "writes_only", "mutations_only"},
    "delete_tool": {"all", "writes_only", "mutations_only", "deletes_only"},
    "invoke_tool": {"all", "writes_only"},
    "frobnicate": {"all", "writes_only", "mutations_only"},  # Its name says nothing: `other`.
    "get_server": {"all", "failures_only"},  # The failed read.
}


class ConfigureTheLevel(GatewayTest):
    """US-1"""

    def test_log_writes_only_recommended(self):
        gateway = self.start(LEVEL="writes_only")
        gateway.create()
        self.assertEqual(gateway.request("GET", "/tools").status, 200)
        metrics = gateway.metrics()
        self.stop(gateway)
        self.assertEqual(self.actions(gateway), ["create_tool"])
        self.assertEqual(account(metrics, "create", "recorded"), 1)
        self.assertEqual(account(metrics, "read", "level"), 1)

    def test_log_mutations_only(self):
        gateway = self.start(LEVEL="mutations_only")
        server = gateway.create("servers")
        self.assertEqual(gateway.request("PUT", f"/servers/{server}", {"name": "two"}).status, 200)
        metrics = gateway.metrics()
        self.stop(gateway)
        self.assertEqual(self.actions(gateway), ["update_server"])
        self.assertEqual(account(metrics, "update", "recorded"), 1)
        self.assertEqual(account(metrics, "create", "level"), 1)

    def test_log_all_operations(self):
        gateway = self.start(LEVEL="all")
        tool = gateway.create()
        gateway.request("GET", f"/tools/{tool}")
        gateway.request("PUT", f"/tools/{tool}", {"name": "two"})
        gateway.request("DELETE", f"/tools/{tool}")
        self.stop(gateway)
        self.assertEqual(self.actions(gateway), ["create_tool", "get_tool", "update_tool", "delete_tool"])

    def test_the_level_decides_by_operation(self):
        for level in LEVELS:
            with self.subTest(level=level):
                gateway = self.start(LEVEL=level)
                tool = gateway.create()
                gateway.request("GET", f"/tools/{tool}")
                gateway.request("PUT", f"/tools/{tool}", {"name": "two"})
                gateway.request("POST", f"/tools/{tool}/invoke", {})
                self.assertEqual(gateway.request("GET", "/servers/unknown").status, 404)
                gateway.request("DELETE", f"/tools/{tool}")
                self.stop(gateway)
                # The gateway does nothing that has no known name; the command records under the same settings.
                event = {"action": "frobnicate", "resource_type": "tool", "user_id": "ada"}
                gateway.command("record", stdin=json.dumps(event))
                recorded = {row["action"] for row in gateway.records()}
                self.assertEqual(recorded, {action for action, levels in TAKEN_BY.items() if level in levels})

    # scenario: the default for a new deployment is writes_only
    def test_the_default_is_writes_only(self):
        gateway = self.start()
        gateway.create()
        gateway.request("GET", "/tools")
        self.stop(gateway)
        self.assertEqual(self.actions(gateway), ["create_tool"])

    # scenario: the kill switch (AUDIT_TRAIL_ENABLED=false) records nothing, creates no spool file, opens no
    #   database
    def test_the_kill_switch_records_nothing_and_makes_no_file(self):
        gateway = self.start(ENABLED="false", LEVEL="all")
        gateway.create()
        metrics = gateway.metrics()
        self.stop(gateway)
        self.assertEqual(metrics["audittrail_disabled_total"], 1)
        self.assertFalse((gateway.directory / "state").exists())
        self.assertFalse(gateway.store.was_opened())


class NonBlockingWrites(GatewayTest):
    """US-3"""

    SUSPENDS = True

    def hold(self, gateway):
        """The store is away: suspended; SQLite: locked by another program that writes to it."""
        hold = gateway.store.hold()
        self.addCleanup(hold.close)
        return hold

    def test_async_audit_write(self):
        gateway = self.start(ASYNC="true", BUFFER_ENABLED="false", SHUTDOWN_TIMEOUT=30)
        gateway.create(name="before")
        gateway.wait_stored()  # The database is there, and can be locked.

        hold = self.hold(gateway)
        gateway.create(name="while held")  # Answered all the same.
        if KIND == "sqlite":
            wait_until(lambda: gateway.metrics()["audittrail_store_errors_total"] > 0, "the drain meets the lock")
            self.assertEqual([row["resource_name"] for row in gateway.records()], ["before"])
        else:
            wait_until(gateway.store.is_asked, "the drain sends what nobody reads")
        gateway.create(name="while the drain waits")
        self.assertEqual(gateway.metrics()["audittrail_waiting_events"], 2)

        hold.close()
        gateway.wait_stored()
        self.assertEqual([row["resource_name"] for row in gateway.records()],
                         ["before", "while held", "while the drain waits"])
        self.stop(gateway)

    def test_buffered_audit_writes(self):
        directory = self.directory()
        clock = Clock(directory / "clock")
        gateway = self.start(directory, clock.environment, BUFFER_ENABLED="true", BUFFER_FLUSH_INTERVAL=30)
        for number in range(50):
            gateway.create(name=f"tool {number}")
            clock.advance(0.2)  # 50 events in 10 seconds.

        clock.advance(19.9)  # 29.9 seconds after the first.
        clock.wait_until_looked_at()
        metrics = gateway.metrics()
        self.assertEqual(metrics["audittrail_stored_total"], 0)
        self.assertEqual(metrics["audittrail_transactions_total"], 0)
        self.assertEqual(account(metrics, "create", "recorded"), 50)

        clock.advance(0.1)
        gateway.wait_stored()
        self.assertEqual(gateway.metrics()["audittrail_transactions_total"], 1)
        self.assertEqual(len(gateway.records(action="create_tool")), 50)

        # The ledger's own word: one transaction, and not a moment too early.
        ((count, written_us),) = gateway.sql(f"SELECT event_count, {gateway.store.us('recorded_at')} AS written "
                                             "FROM audit_batches")
        ((first_us,),) = gateway.sql("SELECT min(timestamp_us) FROM audit_trail WHERE action = 'create_tool'")
        self.assertGreaterEqual(count, 50)
        self.assertGreaterEqual(written_us - first_us, 30_000_000)
        self.stop(gateway)


    # scenario: SIGTERM: every accepted event is in the store before the process exits, or, if the store stays
    #   unreachable, in the spool, and the program says how many
    def test_sigterm_stores_what_waits(self):
        gateway = self.start(BUFFER_FLUSH_INTERVAL=3600)
        for _ in range(10):
            gateway.create()
        self.assertEqual(gateway.metrics()["audittrail_stored_total"], 0)
        self.stop(gateway)
        self.assertEqual(gateway.lines[-1], "gateway: stopped; every audit event is stored")
        self.assertEqual(len(gateway.records()), 10)

    # scenario: SIGTERM: every accepted event is in the store before the process exits, or, if the store stays
    #   unreachable, in the spool, and the program says how many
    def test_sigterm_says_how_many_events_stay_in_the_spool(self):
        gateway = self.start(BUFFER_ENABLED="false", SHUTDOWN_TIMEOUT=1)
        gateway.create()
        gateway.wait_stored()
        hold = self.hold(gateway)
        for _ in range(3):
            gateway.create()
        self.stop(gateway)
        self.assertRegex(gateway.error_text(), r"gateway: [34] audit events are not stored yet")  # 4: trail_stopped.
        if KIND == "sqlite":  # A server may commit, once it goes on, what it was sent before the gateway ended.
            self.assertEqual(len(gateway.records()), 1)
        hold.close()
        successor = self.start(gateway.directory, BUFFER_ENABLED="false")
        successor.create()
        wait_until(lambda: len(successor.records()) == 5, "the successor stores what was left")
        self.stop(successor)


class ExcludeWhatIsNoise(GatewayTest):
    """US-4"""

    def test_exclude_specific_actions(self):
        gateway = self.start(EXCLUDE_ACTIONS="health_check,metrics_read", LEVEL="all")
        self.assertEqual(gateway.request("GET", "/health").status, 200)
        gateway.create()
        metrics = gateway.metrics()
        self.stop(gateway)
        self.assertEqual(self.actions(gateway), ["create_tool"])
        self.assertEqual(account(metrics, "read", "excluded"), 1)

    def test_exclude_specific_resources(self):
        gateway = self.start(EXCLUDE_RESOURCES="metric,health", LEVEL="all")
        gateway.metrics()
        gateway.request("GET", "/health")
        gateway.request("GET", "/tools")
        metrics = gateway.metrics()
        self.stop(gateway)
        self.assertEqual(self.actions(gateway), ["list_tools"])
        self.assertEqual(account(metrics, "read", "excluded"), 2)

    # scenario: a pattern (health_*) excludes what it matches; white space and letter case around names do not
    #   matter
    def test_a_pattern_excludes_what_it_matches(self):
        gateway = self.start(EXCLUDE_ACTIONS=" HEALTH_* , metrics_read", LEVEL="all")
        gateway.request("GET", "/health")
        gateway.request("GET", "/tools")
        self.stop(gateway)
        self.assertEqual(self.actions(gateway), ["list_tools"])


class Outcomes(GatewayTest):
    """What the record says is what happened."""

    def only_record(self, gateway, **wanted):
        self.stop(gateway)
        rows = gateway.records(**wanted)
        self.assertEqual(len(rows), 1, rows)
        return rows[0]

    def test_success_says_who_did_what_to_which_resource(self):
        gateway = self.start(LEVEL="all")
        answer = gateway.request("POST", "/tools", {"name": "weather", "config": {"region": "north"}}, X_User="ada",
                                 X_Team="team-1", X_Correlation_Id="request-7", User_Agent="test/1")
        self.assertEqual(answer.headers["X-Correlation-Id"], "request-7")
        row = self.only_record(gateway)
        expected = {
            "action": "create_tool", "operation": "create", "outcome": "success", "user_id": "ada",
            "team_id": "team-1", "correlation_id": "request-7", "client_ip": "127.0.0.1", "user_agent": "test/1",
            "request_method": "POST", "request_path": "/tools", "resource_type": "tool",
            "resource_id": answer.json()["id"], "resource_name": "weather",
            "new_values": {"name": "weather", "description": "", "enabled": True, "config": {"region": "north"}},
        }
        self.assertEqual({name: row.get(name) for name in expected}, expected)

    def test_an_update_says_what_changed(self):
        gateway = self.start()
        tool = gateway.create(name="one")
        gateway.request("PUT", f"/tools/{tool}", {"name": "two"})
        row = self.only_record(gateway, action="update_tool")
        self.assertEqual(row["old_values"]["name"], "one")
        self.assertEqual(row["new_values"]["name"], "two")
        self.assertEqual(row["changes"], {"name": {"old": "one", "new": "two"}})
        self.assertEqual(row["resource_name"], "two")

    def test_a_delete_keeps_what_was_deleted(self):
        gateway = self.start()
        tool = gateway.create(name="one")
        gateway.request("DELETE", f"/tools/{tool}")
        row = self.only_record(gateway, action="delete_tool")
        self.assertEqual(row["old_values"]["name"], "one")
        self.assertTrue(row["requires_review"])

    def test_an_unknown_id_is_a_failure(self):
        gateway = self.start()
        self.assertEqual(gateway.request("DELETE", "/tools/unknown").status, 404)
        row = self.only_record(gateway)
        self.assertEqual((row["outcome"], row["resource_id"]), ("failure", "unknown"))
        self.assertIn("unknown", row["error_message"])
        self.assertEqual(row["user_id"], "anonymous")

    def test_what_does_not_validate_is_a_failure(self):
        refused = {422: ['{}', '{"name": ""}', '{"name": 7}', '[]', '{"name": "x", "enabled": 1}',
                         '{"name": "x", "colour": "red"}', json.dumps({"name": "x" * 201})],
                   400: ['{"name":', '{"name": "a", "name": "b"}', 'name']}
        gateway = self.start()
        for status, bodies in refused.items():
            for body in bodies:
                answer = gateway.request("POST", "/tools", body)
                self.assertEqual(answer.status, status, body)
                self.assertEqual(answer.headers["Content-Type"], "application/problem+json")
                self.assertEqual(answer.json()["status"], status)
        gateway.create(name="ü" * 200)
        self.stop(gateway)
        self.assertEqual([row["outcome"] for row in gateway.records()], ["failure"] * 10 + ["success"])

    def test_a_viewer_is_denied_deletes_and_nothing_else(self):
        gateway = self.start(LEVEL="all")
        tool = gateway.create(X_Role="viewer")
        self.assertEqual(gateway.request("DELETE", f"/tools/{tool}", X_Role="viewer", X_User="bob").status, 403)
        self.assertEqual(gateway.request("GET", f"/tools/{tool}", X_Role="viewer").status, 200)
        row = self.only_record(gateway, action="delete_tool")
        self.assertEqual((row["outcome"], row["user_id"], row["resource_id"]), ("denied", "bob", tool))

    def test_a_disabled_tool_is_not_invoked(self):
        gateway = self.start()
        tool = gateway.create()
        self.assertEqual(gateway.request("POST", f"/tools/{tool}/state", {"enabled": False}).status, 200)
        self.assertEqual(gateway.request("POST", f"/tools/{tool}/invoke", {"arguments": {"city": "Rome"}}).status, 409)
        row = self.only_record(gateway, action="invoke_tool")
        self.assertEqual(row["outcome"], "failure")
        self.assertEqual(row["context"], {"arguments": {"city": "Rome"}})

    def test_a_body_over_64_kib_is_refused_and_recorded(self):
        gateway = self.start()
        large = json.dumps({"name": "x", "description": "y" * 70_000})
        self.assertEqual(gateway.request("POST", "/tools", large).status, 413)
        row = self.only_record(gateway)
        self.assertEqual((row["action"], row["outcome"]), ("create_tool", "failure"))

    def test_a_path_that_is_not_there_is_a_failed_access(self):
        gateway = self.start(LEVEL="failures_only")
        self.assertEqual(gateway.request("GET", "/admin?token=1").status, 404)
        self.assertEqual(gateway.request("PATCH", "/tools").headers["Allow"], "GET, POST")
        self.stop(gateway)
        rows = [(row["action"], row["operation"], row["request_path"]) for row in gateway.records()]
        self.assertEqual(rows, [("access_path", "access", "/admin"), ("access_path", "access", "/tools")])

    def test_a_secret_in_a_value_is_not_recorded(self):
        gateway = self.start()
        gateway.request("POST", "/tools", {"name": "x", "config": {"api_key": "hunter2", "max_tokens": 5}})
        row = self.only_record(gateway)
        self.assertNotIn("hunter2", json.dumps(row))
        self.assertEqual(row["new_values"]["config"]["max_tokens"], 5)


class TheFirstLook(GatewayTest):
    def stats(self, gateway):
        return json.loads(gateway.command("stats", "-o", "json"))

    def metrics_and_stats(self, gateway, refused_before):
        """Both when they agree on the reads: the request for the metrics is one too, refused once it is answered."""
        metrics = gateway.metrics()
        metrics['audittrail_events_total{operation="read",result="level"}'] += 1
        refused = refused_before + account(metrics, "read", "level")
        wait_until(lambda: self.stats(gateway)["operations"]["read"]["level"] == refused, "the reads are counted")
        return metrics, self.stats(gateway)

    def test_stats_and_the_gateways_own_metrics_say_the_same_over_a_kill(self):
        gateway = self.start(LEVEL="writes_only", BUFFER_FLUSH_INTERVAL=1)
        for _ in range(3):
            gateway.create()
            gateway.request("GET", "/tools")
        gateway.wait_stored()
        metrics, stats = self.metrics_and_stats(gateway, 0)
        for operation in ("create", "read", "update"):
            for result in ("recorded", "level", "excluded", "rejected", "dropped"):
                self.assertEqual(stats["operations"][operation][result], account(metrics, operation, result))
        self.assertEqual([(writer["service"], writer["pid"], writer["alive"]) for writer in stats["writers"]],
                         [("gateway", gateway.process.pid, True)])
        self.assertIn("No warnings.", gateway.command("stats", "--check"))

        gateway.create()
        gateway.kill()
        heir = self.start(gateway.directory, LEVEL="writes_only", BUFFER_FLUSH_INTERVAL=1)
        heir.create()
        wait_until(lambda: self.stats(heir)["writers_orphaned"] == 0, "the dead gateway's spool is taken over")
        heir.wait_stored()
        refused = stats["operations"]["read"]["level"]
        _, stats = self.metrics_and_stats(heir, refused)
        self.assertEqual((stats["writers_alive"], stats["writers_gone"]), (1, 1))
        self.assertEqual(stats["operations"]["create"]["stored"], 5)
        self.assertIn("No warnings.", heir.command("stats", "--check"))
        self.stop(heir)


class ManyClients(GatewayTest):
    def traffic(self, gateway, *arguments):
        """The load client's own tally."""
        result = subprocess.run([BIN / "traffic", "--port", str(gateway.port), *arguments], capture_output=True,
                                text=True, check=False, timeout=4 * DEADLINE_S)
        self.assertEqual(result.returncode, 0, result.stderr)
        return json.loads(result.stdout)

    def assert_accounts_agree(self, gateway, tally):
        """The trail's counters, its rows and the client's own count say the same."""
        operations = {"list": "read", "get": "read", "health": "read", "metrics": "read", "create": "create",
                      "update": "update", "set": "update", "delete": "delete", "invoke": "execute"}
        sent = dict.fromkeys(operations.values(), 0)
        for action, statuses in tally["actions"].items():
            sent[operations[action.split("_")[0]]] += sum(statuses.values())

        metrics = gateway.metrics()
        results = ("recorded", "level", "excluded", "sampled", "rejected", "dropped")
        offered = {name: sum(account(metrics, name, result) for result in results) for name in sent}
        self.assertEqual(offered, sent)
        self.assertEqual(metrics['gateway_http_requests_total{status="200"}'],
                         sum(statuses.get("200", 0) for statuses in tally["actions"].values()))
        recorded = sum(account(metrics, name, "recorded") for name in sent)
        self.stop(gateway)
        self.assertEqual(len(gateway.records()), recorded)
        return metrics

    def test_2000_keep_alive_connections_are_served(self):
        gateway = self.start(LEVEL="all", EXCLUDE_ACTIONS="health_check,metrics_read")
        tally = self.traffic(gateway, "--connections", "2000", "--users", "2000", "--requests", "8000", "--rate", "0",
                             "--seconds", "120")
        self.assertEqual((tally["sent"], tally["answered"], tally["unanswered"]), (8000, 8000, 0))
        self.assertEqual((tally["connections_used"], tally["reconnects"]), (2000, 0))
        statuses = {status for by_status in tally["actions"].values() for status in by_status}
        self.assertLessEqual(statuses, {"200", "201", "403", "404", "422"})
        metrics = self.assert_accounts_agree(gateway, tally)
        self.assertGreater(account(metrics, "read", "excluded"), 0)

    def requests_waiting(self, port):
        """How many connections to the port have something that the server did not read yet."""
        with open("/proc/net/tcp", encoding="ascii") as file:
            sockets = [line.split() for line in file.readlines()[1:]]
        return sum(1 for fields in sockets if fields[1].endswith(f":{port:04X}") and fields[3] == "01"
                   and int(fields[4].split(":")[1], 16) > 0)

    def wait_until_it_went_round(self, process):
        """It wakes up often enough to look at its clock."""
        def times_asleep():
            with open(f"/proc/{process.pid}/status", encoding="ascii") as file:
                return int(re.search(r"^voluntary_ctxt_switches:\s*(\d+)", file.read(), re.M)[1])
        before = times_asleep()
        wait_until(lambda: process.poll() is not None or times_asleep() > before + 2, "the client goes round")

    def test_a_server_that_is_slow_with_the_last_answers_has_the_time_that_was_given(self):
        gateway = self.start(LEVEL="all")
        clock = Clock(self.directory() / "clock")
        gateway.process.send_signal(signal.SIGSTOP)
        client = subprocess.Popen([BIN / "traffic", "--port", str(gateway.port), "--connections", "50", "--requests",
                                   "50", "--rate", "0", "--seconds", "120"], stdout=subprocess.PIPE, text=True,
                                  env={**os.environ, **clock.environment})
        wait_until(lambda: self.requests_waiting(gateway.port) == 50, "all requests are sent")
        self.wait_until_it_went_round(client)
        clock.advance(60)
        self.wait_until_it_went_round(client)
        gateway.process.send_signal(signal.SIGCONT)
        tally = json.loads(client.communicate(timeout=DEADLINE_S)[0])
        self.assertEqual((client.returncode, tally["answered"], tally["unanswered"]), (0, 50, 0))
        self.stop(gateway)

    def test_the_full_mix_is_accounted_for(self):
        gateway = self.start()
        tally = self.traffic(gateway, "--connections", "20", "--requests", "2000", "--rate", "0", "--seconds", "120",
                             "--mix", "full")
        metrics = self.assert_accounts_agree(gateway, tally)
        self.assertGreater(account(metrics, "execute", "recorded"), 0)

    def test_the_load_client_reaches_this_machine_only(self):
        for address in ("10.0.0.1", "128.0.0.1", "example.com", "0.0.0.0"):
            result = subprocess.run([BIN / "traffic", "--port", "9", "--address", address], capture_output=True,
                                    check=False, timeout=DEADLINE_S)
            self.assertEqual(result.returncode, 2, address)


if __name__ == "__main__":
    unittest.main()
