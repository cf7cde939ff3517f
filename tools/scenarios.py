#!/usr/bin/env python3
"""scenarios.py -- every scenario of the acceptance list has a test that is found by its name.

    scenarios.py --root .       which scenarios of tests/acceptance/seed.feature have no test in tests/integration
    scenarios.py --self-test    feeds it lists and tests that do not fit, and expects it to say so

A test belongs to a scenario when its name is the scenario's (`test_`, then its words in small letters joined by `_`),
or when a comment `# scenario: <its words>` stands right above it (above its decorators; the comment may go on for
lines). Scenarios that are known to have none yet stand in tests/acceptance/pending, one a line; a comment that names
no scenario is a mistake, and so is a pending scenario that is not in the list.
"""
import argparse
import os
import re
import sys

FEATURE, PENDING, TESTS = "tests/acceptance/seed.feature", "tests/acceptance/pending", "tests/integration"
STEP = re.compile(r"(Given|When|Then|And|But|Examples:|Feature:|Background:|Scenario|[@|#])")
COMMENT = re.compile(r"^ *# scenario: (.*(?:\n *#   .*)*)\n(?: *@.*\n)* *def (test_\w+)\(", re.M)
TEST = re.compile(r"^ *def (test_\w+)\(", re.M)


def normalised(words):
    return re.sub(r"[^a-z0-9]+", "_", words.lower().replace("'", "")).strip("_")


def scenarios_of(feature):
    """The scenarios' words, those that go on in the next line included."""
    found = []
    going_on = False
    for line in map(str.strip, feature.splitlines()):
        start = re.match(r"Scenario(?: Outline)?: (.*)", line)
        if start:
            found.append(start[1])
        elif going_on and line and not STEP.match(line):
            found[-1] += " " + line
        going_on = bool(start) or (going_on and bool(line) and not STEP.match(line))
    return found


def covered_by(tests):
    """Two sets of normalised words: names of tests, and what comments say."""
    names = {normalised(name[len("test_"):]) for text in tests for name in TEST.findall(text)}
    comments = {normalised(re.sub(r"\n *#", " ", words)) for text in tests for words, _ in COMMENT.findall(text)}
    return names, comments


def findings(feature, pending, tests):
    """(mistakes, scenarios that are pending and have none, scenarios that are pending no longer)."""
    scenarios = {normalised(words): words for words in scenarios_of(feature)}
    names, comments = covered_by(tests)
    waited_for = {normalised(line): line for line in pending.splitlines() if line and not line.startswith("#")}
    covered = {key for key in scenarios if key in names or key in comments}
    mistakes = [f"no test: {words}" for key, words in scenarios.items() if key not in covered | set(waited_for)]
    mistakes += [f"a comment names no scenario of the list: {key}" for key in sorted(comments - set(scenarios))]
    mistakes += [f"pending, but not in the list: {words}" for key, words in waited_for.items() if key not in scenarios]
    if not scenarios:
        mistakes.append("the list is empty")
    still = [scenarios[key] for key in waited_for if key in scenarios and key not in covered]
    no_longer = [scenarios[key] for key in waited_for if key in covered]
    return mistakes, still, no_longer


def read(*path):
    with open(os.path.join(*path), encoding="utf-8") as file:
        return file.read()


def check(root):
    tests = [read(root, TESTS, name) for name in sorted(os.listdir(os.path.join(root, TESTS))) if name.endswith(".py")]
    mistakes, still, no_longer = findings(read(root, FEATURE), read(root, PENDING), tests)
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
  Scenario: kill -9: 's
"""


def self_test():
    named = "    def test_log_it_all(self):\n"
    commented = "    # scenario: goes on and\n    #   on = here\n    @skip\n    def test_x(self):\n"
    last = "    # scenario: kill -9: 's\n    def test_y(self):\n"
    cases = [
        ("", [named, commented, last], 0, 0, 0), ("", [named, commented], 1, 0, 0), ("", [named, last], 1, 0, 0),
        ("", [commented, last], 1, 0, 0), ("kill -9: 's\n", [named, commented], 0, 1, 0),
        ("kill -9: 's\n", [named + commented + last], 0, 0, 1), ("# words\nelse\n", [named, commented, last], 1, 0, 0),
        ("", [named, commented, last, last.replace("'s", "x")], 1, 0, 0),
        ("", [named, commented, last.replace("    def", "\n    def")], 1, 0, 0),
        ("", [named.replace("test_", "check_"), commented, last], 1, 0, 0),
    ]
    failed = 0
    for number, (pending, tests, *expected) in enumerate(cases):
        got = [len(part) for part in findings(SAMPLE, pending, tests)]
        if got != expected:
            failed += 1
            print(f"self-test {number}: {got}, expected {expected}")
    if [len(part) for part in findings("", "", [])] != [1, 0, 0]:
        failed += 1
        print("self-test: an empty list passes")
    print(f"{len(cases) + 1} cases, {failed} failed")
    return 1 if failed else 0


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--root", default=".")
    parser.add_argument("--self-test", action="store_true")
    arguments = parser.parse_args()
    return self_test() if arguments.self_test else check(arguments.root)


if __name__ == "__main__":
    sys.exit(main())
