"""The documentation says what is true: commands, options, settings and links exist, and SQL does what it claims.

Goal:   whoever copies a line from the manual gets what it promises.
Method: every command line, setting and link of README.md and docs/ is held against the real command and the real
        files; the SQL that erases a person is taken from the page and run beside a process that goes on recording.
Control: test_a_wrong_word_is_found feeds the checks what must not pass.
"""
import json
import os
import re
import sqlite3
import subprocess
import unittest

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
