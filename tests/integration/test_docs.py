"""The documentation says what is true: commands, options, settings and links exist, and SQL does what it claims.

Goal:   whoever copies a line from the manual gets what it promises.
Method: every command line, setting and link of README.md and docs/ is held against the real command and the real
        files; the SQL that erases a person is taken from the page and run beside a process that goes on recording;
        every block of SQL of the pages about the database is run, and the columns they name are those that there are.
Control: test_a_wrong_word_is_found feeds the checks what must not pass.
"""
import json
import os
import re
import sqlite3
import subprocess
import sys
import unittest
import urllib.parse

sys.path.insert(0, os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "support"))
from postgresql_server import binaries  # noqa: E402
from support import COMMAND, CommandCase, event

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
LINE = re.compile(r"(?<![\w/.-])audittrail ([a-z]+)((?: [^`\n|;]*)?)")
OPTION = re.compile(r"(?<![\w-])(--[a-z][a-z-]*)")
SETTING = re.compile(r"\bAUDIT_TRAIL_[A-Z_]+\b")
LINK = re.compile(r"\]\(([^)\s]+)\)")
FENCE = re.compile(r"```.*?```", re.S)


def pages():
    found = [os.path.join(ROOT, "README.md")]
    for folder, _, names in os.walk(os.path.join(ROOT, "docs", "docs")):
        found += [os.path.join(folder, name) for name in sorted(names) if name.endswith(".md")]
    return found


def pages_of_the_site(nav):
    """The pages that the list in docs/mkdocs.yml names."""
    return sorted(re.findall(r"^\s+- [^:\n]+: (\S+\.md)$", nav, re.M))


def read(path):
    with open(path, encoding="utf-8") as file:
        return file.read()


def anchors(text):
    """The link targets that GitHub and MkDocs make of headings."""
    made = set()
    for heading in re.findall(r"^#{1,6} (.+)$", FENCE.sub("", text), re.M):
        plain = re.sub(r"[^\w\- ]", "", heading.replace("`", "").lower())
        made.add(plain.strip().replace(" ", "-"))
    return made


class Checks(CommandCase):
    def help_of(self, command):
        result = subprocess.run([COMMAND, command, "--help"], env=self.env, capture_output=True, text=True, check=False)
        return result.stdout if result.returncode == 0 else None

    def wrong_commands(self, text):
        wrong = []
        for command, rest in LINE.findall(text):
            page = self.help_of(command)
            if page is None:
                wrong.append(f"audittrail {command}")
                continue
            wrong += [f"audittrail {command} {option}" for option in OPTION.findall(rest)
                      if option not in OPTION.findall(page)]
        return wrong

    def wrong_settings(self, text):
        out = subprocess.run([COMMAND, "config", "show", "-o", "json"], env=self.env, capture_output=True, check=True)
        known = set(json.loads(out.stdout)) | {"AUDIT_TRAIL_X", "AUDIT_TRAIL_NAME"}
        return sorted({name for name in SETTING.findall(text) if name not in known and not name.endswith("_")})

    def wrong_links(self, path, text):
        wrong = []
        for link in LINK.findall(FENCE.sub("", text)):
            target, _, anchor = link.partition("#")
            if "://" in link:
                continue
            file = os.path.normpath(os.path.join(os.path.dirname(path), target)) if target else path
            if not os.path.exists(file):
                wrong.append(link)
            elif anchor and file.endswith(".md") and anchor not in anchors(read(file)):
                wrong.append(link)
        return wrong

    def test_commands_and_options_exist(self):
        seen = 0
        for path in pages():
            text = read(path)
            seen += len(LINE.findall(text))
            self.assertEqual(self.wrong_commands(text), [], os.path.relpath(path, ROOT))
        self.assertGreater(seen, 30)

    def test_settings_exist(self):
        for path in pages():
            self.assertEqual(self.wrong_settings(read(path)), [], os.path.relpath(path, ROOT))

    def test_links_lead_somewhere(self):
        for path in pages():
            self.assertEqual(self.wrong_links(path, read(path)), [], os.path.relpath(path, ROOT))

    def test_every_page_stands_in_the_list_of_the_site(self):
        folder = os.path.join(ROOT, "docs", "docs")
        there = sorted(os.path.relpath(path, folder) for path in pages() if path.startswith(folder))
        self.assertEqual(pages_of_the_site(read(os.path.join(ROOT, "docs", "mkdocs.yml"))), there)

    def test_a_wrong_word_is_found(self):
        self.assertEqual(self.wrong_commands("`audittrail qury` and `audittrail query --sinc 1h`"),
                         ["audittrail qury", "audittrail query --sinc"])
        self.assertEqual(self.wrong_settings("AUDIT_TRAIL_LEVL"), ["AUDIT_TRAIL_LEVL"])
        here = os.path.join(ROOT, "README.md")
        self.assertEqual(self.wrong_links(here, "[a](docs/nowhere.md) [b](#no-such-heading)"),
                         ["docs/nowhere.md", "#no-such-heading"])
        self.assertEqual(pages_of_the_site("nav:\n  - A: a.md\n  - B:\n      - C d: b/c.md\n"), ["a.md", "b/c.md"])


def sql_blocks(page):
    return re.findall(r"```sql\n(.*?)```", read(os.path.join(ROOT, "docs", "docs", page)), re.S)


def columns_of_page(store):
    """{table: {column: type}} as docs/docs/reference/sql-schema.md says; `store` is 1 for SQLite, 2 for PostgreSQL."""
    text = read(os.path.join(ROOT, "docs", "docs", "reference", "sql-schema.md"))
    view = text.split("## The view `audit_trail`")[1].split("## The tables")[0]
    found = {}
    for table, part in [("audit_trail", view), *re.findall(r"^### `(\w+)`\n(.*?)(?=^### |\Z)", text, re.M | re.S)]:
        rows = [line.strip("|").split("|") for line in part.splitlines() if line.startswith("|")][2:]
        columns = {name.strip(): row[store].strip() for row in rows for name in row[0].split(",")
                   if row[store].strip() != "-"}
        if columns:
            found[table] = columns
    return found


class Schema(CommandCase):
    """docs/docs/reference/sql-schema.md against an SQLite store; its SQL runs."""

    def test_the_columns_of_the_page_are_those_of_the_store(self):
        self.run_command("migrate")
        tables = [row["name"] for row in self.rows("SELECT name FROM sqlite_schema WHERE name GLOB 'audit_*' "
                                                   "AND type IN ('table', 'view')")]
        found = {table: {row["name"]: row["type"].lower()
                         for row in self.rows(f"SELECT * FROM pragma_table_info('{table}')")} for table in tables}
        said = columns_of_page(1)
        self.assertEqual(set(said.pop("audit_trail")), set(found.pop("audit_trail")))  # A view has no types here.
        self.assertEqual(said, found)

    def test_every_query_of_the_page_runs(self):
        self.record([event(1), event(2)])
        statements = [statement for block in sql_blocks("reference/sql-schema.md")
                      for statement in block.split(";") if statement.strip()]
        self.assertGreater(len(statements), 8)
        for statement in statements:
            self.rows(statement)


class PostgreSql(CommandCase):
    """docs/docs/manage/postgresql.md, and the other column of sql-schema.md."""

    def setUp(self):
        super().setUp()
        with open(os.environ["AUDITTRAIL_TEST_POSTGRESQL"], encoding="utf-8") as file:
            server = file.read().strip()
        name = f"docs_{os.getpid()}"
        self.url = urllib.parse.urlsplit(server)._replace(path=f"/{name}").geturl()
        self.psql(f"CREATE DATABASE {name}", server)
        self.addCleanup(self.psql, f"DROP DATABASE {name} WITH (FORCE)", server)
        self.env["AUDIT_TRAIL_DATABASE_URL"] = self.url

    def psql(self, sql, url=None):
        """What it prints: of several columns, separated by |."""
        done = subprocess.run([os.path.join(binaries(), "psql"), "-X", "-q", "-A", "-t", "-v", "ON_ERROR_STOP=1", "-d",
                               url or self.url, "-f", "-"], input=sql, capture_output=True, text=True, check=False,
                              timeout=120)
        self.assertEqual(done.returncode, 0, f"{sql}\n{done.stderr}")
        return done.stdout.strip()

    def test_the_columns_of_the_page_are_those_of_the_store(self):
        self.assertEqual(self.run_command("migrate").code, 0)
        found = {}
        for line in self.psql("SELECT table_name, column_name, replace(data_type, 'timestamp with time zone', "
                              "'timestamptz') FROM information_schema.columns WHERE table_schema = 'audittrail' "
                              "AND table_name !~ '^audit_events_[0-9]'").splitlines():
            table, column, kind = line.split("|")
            found.setdefault(table, {})[column] = kind
        self.assertEqual(found.pop("audit_events_stray"), found["audit_events"])
        self.assertEqual(columns_of_page(2), found)

    def test_every_statement_of_the_guide_runs(self):
        self.record([event(1, user_id="ada"), event(2)])
        blocks = sql_blocks("manage/postgresql.md")
        self.assertGreater(len(blocks), 12)
        for block in blocks:
            self.psql(block)

    def test_the_guide_names_days_that_are_there(self):
        self.record([event(1)])
        block = next(block for block in sql_blocks("manage/postgresql.md") if "audit_days d" in block)
        self.assertGreaterEqual(len(self.psql(block).splitlines()), 3, "today and the two days ahead")

    def test_the_hole_that_the_guide_looks_for_is_found(self):
        for number in range(3):
            self.record([event(number)])
        block = next(block for block in sql_blocks("manage/postgresql.md") if "WITH kept" in block)
        self.assertEqual(self.psql(block), "")
        self.psql("UPDATE audittrail.audit_batches SET writer = 1; UPDATE audittrail.audit_batches "
                  "SET first_seq = 10 * id, last_seq = 10 * id + CASE WHEN id % 2 = 0 THEN 9 ELSE 8 END")
        self.assertNotEqual(self.psql(block), "", "control: numbers are missing")

    def users(self):
        rows = self.psql("SELECT resource_id, user_id FROM audittrail.audit_trail WHERE operation <> 'audit'")
        return dict(line.split("|") for line in rows.splitlines())

    def record_around(self, sql):
        """ada acts, then the SQL runs, then ada acts again in the same process. Returns who did which."""
        self.run_command("migrate")
        process = self.start("record", env={"AUDIT_TRAIL_BUFFER_ENABLED": "false"})
        self.addCleanup(process.kill)
        process.stdin.write(json.dumps(event(1, user_id="ada", user_email="ada@example.org")).encode() + b"\n")
        process.stdin.flush()
        self.wait_for(lambda: "t1" in self.users(), "the first event is stored")
        self.psql(sql)
        process.communicate(json.dumps(event(2, user_id="ada", user_email="ada@example.org")).encode() + b"\n",
                            timeout=60)
        self.assertEqual(process.returncode, 0)
        return self.users()

    def erase_sql(self):
        return next(block for block in sql_blocks("manage/postgresql.md") if "UPDATE audittrail.audit_actors" in block)

    def test_an_erased_person_is_pseudonymous_and_what_follows_is_hers(self):
        self.assertEqual(self.record_around(self.erase_sql()), {"t1": "erased-1", "t2": "ada"})

    def test_control_without_the_generation_it_would_be_recorded_under_the_pseudonym(self):
        half = re.sub(r"UPDATE audittrail.audit_store[^;]*;", "", self.erase_sql())
        self.assertEqual(self.record_around(half), {"t1": "erased-1", "t2": "erased-1"})


class Erasure(CommandCase):
    """docs/docs/manage/compliance.md: a person is replaced by a pseudonym while a service goes on."""

    def erase_sql(self):
        blocks = re.findall(r"```sql\n(.*?)```", read(os.path.join(ROOT, "docs/docs/manage/compliance.md")), re.S)
        return next(block for block in blocks if "UPDATE audit_actors" in block)

    def users(self):
        connection = sqlite3.connect(self.database)
        try:
            rows = connection.execute("SELECT resource_id, user_id FROM audit_trail WHERE operation <> 'audit'")
            return dict(rows.fetchall())
        except sqlite3.OperationalError:
            return {}
        finally:
            connection.close()

    def record_around(self, sql):
        """ada acts, then the SQL runs, then ada acts again in the same process. Returns who did which."""
        self.env["AUDIT_TRAIL_BUFFER_ENABLED"] = "false"
        process = subprocess.Popen([COMMAND, "record"], env=self.env, stdin=subprocess.PIPE, stderr=subprocess.DEVNULL)
        self.addCleanup(process.stdin.close)
        self.addCleanup(process.kill)
        process.stdin.write(json.dumps(event(1, user_id="ada", user_email="ada@example.org")).encode() + b"\n")
        process.stdin.flush()
        self.wait_for(lambda: os.path.exists(self.database) and "t1" in self.users(), "the first event is stored")
        connection = sqlite3.connect(self.database, isolation_level=None, timeout=30)
        connection.executescript(sql)
        connection.close()
        process.stdin.write(json.dumps(event(2, user_id="ada", user_email="ada@example.org")).encode() + b"\n")
        process.stdin.close()
        self.assertEqual(process.wait(timeout=60), 0)
        return self.users()

    def test_the_past_is_pseudonymous_and_what_follows_is_hers(self):
        self.assertEqual(self.record_around(self.erase_sql()), {"t1": "erased-1", "t2": "ada"})

    def test_control_without_the_generation_it_would_be_recorded_under_the_pseudonym(self):
        half = re.sub(r"UPDATE audit_store[^;]*;", "", self.erase_sql())
        self.assertEqual(self.record_around(half), {"t1": "erased-1", "t2": "erased-1"})


if __name__ == "__main__":
    unittest.main()
