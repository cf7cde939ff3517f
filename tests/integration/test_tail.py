"""`audittrail tail`: every event once, as it is recorded, whatever becomes of those who record.

Goal:   an event shows before it is stored; what tail showed in the end and what is stored in the end are the same ids,
        each once, beside writers that are killed, spools that are taken over, a store that is locked, segments that
        are unlinked, and writers on machines whose spools cannot be seen.
Method: a real `tail -f -o ndjson` runs beside recorders; its lines are held against the store by id. The comparison
        itself is shown to find a line too many and one too few.
AUDITTRAIL_TAIL_KILLS sets how many kills there are.
"""
import collections
import json
import os
import queue
import random
import re
import signal
import socket
import subprocess
import threading
import time
import unittest

from recorder_support import RecorderCase
from support import COMMAND, event, ndjson

KILLS = int(os.environ.get("AUDITTRAIL_TAIL_KILLS", "50"))


def compare(shown, stored):
    """What is wrong with the ids that were shown: too few, too many, unknown ones."""
    counts = collections.Counter(shown)
    return {"missing": sorted(set(stored) - set(counts)),
            "twice": sorted(name for name, count in counts.items() if count > 1),
            "unknown": sorted(set(counts) - set(stored))}


NOTHING_WRONG = {"missing": [], "twice": [], "unknown": []}


def writer_of(line):
    """The 32 bits of an id that stand for the writer (src/base/uuid.h)."""
    number = int(line["id"].replace("-", ""), 16)
    return (number >> 64 & 0xFFF) << 20 | (number >> 42 & 0xFFFFF)


class Tail:
    """One running `audittrail tail -f`, and the lines it printed so far."""

    def __init__(self, case, *arguments, env=None):
        self.process = subprocess.Popen([COMMAND, "tail", "-f", *arguments], env={**case.env, **(env or {})},
                                        cwd=case.dir, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        case.addCleanup(self.end)
        self.lines = []
        self.err = ""
        self.readers = [threading.Thread(target=self._read, daemon=True),
                        threading.Thread(target=self._read_err, daemon=True)]
        for reader in self.readers:
            reader.start()

    def _read(self):
        for line in self.process.stdout:
            self.lines.append(line.decode("utf-8", "replace").rstrip("\n"))

    def _read_err(self):
        for line in self.process.stderr:
            self.err += line.decode("utf-8", "replace")

    @property
    def objects(self):
        return [json.loads(line) for line in self.lines]

    @property
    def events(self):
        return [line for line in self.objects if "id" in line]

    @property
    def ids(self):
        return [line["id"] for line in self.events]

    @property
    def gaps(self):
        return [line for line in self.objects if "id" not in line]

    def stop(self, signal_number=signal.SIGINT):
        self.process.send_signal(signal_number)
        return self.wait()

    def wait(self):
        code = self.process.wait(timeout=60)
        for reader in self.readers:
            reader.join()
        return code

    def end(self):
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()
        for reader in self.readers:
            reader.join()
        self.process.stdout.close()
        self.process.stderr.close()


class TailCase(RecorderCase):
    def setUp(self):
        super().setUp()
        self.env.update({"AUDIT_TRAIL_LEVEL": "all", "AUDIT_TRAIL_EXCLUDE_ACTIONS": ""})

    def tail(self, *arguments, env=None):
        return Tail(self, "-o", "ndjson", *arguments, env=env)

    def ids_in_store(self):
        return [row["id"] for row in self.rows("SELECT id FROM audit_trail")]

    def wait_for_ids(self, tail, count, timeout=60):
        self.wait_for(lambda: len(tail.lines) >= count, f"{count} lines of tail", timeout)

    def assert_shown_as_stored(self, tail):
        """Wait until it has shown as much as is stored, end it, and compare."""
        stored = self.ids_in_store()
        wanted = set(stored)
        try:
            self.wait_for(lambda: wanted <= set(tail.ids), "every stored id", 30)
        except AssertionError:
            pass  # The comparison below says what is missing.
        self.assertEqual(tail.stop(), 0, tail.err)
        self.assertEqual(compare(tail.ids, stored), NOTHING_WRONG, tail.err)
        self.assertNotIn("Sanitizer", tail.err)
        last = {}
        for line in tail.events:
            self.assertGreater(line["seq"], last.get(writer_of(line), 0), "a writer's events ascend")
            last[writer_of(line)] = line["seq"]
        return stored


class Live(TailCase):
    def test_events_show_although_nothing_is_stored_yet(self):
        self.create_store()
        self.env["AUDIT_TRAIL_BUFFER_FLUSH_INTERVAL"] = "3600"
        before = len(self.ids_in_store())
        tail = self.tail("-n", "1", "--user", "recorder")
        self.wait_for_ids(tail, 1)  # The newest event of before: from now on it follows.
        recorder = self.recorder("--events", 20, "--stay", "--close")
        self.wait_for_events(recorder, 20)
        told = time.monotonic()
        self.wait_for_ids(tail, 21)
        print(f"the last of 20 events was shown {time.monotonic() - told:.3f} s after the caller had its answer")
        self.assertEqual(len(self.ids_in_store()), before, "the store has no row of them yet")
        shown = tail.ids[1:]
        self.end(recorder)
        stored = [row["id"] for row in self.rows("SELECT id FROM audit_trail WHERE resource_id LIKE ?",
                                                 f"{recorder.run}-%")]
        self.assertEqual(compare(shown, stored), NOTHING_WRONG)
        self.assertEqual(tail.stop(), 0)
        self.assertEqual(len(tail.ids), 21, "none came again when it was stored")

    def test_a_table_shows_each_line_at_once(self):
        tail = Tail(self, "-n", "0")
        self.wait_for(lambda: tail.lines, "the heading")
        self.env["AUDIT_TRAIL_BUFFER_FLUSH_INTERVAL"] = "3600"
        recorder = self.recorder("--events", 1, "--stay", "--close")
        self.wait_for(lambda: len(tail.lines) >= 3, "trail_started and the event")
        self.assertRegex(tail.lines[0], r"^time +user +operation +action +resource +outcome")
        self.assertRegex(tail.lines[2], r"^\d{4}-.{14} +recorder +create +create_tool +tool/1-0-0 +success$")
        self.assertEqual(tail.stop(signal.SIGTERM), 0)
        self.end(recorder)

    def test_it_starts_before_the_first_writer_exists(self):
        tail = self.tail()
        self.wait_for(lambda: "spools of this machine alone" in tail.err, "it says that there is no store yet")
        for number in range(3):
            self.record([event(number), event(number + 10)])
        self.assertEqual(len(self.assert_shown_as_stored(tail)), 12)
        self.assertEqual(tail.err.count("spools of this machine alone"), 1)

    def test_another_machines_events_show_when_they_are_stored(self):
        self.create_store()
        tail = self.tail("-n", "10000")
        elsewhere = {"AUDIT_TRAIL_SPOOL_DIR": self.path("elsewhere"), "AUDIT_TRAIL_BUFFER_MAX_SIZE": "50"}
        recorders = [self.recorder("--events", 400, "--rate", 400, "--stay", "--close", env=elsewhere)
                     for _ in range(2)]
        for recorder in recorders:
            self.wait_for_events(recorder, 400)
            self.end(recorder)
        self.assertGreater(len(self.assert_shown_as_stored(tail)), 800)

    def test_a_spool_of_another_store_is_not_shown(self):
        self.create_store()
        tail = self.tail("-n", "1")
        self.wait_for_ids(tail, 1)
        other = {"AUDIT_TRAIL_DATABASE_URL": "sqlite:" + self.path("other.db"), "AUDIT_TRAIL_SPOOL_DIR": self.spool_dir,
                 "AUDIT_TRAIL_BUFFER_FLUSH_INTERVAL": "3600"}
        stranger = self.recorder("--events", 5, "--stay", "--close", env=other)
        self.wait_for_events(stranger, 5)
        own = self.recorder("--events", 5, "--close")
        self.assertEqual(own.wait(), 0)
        self.wait_for(lambda: sum(line["user_id"] == "recorder" for line in tail.events) >= 5, "our own events")
        self.assertEqual(tail.stop(), 0)
        self.end(stranger)
        self.assertEqual({line["resource_id"].split("-")[0] for line in tail.events if "resource_id" in line},
                         {str(own.run)})

    def test_segments_are_unlinked_while_they_are_read(self):
        self.create_store()
        self.env.update({"AUDIT_TRAIL_SPOOL_MAX_BYTES": "8MiB", "AUDIT_TRAIL_OVERFLOW": "block",
                         "AUDIT_TRAIL_OVERFLOW_TIMEOUT_MS": "60000"})
        tail = self.tail("-n", "10000")
        recorder = self.recorder("--threads", 2, "--events", 5000, "--size", 4000, "--stay", "--close")
        numbers = set()
        while len(recorder.so_far().codes) < 10000:
            for at, _, names in os.walk(self.spool_dir):
                numbers.update((at, name) for name in names if name.endswith(".seg"))
            recorder.reader.join(0.01)
        self.end(recorder)
        left = sum(len(names) for _, _, names in os.walk(self.spool_dir))
        print(f"{len(numbers)} segments were written, {left} files are left")
        self.assertGreater(len(numbers), 5, "the spool went through several segments")
        self.assertGreater(len(self.assert_shown_as_stored(tail)), 10000)
        self.assertEqual(tail.gaps, [])

    def test_it_ends_when_nobody_reads_it(self):
        self.create_store()
        process = subprocess.Popen([COMMAND, "tail", "-f", "-o", "ndjson"], env=self.env, stdout=subprocess.PIPE)
        self.addCleanup(process.kill)
        with process.stdout as pipe:
            pipe.readline()
        self.assertEqual(process.wait(timeout=30), 0)

    def test_it_ends_when_the_other_end_of_its_socket_is_closed(self):
        self.create_store()
        ours, theirs = socket.socketpair()
        process = subprocess.Popen([COMMAND, "tail", "-f", "-n", "1", "-o", "ndjson"], env=self.env,
                                   stdout=theirs)
        self.addCleanup(process.kill)
        theirs.close()
        with ours, ours.makefile("rb") as lines:
            lines.readline()  # All there is: closing with something unread would be an error, which shows otherwise.
        self.assertEqual(process.wait(timeout=30), 0)


class Kills(TailCase):
    SUSPENDS = True

    def test_each_event_once_beside_writers_that_are_killed(self):
        seed = int(os.environ.get("AUDITTRAIL_SEED", str(random.randrange(1 << 30))))
        print(f"seed {seed}", flush=True)
        dice = random.Random(seed)
        tails = [self.tail("-n", "10000")]
        # What began before a tail that has no store to look at is history, and may be over before it looks.
        self.wait_for(lambda: "the spools of this machine alone" in tails[0].err, "the first tail looks")
        left_behind = locked = in_flight = 0
        for turn in range(KILLS):
            if turn in (2, 5, 8, 11, 14):  # In the middle of it: what was before and what comes join without a seam.
                tails.append(self.tail("-n", "10000"))
            recorder = self.recorder("--threads", 2, "--rate", 1000,
                                     env={"AUDIT_TRAIL_BUFFER_MAX_SIZE": str(dice.choice([1, 20, 200, 2000]))})
            recorder.first.wait()
            lock = self.lock_store() if turn % 5 == 3 and self.store.is_made() else None
            moment = time.monotonic() + dice.uniform(0.001, 0.250)
            while (left := moment - time.monotonic()) > 0:
                recorder.reader.join(left)
            recorder.kill()
            if lock is not None:
                locked += 1
                lock.close()
            before = len(self.tally.in_flight)
            recorder.tell(self.tally)
            in_flight += len(self.tally.in_flight) > before
            left_behind += bool(self.spools())
        self.recover()
        print(f"{KILLS} kills: {left_behind} left a spool behind, {in_flight} struck inside a call, "
              f"{locked} beside a locked store; {len(self.tally.accepted)} events accepted", flush=True)
        self.assertGreater(left_behind, KILLS // 2, "the kills did not strike a spool with events")
        self.assertGreater(locked, 0)
        self.assert_stored_exactly_once()
        self.assertGreater(len(self.ids_in_store()), KILLS * 10)
        for tail in tails:
            self.assert_shown_as_stored(tail)
            self.assertEqual(tail.gaps, [], "the store has no gap, so there is none to show")
        self.assertEqual(self.control_records("events_lost"), [])

    def test_the_comparison_notices_one_too_many_and_one_too_few(self):
        """The control."""
        self.record([event(number) for number in range(10)])
        tail = self.tail("-n", "100")
        self.wait_for_ids(tail, 12)
        self.assertEqual(tail.stop(), 0)
        stored = self.ids_in_store()
        shown = tail.ids
        self.assertEqual(compare(shown, stored), NOTHING_WRONG)
        self.assertEqual(compare(shown[1:], stored), {**NOTHING_WRONG, "missing": [shown[0]]})
        self.assertEqual(compare(shown + shown[3:4], stored), {**NOTHING_WRONG, "twice": [shown[3]]})
        self.assertEqual(compare(shown, stored[1:]), {**NOTHING_WRONG, "unknown": [stored[0]]})


class Gaps(TailCase):
    def test_what_is_damaged_in_a_spool_waits_for_its_record(self):
        self.create_store()
        self.env["AUDIT_TRAIL_BUFFER_FLUSH_INTERVAL"] = "3600"
        recorder = self.recorder("--events", 30, "--stay")
        self.wait_for_events(recorder, 30)
        recorder.kill()
        path = os.path.join(self.spool_dir, self.spools()[0], "00000001.seg")
        with open(path, "r+b") as file:
            data = file.read()
            for number in (11, 12, 13):  # Event 0 has seq 2.
                file.seek(data.index(f"{recorder.run}-0-{number}".encode()))
                file.write(b"#")
        tail = self.tail("-n", "100", "--user", "recorder")
        self.wait_for(lambda: "cannot be read in the spool" in tail.err, "it says what it waits for")
        self.assertRegex(tail.err, r"3 events of \w+/\d+ \(seq 13-15\)")
        everything = self.tail("-n", "1000")
        self.recover()
        lost = self.control_records("events_lost")
        self.assertEqual([(one["first_seq"], one["last_seq"]) for one in lost], [(13, 15)])
        self.assert_shown_as_stored(everything)
        self.assertEqual(everything.gaps, [], "the record accounts for them")
        self.assertEqual(tail.stop(), 0)

    def forge_batch(self, first, last, dead=None):
        """Move the first writer on as a batch does of which nothing is left, or one dead letter."""
        statements = [f"UPDATE audit_writers SET last_seq = {last} WHERE id = 1"]
        if dead is not None:
            statements.append(f"INSERT INTO audit_dead_letters VALUES (1, {dead}, {self.store.at(0)}, 'too \x1b odd', "
                              "'{}')")
        statements.append("INSERT INTO audit_batches (writer, first_seq, last_seq, event_count, recorded_at) VALUES "
                          f"(1, {first}, {last}, 0, {self.store.at(1)})")
        self.store.execute("; ".join(statements))

    def test_what_neither_spool_nor_store_has_is_a_gap(self):
        self.record([event(1)])  # seq 1 to 3
        tail = self.tail("-n", "1")
        table = Tail(self, "-n", "1")
        for one in (tail, table):
            self.wait_for(lambda one=one: one.lines, "the newest event")
        self.wait_for(lambda: len(table.lines) == 2, "the newest event")
        self.forge_batch(4, 9, dead=6)
        self.wait_for(lambda: len(tail.lines) == 4 and len(table.lines) == 5, "two gaps and the letter between them")
        numbers = [(name, line[name]["first_seq"], line[name]["last_seq"]) for line in tail.gaps for name in line]
        self.assertEqual(numbers, [("gap", 4, 5), ("dead_letter", 6, 6), ("gap", 7, 9)])
        self.assertRegex(table.lines[2],
                         r"^-- gap: 2 events of audittrail/\d+ \(seq 4-5\): not in spool or store --$")
        self.assertRegex(table.lines[3], r"^-- dead letter: 1 event of audittrail/\d+ \(seq 6\): too \\x1b odd --$")
        self.assertEqual([tail.stop(), table.stop()], [0, 0])


class Once(TailCase):
    """Without -f."""

    FILTERS = [[], ["--user", "alice"], ["--user", "nobody"], ["--email", "a@example.com"], ["--team", "red"],
               ["--resource", "tool"], ["--resource", "tool/t3"], ["--resource-id", "t4"], ["--action", "Create_*"],
               ["--action", "*_tool,x"], ["--action", "?elete_tool"], ["--action", "d%lete_tool"],
               ["--operation", "delete,read"], ["--outcome", "denied"], ["--level", "deletes_only"],
               ["--level", "mutations_only"], ["--level", "failures_only"], ["--correlation-id", "c1"],
               ["--classification", "restricted"], ["--requires-review"], ["--requires-review=no"],
               ["--since", "2026-02-01"], ["--user", "bob", "--level", "writes_only", "--action", "*o*"]]

    def events_of_all_kinds(self):
        actions = ["create_tool", "delete_tool", "get_tool", "update_tool", "crèate_tool", "odd%name", "login"]
        return [event(number % 7, action=actions[number % 7], user_id=["alice", "bob"][number % 2],
                      user_email="a@example.com" if number % 3 == 0 else None,
                      team_id="red" if number % 5 == 0 else None,
                      outcome=["success", "failure", "denied"][number % 3], correlation_id=f"c{number % 4}",
                      resource_type=["tool", "server"][number // 2 % 2],
                      data_classification="restricted" if number % 11 == 0 else None,
                      timestamp=f"2026-0{1 + number % 3}-01T00:00:{number % 60:02}Z") for number in range(150)]

    def shown(self, filters, *arguments):
        result = self.run_command("tail", "-o", "ndjson", "-n", "10000", *filters, *arguments)
        self.assertIn(result.code, (0, 4, 5), result)
        return [json.loads(line) for line in result.out.splitlines()]

    def test_a_filter_takes_the_same_events_in_the_spool_as_in_the_store(self):
        self.env["AUDIT_TRAIL_BUFFER_FLUSH_INTERVAL"] = "3600"
        process = subprocess.Popen([COMMAND, "record"], env=self.env, stdin=subprocess.PIPE,
                                   stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        self.addCleanup(process.kill)
        process.stdin.write(ndjson(self.events_of_all_kinds()))
        process.stdin.flush()
        self.wait_for(lambda: len(self.shown([])) == 151, "all of them, and trail_started, in the spool")
        in_spool = [self.shown(filters) for filters in self.FILTERS]
        self.assertFalse(self.store.is_made() and self.ids_in_store(), "nothing is stored yet")
        process.stdin.close()
        self.assertEqual(process.wait(timeout=60), 0)

        sizes = []
        for filters, spool in zip(self.FILTERS, in_spool):
            stored = self.run_command("query", "-o", "ndjson", "--limit", "all", "--oldest-first", *filters)
            stored = [json.loads(line) for line in stored.out.splitlines()]
            stored = [line for line in stored if line["action"] != "trail_stopped"]
            self.assertEqual(spool, stored, filters)
            self.assertEqual([line for line in self.shown(filters) if line["action"] != "trail_stopped"], stored,
                             filters)
            sizes.append(len(stored))
        print(f"{len(sizes)} filters took {sizes} of 151 events")
        self.assertEqual(sizes[0], 151)
        self.assertTrue(all(0 < size < 151 for size in sizes[1:2] + sizes[3:11]), sizes)

    def test_the_newest_of_spool_and_store_together(self):
        self.record([event(number, timestamp=f"2026-01-01T00:00:{2 * number:02}Z") for number in range(10)])
        self.env["AUDIT_TRAIL_BUFFER_FLUSH_INTERVAL"] = "3600"
        process = subprocess.Popen([COMMAND, "record"], env=self.env, stdin=subprocess.PIPE,
                                   stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        self.addCleanup(process.kill)
        process.stdin.write(ndjson([event(100 + number, timestamp=f"2026-01-01T00:00:{2 * number + 1:02}Z")
                                    for number in range(10)]))
        process.stdin.flush()
        self.wait_for(lambda: len(self.shown(["--user", "alice"])) == 20, "all of them")

        def names(*arguments):
            result = self.run_command("tail", "-o", "ndjson", "--user", "alice", *arguments)
            return [json.loads(line)["resource_id"] for line in result.out.splitlines()]
        self.assertEqual(names("-n", "5"), ["t107", "t8", "t108", "t9", "t109"])
        self.assertEqual(len(names()), 10)
        self.assertEqual(names("-n", "3", "--no-spool"), ["t7", "t8", "t9"])
        process.stdin.close()
        self.assertEqual(process.wait(timeout=60), 0)
        self.assertEqual(names("-n", "5"), ["t107", "t8", "t108", "t9", "t109"])

    def test_exit_codes_and_messages(self):
        result = self.run_command("tail")
        self.assertEqual(result.code, 5, result)
        self.assertRegex(result.err, r"audittrail tail: showing the spools of this machine alone: "
                                     r"(cannot open|.* has no audit trail yet)")
        self.record([event(1)])
        self.assertEqual(self.run_command("tail", "--user", "nobody").code, 4)
        self.assertEqual(self.run_command("tail").code, 0)
        for arguments, words in ((["-n", "x"], "--lines x: expected"), (["-n", "10001"], "from 0 to 10000"),
                                 (["-n", "0"], "--lines 0 is for --follow"), (["--until", "1h"], "--until"),
                                 (["-o", "json"], "table, ndjson or csv"), (["--level", "x"], "deletes_only"),
                                 (["-o", "ndjson", "--columns", "user"], "--columns is for")):
            result = self.run_command("tail", *arguments)
            self.assertEqual(result.code, 2, result)
            self.assertIn(words, result.err)

    def test_help_names_every_option(self):
        text = self.run_command("tail", "--help").out
        for name in ("--follow", "--lines", "--since", "--user", "--email", "--team", "--resource", "--action",
                     "--operation", "--outcome", "--level", "--correlation-id", "--classification",
                     "--requires-review", "--output", "--columns", "--no-spool", "columns: id"):
            self.assertIn(name, text)
        self.assertNotIn("--after", text)


if __name__ == "__main__":
    unittest.main()
