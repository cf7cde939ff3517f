#!/usr/bin/env python3
"""scenarios.py -- every scenario of the acceptance list has a test that is found by its name, on each store.

    scenarios.py --root .       which scenarios of tests/acceptance/seed.feature have no test in tests/integration
    scenarios.py --self-test    feeds it lists and tests that do not fit, and expects it to say so

A test belongs to a scenario when its name is the scenario's (`test_`, then its words in small letters joined by `_`),
or when a comment `# scenario: <its words>` stands right above it (above its decorators; the comment may go on for
lines). Scenarios that are known to have none yet stand in tests/acceptance/pending, one a line; a comment that names
no scenario is a mistake, and so is a pending scenario that is not in the list.

Each scenario is tested on SQLite and on PostgreSQL (one that says `in PostgreSQL` there alone), those of writing and
recovery, US-3 and Accounting, through PgBouncer too. tests/integration/stores.txt says which tests run there; a test
under @only_on("...") runs on the stores that are named alone.
"""
import argparse
import ast
import os
import re
import sys

FEATURE, PENDING, TESTS = "tests/acceptance/seed.feature", "tests/acceptance/pending", "tests/integration"
STORES = "tests/integration/stores.txt"
STEP = re.compile(r"(Given|When|Then|And|But|Examples:|Feature:|Background:|Scenario|[@|#])")
WRITING = ("US-3", "Accounting")  # Features whose scenarios PgBouncer must not disturb.


def normalised(words):
    return re.sub(r"[^a-z0-9]+", "_", words.lower().replace("'", "")).strip("_")


def scenarios_of(feature):
    """(feature, scenario's words), those that go on in the next line included."""
    found = []
    of, going_on = "", False
    for line in map(str.strip, feature.splitlines()):
        start = re.match(r"Scenario(?: Outline)?: (.*)", line)
        if line.startswith("Feature: "):
            of = line[len("Feature: "):]
        if start:
            found.append((of, start[1]))
        elif going_on and line and not STEP.match(line):
            found[-1] = (of, found[-1][1] + " " + line)
        going_on = bool(start) or (going_on and bool(line) and not STEP.match(line))
    return found


def wanted_stores(feature, words):
    wanted = ["postgresql"] if "in PostgreSQL" in words else ["sqlite", "postgresql"]
    return wanted + (["pgbouncer"] if feature.startswith(WRITING) else [])


def runs_of(stores):
    """What stores.txt says: {(store, test file's name): classes, empty for all}."""
    lines = [line.split() for line in stores.splitlines() if line.strip() and not line.startswith("#")]
    return {(line[0], line[1]): line[3:] for line in lines}


def only_on(node):
    """The stores that a decorator keeps a class or function to, or None."""
    for call in node.decorator_list:
        if isinstance(call, ast.Call) and isinstance(call.func, ast.Name) and call.func.id == "only_on":
            return set(call.args[0].value.split())
    return None


def comment_above(lines, node):
    """The words of `# scenario:` right above a function, or None."""
    at = min([node.lineno, *(one.lineno for one in node.decorator_list)]) - 1
    above = []
    while at > 0 and lines[at - 1].lstrip().startswith("#"):
        at -= 1
        above.insert(0, lines[at].lstrip("# ").rstrip())
    start = [number for number, line in enumerate(above) if line.startswith("scenario: ")]
    return " ".join(above[start[-1]:])[len("scenario: "):] if start else None


def tests_of(name, text, runs):
    """(its name's words, its comment's words or None, stores that it runs on) of each test of a file."""
    lines = text.splitlines()
    for group in ast.parse(text).body:
        if not isinstance(group, ast.ClassDef):
            continue
        running = {"sqlite"} | {store for (store, file), classes in runs.items()
                                if file == name and (not classes or group.name in classes)}
        for node in group.body:
            if isinstance(node, ast.FunctionDef) and node.name.startswith("test_"):
                stores = running.copy()
                for kept in (only_on(group), only_on(node)):
                    stores &= stores if kept is None else kept
                said = comment_above(lines, node)
                yield normalised(node.name[len("test_"):]), said and normalised(said), stores


def findings(feature, pending, tests, stores):
    """(mistakes, scenarios that are pending and have none, scenarios that are pending no longer)."""
    scenarios = {normalised(words): (of, words) for of, words in scenarios_of(feature)}
    runs = runs_of(stores)
    covered, comments = {}, set()
    for file, text in tests.items():
        for name, comment, on in tests_of(file, text, runs):
            comments |= {comment} - {None}
            for key in {name, comment} & set(scenarios):
                covered[key] = covered.get(key, set()) | on
    waited_for = {normalised(line): line for line in pending.splitlines() if line and not line.startswith("#")}
    mistakes = []
    for key, (of, words) in scenarios.items():
        missing = [store for store in wanted_stores(of, words) if store not in covered.get(key, set())]
        if missing and key not in waited_for:
            mistakes.append(f"no test on {', '.join(missing)}: {words}")
    mistakes += [f"a comment names no scenario of the list: {key}" for key in sorted(comments - set(scenarios))]
    mistakes += [f"pending, but not in the list: {words}" for key, words in waited_for.items() if key not in scenarios]
    mistakes += [f"{STORES} names no test: {store} {file}" for store, file in runs if file not in tests]
    if not scenarios:
        mistakes.append("the list is empty")
    still = [scenarios[key][1] for key in waited_for if key in scenarios and key not in covered]
    no_longer = [scenarios[key][1] for key in waited_for if key in covered]
    return mistakes, still, no_longer


def read(*path):
    with open(os.path.join(*path), encoding="utf-8") as file:
        return file.read()


def check(root):
    tests = {name[len("test_"):-len(".py")]: read(root, TESTS, name) for name in sorted(os.listdir(
        os.path.join(root, TESTS))) if name.startswith("test_") and name.endswith(".py")}
    mistakes, still, no_longer = findings(read(root, FEATURE), read(root, PENDING), tests, read(root, STORES))
    for words in still:
        print(f"pending: {words}")
    for words in no_longer:
        print(f"has a test by now, take it out of {PENDING}: {words}")
    for mistake in mistakes:
        print(mistake)
    wrong = len(mistakes) + len(no_longer)
    print(f"{len(scenarios_of(read(root, FEATURE)))} scenarios, {len(still)} pending, {wrong} mistakes")
    return 1 if wrong else 0


SAMPLE = """Feature: US-1 a
  @seed
  Scenario: Log it (all)
    Given X, Then y
  Scenario Outline: goes on and
    on = here
    Examples:
      | a |
Feature: US-3 b
  Scenario: kill -9: 's
"""


def self_test():
    named = "    def test_log_it_all(self): pass\n"
    commented = "    # scenario: goes on and\n    #   on = here\n    @skip\n    def test_x(self): pass\n"
    last = "    # scenario: kill -9: 's\n    def test_y(self): pass\n"
    everywhere = "# words\npostgresql x native\npgbouncer x native\n"
    kept = "    @only_on('sqlite', 'why')\n"
    cases = [
        ("", [named, commented, last], everywhere, 0, 0, 0), ("", [named, commented], everywhere, 1, 0, 0),
        ("", [named, last], everywhere, 1, 0, 0), ("", [commented, last], everywhere, 1, 0, 0),
        ("kill -9: 's\n", [named, commented], everywhere, 0, 1, 0),
        ("kill -9: 's\n", [named, commented, last], everywhere, 0, 0, 1),
        ("# words\nelse\n", [named, commented, last], everywhere, 1, 0, 0),
        ("", [named, commented, last, last.replace("'s", "x")], everywhere, 1, 0, 0),
        ("", [named, commented, last.replace("    def", "\n    def")], everywhere, 1, 0, 0),
        ("", [named.replace("test_", "check_"), commented, last], everywhere, 1, 0, 0),
        # On each store.
        ("", [named, commented, last], "", 3, 0, 0), ("", [named, commented, last], "postgresql x native\n", 1, 0, 0),
        ("", [named, commented, last], "pgbouncer x native\n", 3, 0, 0),
        ("", [named, commented, last], "postgresql x native A B\npgbouncer x native C\n", 1, 0, 0),
        ("", [named, commented, last], "postgresql x native B\npgbouncer x native B\n", 3, 0, 0),
        ("", [kept + named, commented, last], everywhere, 1, 0, 0),
        ("", [named, commented, last.replace("    def", kept + "    def")], everywhere, 1, 0, 0),
        ("", [kept.replace("sqlite", "postgresql") + named, commented, last], everywhere, 1, 0, 0),
        ("", [kept.replace("'sqlite'", "'sqlite postgresql'") + named, commented, last], everywhere, 0, 0, 0),
        ("", [named, commented, last], everywhere + "pgbouncer y native\n", 1, 0, 0),
    ]
    failed = 0
    for number, (pending, tests, stores, *expected) in enumerate(cases):
        got = [len(part) for part in findings(SAMPLE, pending, {"x": "class A(Case):\n" + "".join(tests)}, stores)]
        if got != expected:
            failed += 1
            print(f"self-test {number}: {got}, expected {expected}")
    for sample, stores, expected in (("", everywhere, 1 + 2), (SAMPLE, everywhere, 3 + 2),
                                     ("Feature: a\nScenario: x in PostgreSQL\n", "", 1)):
        got = len(findings(sample, "", {}, stores)[0])
        if got != expected:
            failed += 1
            print(f"self-test without tests: {got}, expected {expected}")
    one = {"x": "@only_on('postgresql', 'why')\nclass A(Case):\n    def test_x_in_postgresql(self): pass\n"}
    if findings("Feature: a\nScenario: x in PostgreSQL\n", "", one, "postgresql x native\n")[0]:
        failed += 1
        print("self-test: a scenario of PostgreSQL alone asks for SQLite")
    print(f"{len(cases) + 4} cases, {failed} failed")
    return 1 if failed else 0


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--root", default=".")
    parser.add_argument("--self-test", action="store_true")
    arguments = parser.parse_args()
    return self_test() if arguments.self_test else check(arguments.root)


if __name__ == "__main__":
    sys.exit(main())
