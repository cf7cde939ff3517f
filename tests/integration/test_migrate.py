"""`audittrail migrate`: the schema of the store, made by the program or by a script that it prints.

Goal:   an owner brings the schema up to date; a database administrator can do exactly the same by psql.
Method: a real server, databases of each test's own; the two ways are compared by pg_dump, and told apart by nothing.
Control: pg_dump of a database in which one index is missing differs.
"""
import os
import re
import sqlite3
import subprocess
import sys
import unittest
import urllib.parse

from support import CommandCase

sys.path.insert(0, os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "support"))
from postgresql_server import binaries  # noqa: E402

VERSION = 2


class Sqlite(CommandCase):
    """A file."""

    def test_it_is_made_once_and_then_there_is_nothing_to_do(self):
        for said in (f"schema created, version {VERSION}", f"schema version {VERSION}, nothing to do"):
            result = self.run_command("migrate")
            self.assertEqual((result.code, result.out), (0, f"sqlite:{self.database}: {said}\n"), result)

    def test_printing_makes_nothing(self):
        self.assertEqual(self.run_command("migrate", "--print").code, 0)
        self.assertFalse(os.path.exists(self.state))

    def schema(self, path):
        connection = sqlite3.connect(path)
        self.addCleanup(connection.close)
        pragmas = [connection.execute(f"PRAGMA {name}").fetchone()[0]
                   for name in ("application_id", "auto_vacuum", "journal_mode")]
        (version, bytes_of_uuid, age) = connection.execute(
            "SELECT schema_version, length(uuid), unixepoch('now') - created_at / 1000000 FROM audit_store").fetchone()
        self.assertTrue(bytes_of_uuid == 16 and -5 < age < 600, (bytes_of_uuid, age))
        objects = connection.execute("SELECT type, name, sql FROM sqlite_schema ORDER BY name").fetchall()
        return pragmas, version, objects

    def test_the_printed_script_makes_the_same_and_the_program_takes_it(self):
        self.run_command("migrate")
        script = self.run_command("migrate", "--print").out
        other = self.path("other.db")
        connection = sqlite3.connect(other, isolation_level=None)
        connection.executescript(re.sub(r"^\.bail on$", "", script, flags=re.M))
        connection.close()
        self.assertEqual(self.schema(other), self.schema(self.database))
        result = self.run_command("migrate", env={"AUDIT_TRAIL_DATABASE_URL": f"sqlite:{other}"})
        self.assertIn("nothing to do", result.out, result)

    def test_a_newer_schema_is_refused(self):
        self.run_command("migrate")
        connection = sqlite3.connect(self.database)
        connection.execute("UPDATE audit_store SET schema_version = 99")
        connection.commit()
        connection.close()
        result = self.run_command("migrate")
        self.assertEqual(result.code, 1, result)
        self.assertIn("made by a newer audittrail", result.err)


class PostgreSql(CommandCase):
    """Databases on the server of the tests."""

    def setUp(self):
        super().setUp()
        with open(os.environ["AUDITTRAIL_TEST_POSTGRESQL"], encoding="utf-8") as file:
            self.server = file.read().strip()
        self.name = f"migrate_{os.getpid()}"
        self.url = self.create(self.name)

    def create(self, name, options=""):
        self.psql(self.server, "-c", f"CREATE DATABASE {name} {options}")
        self.addCleanup(self.psql, self.server, "-c", f"DROP DATABASE {name} WITH (FORCE)")
        return urllib.parse.urlsplit(self.server)._replace(path=f"/{name}").geturl()

    def psql(self, url, *arguments, script=None, code=0):
        done = subprocess.run([os.path.join(binaries(), "psql"), "-X", "-q", "-A", "-t", *arguments, "-d", url],
                              input=script, capture_output=True, text=True, check=False, timeout=120)
        self.assertEqual(done.returncode, code, done.stdout + done.stderr)
        return done.stdout.strip() if code == 0 else done.stderr

    def migrate(self, url, *arguments):
        return self.run_command("migrate", *arguments, env={"AUDIT_TRAIL_DATABASE_URL": url})

    def schema(self, url):
        done = subprocess.run([os.path.join(binaries(), "pg_dump"), "--schema-only", "-d", url], capture_output=True,
                              text=True, check=True, timeout=120)
        return re.sub(r"^\\(un)?restrict .*$", "", done.stdout, flags=re.M)

    def as_role(self, role, url):
        parts = urllib.parse.urlsplit(url)
        return parts._replace(netloc=f"{role}@{parts.hostname}:{parts.port}").geturl()

    def role(self, name, rights):
        self.psql(self.server, "-c", f"CREATE ROLE {name} LOGIN")
        self.addCleanup(self.psql, self.server, "-c", f"DROP ROLE {name}")
        self.psql(self.url, "-c", rights.format(role=name, database=self.name))
        self.addCleanup(self.psql, self.url, "-c", f"DROP OWNED BY {name} CASCADE")
        return self.as_role(name, self.url)

    def test_it_is_made_once_and_then_there_is_nothing_to_do(self):
        for said in (f"schema created, version {VERSION}", f"schema version {VERSION}, nothing to do"):
            result = self.migrate(self.url)
            self.assertEqual((result.code, result.out), (0, f"{self.url}: {said}\n"), result)

    def test_a_role_with_the_right_to_create_in_the_database_is_enough(self):
        owner = self.role(f"owner_{os.getpid()}", "GRANT CREATE ON DATABASE {database} TO {role}")
        self.assertIn("schema created", self.migrate(owner).out)

    def test_psql_makes_the_same_from_the_printed_script(self):
        printed = self.migrate(self.url, "--print")
        self.assertEqual(printed.code, 0, printed)
        self.assertEqual(self.psql(self.url, "-c", "SELECT to_regnamespace('audittrail') IS NULL"), "t")
        other = self.create(f"{self.name}_by_program")
        self.assertIn("schema created", self.migrate(other).out)
        self.assertEqual(self.psql(self.url, "-f", "-", script=printed.out),
                         f"schema version was 0 and is {VERSION}")
        self.assertEqual(self.schema(self.url), self.schema(other))
        self.assertIn("nothing to do", self.migrate(self.url).out)
        row = "SELECT id, schema_version, dims_generation, keep_days FROM audittrail.audit_store"
        self.assertEqual(self.psql(self.url, "-c", row), self.psql(other, "-c", row))
        self.psql(other, "-c", "DROP INDEX audittrail.audit_batches_recorded")
        self.assertNotEqual(self.schema(self.url), self.schema(other), "the comparison sees one index")

    def test_the_script_does_nothing_to_what_is_up_to_date(self):
        self.migrate(self.url)
        before = self.schema(self.url), self.psql(self.url, "-c", "SELECT * FROM audittrail.audit_store")
        said = self.psql(self.url, "-f", "-", script=self.migrate(self.url, "--print").out)
        self.assertEqual(said, f"schema version was {VERSION} and is {VERSION}")
        self.assertEqual((self.schema(self.url), self.psql(self.url, "-c", "SELECT * FROM audittrail.audit_store")),
                         before)

    def test_the_script_continues_from_an_older_version_as_the_program_does(self):
        script = self.migrate(self.url, "--print").out
        first = re.search(r"\\if :due\n(.*?)\\endif\n", script, re.S).group(1)
        other = self.create(f"{self.name}_by_program")
        for url in (self.url, other):
            self.psql(url, "-f", "-", "-v", "ON_ERROR_STOP=1", "-1",
                      script=first + "UPDATE audittrail.audit_store SET schema_version = 1;")
        self.assertIn(f"from version 1 to {VERSION}", self.migrate(other).out)
        self.assertEqual(self.psql(self.url, "-f", "-", script=script), f"schema version was 1 and is {VERSION}")
        self.assertEqual(self.schema(self.url), self.schema(other))

    def test_a_script_that_fails_leaves_nothing(self):
        script = self.migrate(self.url, "--print").out
        broken = script.replace("\nCOMMIT;", "\nSELECT 1 / 0;\nCOMMIT;")
        self.assertIn("division by zero", self.psql(self.url, "-f", "-", script=broken, code=3))
        self.assertEqual(self.psql(self.url, "-c", "SELECT to_regnamespace('audittrail') IS NULL"), "t")

    def test_a_newer_schema_is_refused_by_both(self):
        self.migrate(self.url)
        self.psql(self.url, "-c", "UPDATE audittrail.audit_store SET schema_version = 99")
        result = self.migrate(self.url)
        self.assertEqual(result.code, 1, result)
        self.assertIn("schema version 99, made by a newer audittrail", result.err)
        self.assertIn("made by a newer audittrail",
                      self.psql(self.url, "-f", "-", script=self.migrate(self.url, "--print").out, code=3))

    def test_what_is_somebody_elses_is_left_alone_by_both(self):
        self.psql(self.url, "-c", "CREATE SCHEMA audittrail; CREATE TABLE audittrail.theirs (x integer)")
        result = self.migrate(self.url)
        self.assertEqual(result.code, 2, result)
        self.assertIn("is one of something else", result.err)
        self.assertIn("is one of something else",
                      self.psql(self.url, "-f", "-", script=self.migrate(self.url, "--print").out, code=3))

    def test_another_encoding_is_refused_by_both(self):
        url = self.create(f"{self.name}_latin1", "ENCODING 'LATIN1' LOCALE 'C' TEMPLATE template0")
        result = self.migrate(url)
        self.assertEqual(result.code, 2, result)
        self.assertIn("UTF8 is needed", result.err)
        self.assertIn("UTF8 is needed", self.psql(url, "-f", "-", script=self.migrate(url, "--print").out, code=3))

    def test_missing_privileges_are_no_outage(self):
        stranger = self.role(f"stranger_{os.getpid()}", "GRANT CONNECT ON DATABASE {database} TO {role}")
        result = self.migrate(stranger)
        self.assertEqual(result.code, 1, result)
        self.assertIn("this role may not change that: run `audittrail migrate` as the owner", result.err)

    def test_a_server_that_is_not_there_is_an_outage_and_no_password_is_shown(self):
        result = self.migrate("postgresql://u:hunter2@127.0.0.1:1/db")
        self.assertEqual(result.code, 5, result)
        self.assertNotIn("hunter2", result.err + result.out)

    def test_a_url_that_libpq_does_not_take_is_a_usage_error(self):
        for arguments in ((), ("--print",)):
            result = self.migrate("postgresql://u:hunter2@127.0.0.1/db?sslmod=require", *arguments)
            self.assertEqual(result.code, 2, result)
            self.assertIn("sslmod", result.err)
            self.assertNotIn("hunter2", result.err + result.out)

    def test_config_check_knows_the_grammar_of_a_url(self):
        setting = {"AUDIT_TRAIL_DATABASE_URL": "postgresql://u:hunter2@127.0.0.1/db?sslmod=require"}
        result = self.run_command("config", "check", env=setting)
        self.assertEqual(result.code, 1, result)
        self.assertIn("AUDIT_TRAIL_DATABASE_URL: ", result.err)
        self.assertIn("sslmod", result.err)
        shown = self.run_command("config", "show", env=setting)
        self.assertIn("postgresql://u:***@127.0.0.1/db?sslmod=require", shown.out)
        self.assertNotIn("hunter2", result.err + result.out + shown.err + shown.out)
        right = {"AUDIT_TRAIL_DATABASE_URL": "postgresql://u:hunter2@127.0.0.1/db?sslmode=require"}
        self.assertEqual(self.run_command("config", "check", env=right).code, 0)


if __name__ == "__main__":
    unittest.main()
