"""What the tests of stores stand on: a store that is looked into, tampered with, locked and held does what it says.

Goal:   each store is empty at first, another one for each test, is told apart from one that was opened, and is away
        exactly as long as it is held; what has no meaning on it is not there.
Method: the store of AUDITTRAIL_TEST_STORE and SQL of our own, through the URL that the programs get, too.
"""
import os
import shutil
import sqlite3
import subprocess
import tempfile
import threading
import unittest

import stores
from stores import KIND, StoreError, only_on


class Stores(unittest.TestCase):
    SUSPENDS = True

    def setUp(self):
        self.directory = tempfile.mkdtemp(prefix="stores-test-")
        self.addCleanup(shutil.rmtree, self.directory)
        self.store = self.another("audit.db")

    def another(self, name):
        return stores.fresh(self, os.path.join(self.directory, name))

    def write(self, sql, **options):
        """Somebody else's write, by the programs' URL; whether it worked."""
        if self.store.path:
            connection = sqlite3.connect(self.store.path, isolation_level=None, timeout=0)
            try:
                connection.execute(sql)
            except sqlite3.OperationalError:
                return False
            finally:
                connection.close()
            return True
        return subprocess.run(stores.psql(self.store.url), input=f"SET lock_timeout = 1; {sql}", text=True,
                              capture_output=True, check=False, **options).returncode == 0

    def make(self):
        """What the locks are about."""
        if self.store.path:  # As ours are: who reads is not kept waiting by who writes.
            with sqlite3.connect(self.store.path) as connection:
                connection.execute("PRAGMA journal_mode = WAL")
            connection.close()
        self.store.execute("CREATE TABLE audit_writers (id integer)" if self.store.path else
                           "CREATE SCHEMA audittrail; CREATE TABLE audittrail.audit_writers (id integer)")

    TABLE = "audit_writers" if KIND == "sqlite" else "audittrail.audit_writers"
    INSERT = f"INSERT INTO {TABLE} VALUES (1)"

    def test_it_is_empty_until_it_is_opened_and_each_test_has_its_own(self):
        self.assertFalse(self.store.was_opened())
        self.assertTrue(self.write("CREATE TABLE other (id integer)"))
        self.assertTrue(self.store.was_opened())
        self.assertFalse(self.another("other.db").was_opened())

    def test_our_own_looks_do_not_count(self):
        with self.assertRaises(StoreError):
            self.store.rows("SELECT * FROM audit_writers")
        self.assertFalse(self.store.was_opened())
        self.assertFalse(self.store.is_made())
        self.make()
        self.assertTrue(self.store.is_made())

    def test_values_come_back(self):
        self.make()
        self.store.execute("INSERT INTO audit_writers VALUES (7), (8)")
        self.assertEqual(self.store.rows("SELECT id, 'it''s' AS word FROM audit_writers WHERE id > ? ORDER BY id", 6),
                         [{"id": 7, "word": "it's"}, {"id": 8, "word": "it's"}])
        point = self.store.us(self.store.at(1_700_000_000_123_456))
        self.assertEqual(self.store.rows(f"SELECT {point} AS n"), [{"n": 1_700_000_000_123_456}])
        with self.assertRaises(StoreError):
            self.store.execute("INSERT INTO audit_writers VALUES (9); INSERT INTO nowhere VALUES (1)")
        self.assertEqual(self.store.rows("SELECT count(*) AS n FROM audit_writers"), [{"n": 2}])

    def test_a_locked_store_is_read_and_not_written(self):
        self.make()
        self.assertTrue(self.write(self.INSERT))
        lock = self.store.lock()
        self.assertFalse(self.write("UPDATE" + f" {self.TABLE} SET id = 2"))
        self.assertEqual(self.store.rows("SELECT id FROM audit_writers"), [{"id": 1}])
        lock.close()
        lock.close()  # As a test's clean-up does.
        self.assertTrue(self.write(f"UPDATE {self.TABLE} SET id = 2"))

    @only_on("postgresql pgbouncer", "a server is suspended")
    def test_a_held_server_answers_nobody_and_then_everybody(self):
        self.make()
        hold = self.store.hold()
        self.addCleanup(hold.close)
        self.assertFalse(self.store.is_asked())
        answers = []
        thread = threading.Thread(target=lambda: answers.append(self.write(self.INSERT)))
        thread.start()
        while not self.store.is_asked():
            thread.join(0.01)
        self.assertEqual(answers, [])
        hold.close()
        thread.join()
        self.assertEqual(answers, [True])

    @only_on("pgbouncer", "it is what is between")
    def test_the_programs_go_through_pgbouncer_and_we_do_not(self):
        self.assertNotEqual(self.store.url, self.store.direct_url)
        said = subprocess.run(stores.psql(self.store.url), input="SHOW search_path", text=True, capture_output=True,
                              check=True)
        self.assertNotIn("audittrail", said.stdout, "transaction mode keeps no settings of a session")


if __name__ == "__main__":
    unittest.main()
