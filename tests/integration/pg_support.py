"""What the fault tests of PostgreSQL share: a server of the class's own, and a batch that is caught alive.

A batch is caught by a lock on the ledger, which is written last: whoever waits for it has moved the fence and sent its
rows, and has not committed. So a fault strikes when it is meant to, and the test can say that it did.
"""
import os
import signal
import sys
import tempfile

import stores
from recorder_support import OK, RecorderCase
from stores import Session

sys.path.insert(0, os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "support"))
from lossy_proxy import LossyProxy  # noqa: E402, F401 - for whoever imports this
from postgresql_server import Server, end  # noqa: E402

OURS = "application_name = 'audittrail' AND datname = current_database()"


class PostgresqlCase(RecorderCase):
    """A test with a database of its own on a server of the class's own, that may be crashed and suspended."""

    SETTINGS = {"fsync": "off"}  # What the server wrote, the system has; no test here cuts the power.

    @classmethod
    def make_server(cls):
        return Server(tempfile.mkdtemp(prefix="postgresql-"), **cls.SETTINGS)

    @classmethod
    def setUpClass(cls):
        cls.server = cls.make_server()
        cls.addClassCleanup(lambda: cls.server.remove())
        cls.server.start()

    def use_state(self, name):
        self.state = self.path(name)
        self.env["AUDIT_TRAIL_STATE_DIR"] = self.state
        self.store = stores.PostgresqlStore(self.server.url(), self.server)
        self.use_url(self.store.url)

    def use_url(self, url):
        self.env["AUDIT_TRAIL_DATABASE_URL"] = url

    def use_port(self, port):
        """The same database through something that listens there."""
        self.use_url(f"postgresql://postgres@127.0.0.1:{port}/{self.store.name}")

    def use_role(self, rights):
        """A role that has nothing but these rights (SQL with {role}); the recorders connect as this role."""
        role = f"{self.store.name}_role"
        self.store.execute(f"CREATE ROLE {role} LOGIN; GRANT USAGE ON SCHEMA audittrail TO {role}; "
                           + rights.format(role=role))
        self.use_url(f"postgresql://{role}@127.0.0.1:{self.server.port}/{self.store.name}")
        return role

    def session(self):
        made = Session(self.store)
        self.addCleanup(made.close)
        return made

    def hold_ledger(self):
        """Nobody can end a batch until this is closed."""
        holder = self.session()
        holder.run("BEGIN; LOCK TABLE audit_batches IN SHARE MODE")
        return holder

    def live_batches(self):
        """The backends of batches that wait for the ledger, their rows sent."""
        rows = self.store.rows("SELECT a.pid FROM pg_stat_activity a JOIN pg_locks l ON l.pid = a.pid AND NOT l.granted"
                               " JOIN pg_class c ON c.oid = l.relation AND c.relname = 'audit_batches'"
                               " WHERE a.application_name = 'audittrail' AND a.datname = current_database()")
        return [row["pid"] for row in rows]

    def catch_batch(self):
        """Wait for a batch with its rows sent that is not committed; returns (holder of the ledger, its backend)."""
        holder = self.hold_ledger()
        self.wait_for(lambda: self.live_batches(), "a batch is under way")
        return holder, self.live_batches()[0]

    def crash_server(self):
        """As `pg_ctl stop -m immediate`: every backend is gone at once, nothing is written any more."""
        os.kill(self.server.pid(), signal.SIGQUIT)
        end(self.server.data)
        self.server.start()

    def record_throughout(self, *arguments, **options):
        """A recorder that goes on until it is ended, and closes in order."""
        recorder = self.recorder("--threads", 2, "--rate", 500, "--close", *arguments,
                                 env={"AUDIT_TRAIL_BUFFER_MAX_SIZE": "100"}, **options)
        self.wait_for_events(recorder, 100, OK)
        return recorder

    def assert_each_once(self, recorder):
        self.end(recorder)
        self.assertEqual(self.spools(), [])
        self.assert_stored_exactly_once()
        self.assert_accounting(tolerance=0)
