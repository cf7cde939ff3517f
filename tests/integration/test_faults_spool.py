"""Goal: whatever happens to the spool, nothing accepted is lost without a record that says so, and no start is refused.

Method: the disk under the spool is filled, made to fail, or changed byte by byte after a kill; the clock is set back;
several processes want the same remains. What must come out is worked out by a reader of the format that shares no code
with the library (spool_format.py), and by the recorder's own tally.
"""
import mmap
import os
import random
import shutil
import struct
import subprocess
import unittest

from places import Disk, Memory
from recorder_support import (CLOCK_SHIM, DROPPED, FAULT_SHIM, FULL, OK, PENDING, REFUSED, SOAK, RecorderCase,
                              moves_the_clock)
from spool_format import FLAG_CLOCK_STEPPED_BACK, PAGE, Spool

MIB = 1 << 20
SEED = int(os.environ.get("AUDITTRAIL_SEED", str(random.randrange(1 << 30))))


class Full(RecorderCase):
    def told_as_lost(self, counter):
        return sum(record[counter] for record in self.control_records("events_lost")
                   if record["reason"] == "spool_full")

    def check_end(self, recorder):
        self.assertEqual(self.spools(), [])
        self.assert_stored_exactly_once()
        self.assert_accounting(tolerance=0)
        self.assertLessEqual(len(recorder.notices), 2, recorder.notices)

    def test_full_disk_refuses_events_with_a_code_and_tells_how_many(self):
        place = Memory(self, "small", "24m")
        self.create_store()
        self.env.update({"AUDIT_TRAIL_SPOOL_DIR": place.path, "AUDIT_TRAIL_SPOOL_MAX_BYTES": str(64 * MIB)})
        lock = self.lock_store()
        recorder = self.recorder("--threads", 2, "--rate", 4000, "--size", 4000, "--close")
        self.wait_for_events(recorder, 500, FULL)
        taken = os.statvfs(place.path)
        place.fill()
        self.wait_for_events(recorder, 1000, FULL)
        os.unlink(os.path.join(place.path, "filler"))
        lock.close()
        accepted = recorder.so_far().by_code()[OK]
        self.wait_for_events(recorder, accepted + 500, OK)
        self.end(recorder)

        codes = self.tally.by_code()
        refused = codes[FULL]
        print(f"disk of {taken.f_blocks * taken.f_frsize // MIB} MiB: {codes[OK]} accepted, {refused} refused as full; "
              f"told as lost: {self.control_records('events_lost')}", flush=True)
        self.assertEqual(set(codes), {OK, REFUSED, FULL})
        self.assertEqual(self.told_as_lost("rejected"), refused)
        self.check_end(recorder)

    def run_at_limit(self, mode, code, counter):
        self.create_store()
        self.env.update({"AUDIT_TRAIL_SPOOL_MAX_BYTES": str(4 * MIB), "AUDIT_TRAIL_OVERFLOW": mode})
        lock = self.lock_store()
        recorder = self.recorder("--threads", 2, "--rate", 2000, "--size", 4000, "--close")
        self.wait_for_events(recorder, 50 if mode == "block" else 500, code)
        waiting = self.stats()
        lock.close()
        self.wait_for_events(recorder, recorder.so_far().by_code()[OK] + 500, OK)
        self.end(recorder)
        codes = self.tally.by_code()
        print(f"{mode}: {dict(codes)}; the slowest call took {recorder.slowest_s:.3f} s; told as lost: "
              f"{self.told_as_lost(counter)}; spool at the limit: {waiting['spool']['bytes']} bytes", flush=True)
        self.assertEqual(set(codes), {OK, REFUSED, code})
        self.assertEqual(self.told_as_lost(counter), codes[code])
        self.assertEqual(self.stats()["operations"]["create"][counter], codes[code])
        self.assertLessEqual(waiting["spool"]["bytes"], 4 * MIB)
        self.check_end(recorder)
        return recorder

    def test_limit_with_overflow_fail(self):
        self.run_at_limit("fail", FULL, "rejected")

    def test_limit_with_overflow_drop(self):
        self.run_at_limit("drop", DROPPED, "dropped")

    def test_limit_with_overflow_block(self):
        recorder = self.run_at_limit("block", FULL, "rejected")
        self.assertGreaterEqual(recorder.slowest_s, 0.05)

    def test_control_with_room_nothing_is_refused(self):
        self.create_store()
        lock = self.lock_store()
        recorder = self.recorder("--threads", 2, "--rate", 2000, "--size", 4000, "--close")
        self.wait_for_events(recorder, 2500, OK)
        lock.close()
        self.end(recorder)
        self.assertEqual(set(self.tally.by_code()), {OK, REFUSED})
        self.assertEqual(self.control_records("events_lost"), [])

    def test_spool_that_cannot_be_opened_on_a_full_disk_is_opened_later(self):
        place = Memory(self, "small", "24m")
        filler = place.fill()
        self.env["AUDIT_TRAIL_SPOOL_DIR"] = place.path
        recorder = self.recorder("--rate", 1000, "--close")
        self.wait_for_events(recorder, 200, FULL)
        os.unlink(filler)
        self.wait_for_events(recorder, 200, OK)
        self.end(recorder)
        print(f"spool that cannot be opened: {dict(self.tally.by_code())}; notices: {recorder.notices}", flush=True)
        self.assertEqual(len(recorder.notices), 1, recorder.notices)
        self.assertEqual(self.spools(), [])
        self.assert_stored_exactly_once()


class Damage(RecorderCase):
    """The spool of a killed process is changed, then the next start must make the best of it."""

    # Three segments of 2 MiB with large events, and one with small ones.
    SHAPES = {"large": ("--threads", 2, "--events", 800, "--size", 3000), "small": ("--events", 200)}

    def make_remains(self, shape):
        """A state directory as a kill leaves it, nothing of it stored; it is copied for every case."""
        shutil.rmtree(self.state, ignore_errors=True)
        self.env["AUDIT_TRAIL_SPOOL_MAX_BYTES"] = str(8 * MIB)
        recorder = self.recorder(*self.SHAPES[shape], env={"AUDIT_TRAIL_BUFFER_FLUSH_INTERVAL": "3600",
                                                           "AUDIT_TRAIL_BUFFER_MAX_SIZE": "10000"})
        self.assertEqual(recorder.wait(), 0, recorder.err)
        self.template = self.path(f"template-{shape}")
        shutil.move(self.state, self.template)
        (name,) = os.listdir(os.path.join(self.template, "spool"))
        self.writer = name
        self.accepted = {key: recorder.so_far().codes[key] for key in recorder.so_far().accepted}
        return Spool(os.path.join(self.template, "spool", name))

    def fresh_copy(self):
        shutil.rmtree(self.state, ignore_errors=True)
        # Sparse, or every case would write 8 MiB.
        subprocess.run(["cp", "-r", "--sparse=always", self.template, self.state], check=True)
        return os.path.join(self.state, "spool", self.writer)

    def recover_and_compare(self, directory, what):
        """Whatever was done to it: expected is what the independent reader finds."""
        spool = Spool(directory)
        expected = {event.resource_id for event in spool.events if not event.flags & 64}
        gaps = spool.gaps()
        broken = sum(segment.state == "damaged" for segment in spool.segments)
        recorder = self.run_recorder("--events", 1, "--close")
        stored = self.stored()
        own = {key for key in stored if key.startswith(f"{recorder.run}-")}
        self.assertEqual({key: count for key, count in stored.items() if count != 1}, {}, what)
        self.assertEqual(set(stored) - own, expected, what)
        told = [(record.get("first_seq", record.get("after_seq", 0) + 1), record.get("last_seq"))
                for record in self.control_records("events_lost") if record["reason"] == "damaged"]
        self.assertEqual(told, gaps, what)
        left = self.spools()
        quarantined = [name for name in os.listdir(directory) if name.endswith(".seg.quarantine")] if left else []
        self.assertEqual(len(quarantined), broken, what)
        self.assertEqual(left, [self.writer] if broken else [], what)
        self.assertEqual([name for name in os.listdir(directory) if name not in quarantined] if left else [], [], what)
        return len(expected), gaps, broken

    def damage(self, spool, shape, places):
        lost = gaps_told = quarantined = missed = 0
        total = len([event for event in spool.events if not event.flags & 64])
        self.assertEqual(total, len(self.accepted))
        for what, change in places:
            directory = self.fresh_copy()
            change(directory)
            found, gaps, broken = self.recover_and_compare(directory, f"{shape}: {what}; seed {SEED}")
            lost += total - found
            gaps_told += len(gaps)
            quarantined += broken
            missed += found == total
        print(f"seed {SEED}; {shape}: {len(places)} spools damaged, {total} events each: {lost} events lost, "
              f"{gaps_told} gaps told, {quarantined} segments quarantined, {missed} times nothing was hit", flush=True)
        return lost

    @staticmethod
    def flip(segment, offset, mask):
        def change(directory):
            with open(os.path.join(directory, os.path.basename(segment.path)), "r+b") as file:
                file.seek(offset)
                byte = file.read(1)[0]
                file.seek(offset)
                file.write(bytes([byte ^ mask]))
        return f"byte {offset} of {os.path.basename(segment.path)} ^ {mask:#04x}", change

    @staticmethod
    def cut(segment, size):
        def change(directory):
            os.truncate(os.path.join(directory, os.path.basename(segment.path)), size)
        return f"{os.path.basename(segment.path)} cut to {size}", change

    def flips(self, spool, dice, count):
        places = []
        for segment in spool.segments:
            if segment.state != "used":
                continue
            events = segment.events
            for frame in (events[0], dice.choice(events), events[-1]):
                places += [self.flip(segment, frame.offset + at, 1 << dice.randrange(8))
                           for at in (0, 3, 5, 8, 17, 25, 32, 34, 36, dice.randrange(36, frame.end - frame.offset - 8))]
            places += [self.flip(segment, dice.randrange(240), 1 << dice.randrange(8)) for _ in range(3)]
            places.append(self.flip(segment, dice.randrange(240, PAGE), 0x40))
            places.append(self.flip(segment, events[-1].end, 0x01))
            places.append(self.flip(segment, len(segment.bytes) - 1, 0x80))
        return dice.sample(places, min(count, len(places)))

    def cuts(self, spool, dice, count):
        places = []
        for segment in spool.segments:
            if segment.state != "used":
                continue
            events = segment.events
            middle = events[len(events) // 2]
            places += [self.cut(segment, size) for size in (
                0, 100, PAGE - 1, PAGE, PAGE + 20, middle.offset, middle.offset + 20, middle.offset + 100, middle.end,
                (middle.offset | PAGE - 1) + 1, events[-1].offset, events[-1].end, len(segment.bytes) - PAGE)]
        return dice.sample(places, min(count, len(places)))

    def test_flipped_bits_lose_exactly_what_is_told(self):
        dice = random.Random(SEED)
        lost = 0
        for shape, count in (("small", 24), ("large", 6)):
            spool = self.make_remains(shape)
            lost += self.damage(spool, shape, self.flips(spool, dice, 1000 if SOAK else count))
        self.assertGreater(lost, 5, "the damage struck nothing")

    def test_cut_segments_lose_exactly_what_is_told(self):
        dice = random.Random(SEED)
        lost = 0
        for shape, count in (("small", 13), ("large", 6)):
            spool = self.make_remains(shape)
            lost += self.damage(spool, shape, self.cuts(spool, dice, 1000 if SOAK else count))
        self.assertGreater(lost, 100, "the cuts struck nothing")

    def test_every_kind_of_damage_at_once(self):
        dice = random.Random(SEED)
        spool = self.make_remains("large")
        for _ in range(10 if SOAK else 3):
            places = dice.sample(self.flips(spool, dice, 1000), 8) + self.cuts(spool, dice, 1)

            def all_of_them(directory, places=places):
                for _, change in places:
                    change(directory)
            self.damage(spool, "large", [("; ".join(what for what, _ in places), all_of_them)])

    def test_control_undamaged_remains_lose_nothing_and_tell_nothing(self):
        for shape in self.SHAPES:
            spool = self.make_remains(shape)
            self.assertEqual(spool.gaps(), [])
            self.assertEqual(self.damage(spool, shape, [("nothing", lambda directory: None)]), 0)

    def test_foreign_files_in_the_spool_directory_are_left_alone(self):
        self.make_remains("small")
        directory = self.fresh_copy()
        foreign = {"README": b"hello", "6ba7b810-9dad-11d1-80b4-00c04fd430c8": b"a file with a writer's name",
                   "0f0e0d0c-0b0a-4908-8706-050403020100/note": b"a directory without lock and segments",
                   "0f0e0d0c-0b0a-4908-8706-050403020101/lock": b"", "..x/y": b"z", "not-a-uuid/00000001.seg": b"junk",
                   "0f0e0d0c-0b0a-4908-8706-050403020101/00000001.seg": os.urandom(3 * PAGE)}
        root = os.path.join(self.state, "spool")
        for name, data in foreign.items():
            os.makedirs(os.path.dirname(os.path.join(root, name)), exist_ok=True)
            with open(os.path.join(root, name), "wb") as file:
                file.write(data)
        os.mkfifo(os.path.join(root, "0f0e0d0c-0b0a-4908-8706-050403020102"))
        os.makedirs(os.path.join(root, "0f0e0d0c-0b0a-4908-8706-050403020103"))
        os.symlink("/etc/passwd", os.path.join(root, "0f0e0d0c-0b0a-4908-8706-050403020103", "lock"))
        self.run_recorder("--events", 1, "--close")
        for name, data in foreign.items():
            with open(os.path.join(root, name), "rb") as file:
                self.assertEqual(file.read(), data, name)
        self.assertFalse(os.path.exists(directory))
        self.assertEqual(set(self.stored()) - {f"{self.runs}-0-0"}, set(self.accepted))


class FailingDisk(RecorderCase):
    def shim(self, **faults):
        self.report = self.path("struck")
        return {**{f"FAULT_{call.upper()}": plan for call, plan in faults.items()}, "FAULT_REPORT": self.report}

    def struck(self):
        if not os.path.exists(self.report):
            return []
        with open(self.report) as file:
            return file.read().split()

    def run_with(self, env, *arguments):
        recorder = self.recorder("--threads", 2, "--rate", 500, "--events", 1000, "--close", *arguments, env=env,
                                 preload=FAULT_SHIM)
        self.assertEqual(recorder.wait(), 0, recorder.err)
        recorder.tell(self.tally)
        struck = self.struck()
        print(f"struck: {len(struck)}; notices: {recorder.notices}; codes: {dict(self.tally.by_code())}", flush=True)
        self.assertEqual(self.spools(), [])
        self.assert_stored_exactly_once()
        self.assert_accounting(tolerance=0)
        return recorder, struck

    def test_process_goes_on_in_the_next_segment_when_a_sync_fails(self):
        recorder, struck = self.run_with(self.shim(msync="1"))
        self.assertEqual(struck, ["msync"])
        self.assertEqual(len(recorder.notices), 1, recorder.notices)
        self.assertIn("cannot sync", recorder.notices[0])
        self.assertEqual(set(self.tally.by_code()), {OK, REFUSED})

    def test_process_survives_a_disk_that_never_syncs(self):
        recorder, struck = self.run_with(self.shim(msync="1+"))
        self.assertGreaterEqual(len(struck), 2)
        self.assertEqual(set(self.tally.by_code()), {OK, REFUSED})
        self.assertLessEqual(len(recorder.notices), len(struck))

    def test_machine_says_pending_to_those_who_wait_for_the_disk(self):
        self.env.update({"AUDIT_TRAIL_SPOOL_DIR": os.path.join(Disk(self, "disk", "ext4").path, "spool"),
                         "AUDIT_TRAIL_DURABILITY": "machine"})
        recorder, struck = self.run_with(self.shim(msync="40"))
        self.assertEqual(struck, ["msync"])
        self.assertEqual(len(recorder.notices), 1, recorder.notices)
        pending = self.tally.with_code(PENDING)
        self.assertTrue(1 <= len(pending) <= 2, pending)

    def test_segment_that_cannot_be_made_refuses_and_is_tried_again(self):
        self.env["AUDIT_TRAIL_SPOOL_MAX_BYTES"] = str(64 * MIB)
        self.create_store()
        lock = self.lock_store()
        # 1: accounts, 2: the first segment; then two attempts at the next one.
        env = {**self.shim(fallocate="3+"), "AUDIT_TRAIL_SPOOL_MAX_BYTES": str(8 * MIB)}
        recorder = self.recorder("--threads", 2, "--rate", 2000, "--size", 4000, "--close", env=env, preload=FAULT_SHIM)
        self.wait_for_events(recorder, 100, FULL)
        lock.close()
        self.end(recorder)
        print(f"reservations failed: {len(self.struck())}; {dict(self.tally.by_code())}", flush=True)
        self.assertGreaterEqual(len(self.struck()), 1)
        self.assert_stored_exactly_once()
        self.assert_accounting(tolerance=0)

    def test_store_whose_commits_cannot_be_synced(self):
        recorder, struck = self.run_with(self.shim(fdatasync="3", fsync="12"))
        self.assertGreaterEqual(len(struck), 1)
        self.assertEqual(set(self.tally.by_code()), {OK, REFUSED})
        self.assertLessEqual(len(recorder.notices), 4)

    def test_control_without_a_fault_nothing_is_noticed(self):
        recorder, struck = self.run_with(self.shim())
        self.assertEqual((struck, recorder.notices), ([], []))


class Clock(RecorderCase):
    @moves_the_clock
    def test_clock_that_is_set_back_delays_and_loses_nothing(self):
        path = self.path("clock")
        with open(path, "wb") as file:
            file.write(bytes(256))
        with open(path, "r+b") as file:
            clock = mmap.mmap(file.fileno(), 256)
        self.addCleanup(clock.close)
        env = {"CLOCK_SHIM_FILE": path, "CLOCK_SHIM_REALTIME": "1", "AUDIT_TRAIL_BUFFER_FLUSH_INTERVAL": "2",
               "AUDIT_TRAIL_BUFFER_MAX_SIZE": "10000"}
        recorder = self.recorder("--rate", 200, "--close", env=env, preload=CLOCK_SHIM)
        self.wait_for_events(recorder, 30)
        struct.pack_into("<q", clock, 0, -3600 * 1_000_000)
        stepped = set(recorder.so_far().codes)
        self.wait_for_events(recorder, len(stepped) + 100)
        before = set(recorder.so_far().accepted)
        self.wait_for(lambda: before <= set(self.stored()), "events are stored within their interval", timeout=10)
        self.end(recorder)

        rows = self.rows("SELECT resource_id, seq, flags, timestamp_us FROM audit_trail ORDER BY seq")
        flagged = [row for row in rows if row["flags"] & FLAG_CLOCK_STEPPED_BACK]
        print(f"clock set back an hour: flagged {flagged}", flush=True)
        self.assertEqual(len(flagged), 1)
        order = [int(row["resource_id"].split("-")[2]) for row in rows if row["resource_id"]]
        self.assertEqual(order, sorted(order))
        index = [row["seq"] for row in rows].index(flagged[0]["seq"])
        self.assertLess(rows[index]["timestamp_us"], rows[index - 1]["timestamp_us"] - 3_000_000_000)
        ids = {row["seq"] for row in self.rows("SELECT seq FROM audit_events")}
        self.assertEqual(ids, set(range(1, max(ids) + 1)))
        self.assert_stored_exactly_once()
        self.assert_accounting(tolerance=0)


class Shared(RecorderCase):
    def test_remains_that_two_processes_want_at_once_are_stored_once(self):
        rounds = 100 if SOAK else 12
        for _ in range(rounds):
            dead = self.recorder("--threads", 2, "--events", 100, env={"AUDIT_TRAIL_BUFFER_FLUSH_INTERVAL": "60"})
            dead.wait()
            dead.tell(self.tally)
            self.assertEqual(len(self.spools()), 1)
            both = [self.recorder("--events", 5, "--close") for _ in range(2)]
            for recorder in both:
                self.assertEqual(recorder.wait(), 0, recorder.err)
                self.assertEqual(recorder.notices, [])
                recorder.tell(self.tally)
            self.assertEqual(self.spools(), [])
        self.assert_stored_exactly_once()
        self.assert_accounting(tolerance=0)
        recovered = self.control_records("trail_recovered")
        events = sum(record["events"] for record in recovered)
        print(f"{rounds} rounds: {len(recovered)} remains were told as recovered, {events} events", flush=True)
        self.assertEqual(len(recovered), rounds)
        self.assertEqual(len({record["writer"] for record in recovered}), rounds)

    def test_services_with_different_stores_leave_each_others_remains_alone(self):
        other = {"AUDIT_TRAIL_DATABASE_URL": f"sqlite:{self.path('other.db')}", "AUDIT_TRAIL_SERVICE": "other"}
        later = {"AUDIT_TRAIL_BUFFER_FLUSH_INTERVAL": "60"}
        ours = self.recorder("--events", 100, env=later)
        theirs = self.recorder("--events", 60, env={**other, **later})
        for recorder in (ours, theirs):
            self.assertEqual(recorder.wait(), 0, recorder.err)
        self.run_recorder("--events", 1, "--close", env={"AUDIT_TRAIL_DATABASE_URL": f"sqlite:{self.path('third.db')}"})
        self.assertEqual(len(self.spools()), 2)

        self.run_recorder("--events", 1, "--close")
        self.assertEqual(len(self.spools()), 1)
        ours.tell(self.tally)
        self.tally.codes.pop("3-0-0")
        self.assert_stored_exactly_once()
        stats = self.stats()
        (foreign,) = [writer for writer in stats["writers"] if writer["foreign"]]
        waiting = foreign["operations"]["create"]["waiting"]
        print(f"stats lists {foreign['service']} as foreign, with {waiting} events waiting", flush=True)
        self.assertEqual((foreign["service"], foreign["alive"]), ("other", False))
        self.assertEqual(waiting, len(theirs.so_far().accepted))

        self.run_recorder("--events", 1, "--close", env=other)
        self.assertEqual(self.spools(), [])
        self.database = self.path("other.db")
        self.assertEqual(set(self.stored()), theirs.so_far().accepted | {f"{self.runs}-0-0"})


if __name__ == "__main__":
    unittest.main()
