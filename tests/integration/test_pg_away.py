"""Goal: whatever is wrong with a PostgreSQL server, callers do not notice, the operator is told why, and what was
accepted is stored once when it is mended. A password is never shown.

Method: a recorder records while the server is suspended, full, read-only, refuses the password or the privilege, has no
such database, or a newer schema. `stats` and the recorder's own words must name the cause.
"""
import os
import re
import tempfile
import unittest

from pg_support import PostgresqlCase
from places import Memory
from postgresql_server import Server
from recorder_support import OK, SOAK

AGAIN = "the store is reachable again"
HELD_UP_S = 4  # Below the 5 s that the store waits for anything, far above what a busy machine does to a thread.
PASSWORD = "geheim-7f3a"
# What a suspended server may cost its client, of memory that is no file: one batch (AUDIT_TRAIL_BUFFER_MAX_SIZE, 500
# events, each below 1 KiB here) as events and as a COPY, in buffers that double, and as much again for libpq and
# malloc.
MEMORY_KIB = 500 * 1 * 2 * 2 * 2


class Away(PostgresqlCase):
    """Each test has a reason for which the store is away, in the server's words."""

    def outlast(self, recorder, mend, words, stats=True):
        """The recorder meets the fault and says so; events go on being accepted; mended, each is stored once. `stats`
        only reads: what keeps it from that, it says as well; otherwise it counts what waits."""
        self.wait_for(lambda: recorder.notices, "the store is missed")
        self.assertRegex(recorder.notices[0], words)
        self.wait_for_events(recorder, 100, OK)
        seen = self.stats(code=5 if stats else 0)
        self.assertGreater(seen["operations"]["create"]["waiting"], 0)
        seen = seen["store"].get("error") or ""
        self.assertRegex(seen, words if stats else "^$")
        before = len(recorder.so_far().codes)
        self.wait_for_events(recorder, before + 300)
        mend()
        self.wait_for(lambda: any(AGAIN in notice for notice in recorder.notices), "the store is used again", 60)
        self.assert_each_once(recorder)
        self.assertLess(recorder.slowest_s, HELD_UP_S)
        told = [notice for notice in recorder.notices if AGAIN not in notice]
        print(f"told: {told}; stats: {seen}", flush=True)
        self.assertNotIn(PASSWORD, recorder.err + seen)

    def test_a_database_that_does_not_exist_and_is_created_later(self):
        self.store.drop()
        recorder = self.record_throughout()
        self.outlast(recorder, lambda: self.server.sql(f"CREATE DATABASE {self.store.name}"), "does not exist")

    def test_a_wrong_password(self):
        role = f"{self.store.name}_role"
        self.server.sql(f"CREATE ROLE {role} SUPERUSER LOGIN PASSWORD 'another'")
        hba = os.path.join(self.server.data, "pg_hba.conf")
        with open(hba, encoding="utf-8") as file:
            rules = file.read()
        with open(hba, "w", encoding="utf-8") as file:
            file.write(f"host all {role} 127.0.0.1/32 scram-sha-256\n{rules}")
        self.server.sql("SELECT pg_reload_conf()")
        self.use_url(f"postgresql://{role}:{PASSWORD}@127.0.0.1:{self.server.port}/{self.store.name}")
        recorder = self.record_throughout()
        self.outlast(recorder, lambda: self.server.sql(f"ALTER ROLE {role} PASSWORD '{PASSWORD}'"),
                     "password authentication failed")

    def test_a_role_without_the_privilege(self):
        self.create_store()
        role = self.use_role("GRANT SELECT ON ALL TABLES IN SCHEMA audittrail TO {role}")
        recorder = self.record_throughout()
        rights = (f"GRANT ALL ON ALL TABLES IN SCHEMA audittrail TO {role}; "
                  f"GRANT EXECUTE ON ALL FUNCTIONS IN SCHEMA audittrail TO {role}")
        self.outlast(recorder, lambda: self.store.execute(rights), "permission denied for table", stats=False)

    def test_a_server_that_is_read_only_for_a_while(self):
        self.create_store()
        self.server.sql(f"ALTER DATABASE {self.store.name} SET default_transaction_read_only = on")
        recorder = self.record_throughout()
        self.outlast(recorder, lambda: self.server.sql(
            f"ALTER DATABASE {self.store.name} RESET default_transaction_read_only"), "read-only", stats=False)

    def test_a_newer_schema(self):
        self.create_store()
        self.store.execute("UPDATE audit_store SET schema_version = 99")
        recorder = self.record_throughout()
        self.outlast(recorder, lambda: self.store.execute("UPDATE audit_store SET schema_version = 2"),
                     r"schema version 99, made by a newer audittrail; this one knows up to 2")

    def test_an_older_schema_that_the_role_may_not_change(self):
        self.create_store()
        self.use_role("GRANT ALL ON ALL TABLES IN SCHEMA audittrail TO {role}; "
                      "GRANT EXECUTE ON ALL FUNCTIONS IN SCHEMA audittrail TO {role}; "
                      "UPDATE audit_store SET schema_version = 1")
        recorder = self.record_throughout()
        self.outlast(recorder, lambda: self.store.execute("UPDATE audit_store SET schema_version = 2"),
                     "has schema version 1 and needs 2.*: run `audittrail migrate` as the owner of the schema")
        self.assertIn("this role may not change that", recorder.notices[0])

    def test_an_older_schema_that_the_role_may_change_is_brought_up_to_date(self):
        script = self.run_command("migrate", "--print").out
        first = re.search(r"\\if :due\n(.*?)\\endif\n", script, re.S).group(1)
        self.store.execute(first + "UPDATE audittrail.audit_store SET schema_version = 1")
        recorder = self.record_throughout()
        self.assert_each_once(recorder)
        self.assertEqual(self.store.rows("SELECT schema_version FROM audit_store"), [{"schema_version": 2}])


class Suspended(PostgresqlCase):
    def memory_kib(self, recorder):
        with open(f"/proc/{recorder.process.pid}/status", encoding="ascii") as file:
            return next(int(line.split()[1]) for line in file if line.startswith("RssAnon:"))

    def test_a_server_that_is_suspended_under_load(self):
        """Requests go on, memory stays, nothing is lost. For a minute with AUDITTRAIL_SOAK=1."""
        recorder = self.recorder("--threads", 2, "--rate", 2000, "--close")
        self.wait_for(lambda: sum(self.stored().values()) > 1000, "events are stored")
        before = self.memory_kib(recorder)
        hold = self.store.hold()
        self.addCleanup(hold.close)
        count = len(recorder.so_far().accepted)
        self.wait_for(self.store.is_asked, "a batch is sent that nobody reads")
        more = 240_000 if SOAK else 12_000
        self.wait_for_events(recorder, len(recorder.so_far().codes) + more, timeout=180)
        after = self.memory_kib(recorder)
        hold.close()
        self.wait_for(lambda: sum(self.stored().values()) > count, "events are stored again", 90)
        self.assert_each_once(recorder)
        print(f"{more} calls while the server was suspended; memory of the client {before} -> {after} KiB; the slowest "
              f"call took {recorder.slowest_s:.6f} s", flush=True)
        self.assertLess(after - before, MEMORY_KIB)
        self.assertLess(recorder.slowest_s, HELD_UP_S)


class Full(PostgresqlCase):
    """The whole server on a small file system of its own."""

    @classmethod
    def setUpClass(cls):
        cls.server = None  # It is made where each test mounts something.

    def use_state(self, name):
        place = Memory(self, "disk", "160m")
        os.chmod(place.path, 0o755)
        os.chmod(self.dir, 0o755)
        self.place = place
        self.server = Server(os.path.join(place.path, "server"), fsync="off", max_wal_size="'48MB'",
                             min_wal_size="'32MB'", shared_buffers="'16MB'")
        self.addCleanup(self.server.remove)
        self.server.start()
        super().use_state(name)

    def test_a_disk_that_is_full_for_a_while(self):
        recorder = self.recorder("--threads", 2, "--rate", 1000, "--size", 2000, "--close")
        self.wait_for(lambda: sum(self.stored().values()) > 1000, "events are stored")
        filler = self.place.fill()
        self.wait_for(lambda: recorder.notices, "the store is missed", 60)
        with open(self.server.log, encoding="utf-8") as log:
            self.assertIn("No space left on device", log.read())
        self.wait_for_events(recorder, len(recorder.so_far().codes) + 300)
        os.unlink(filler)
        if not os.path.exists(f"/proc/{self.server_pid()}"):
            self.server.start()  # Without room for its log the whole server stops, and somebody starts it.
        self.wait_for(lambda: any(AGAIN in notice for notice in recorder.notices), "the store is used again", 60)
        self.assert_each_once(recorder)
        print(f"told: {recorder.notices[:2]}; {len(self.tally.accepted)} events, each stored once", flush=True)

    def server_pid(self):
        try:
            return self.server.pid()
        except (OSError, ValueError):
            return 0


if __name__ == "__main__":
    unittest.main()
