#!/usr/bin/env python3
"""tidy.py -- the rules of style that a machine can check, as a test.

    tidy.py --root .                        every rule over every file that git does not ignore
    tidy.py --root . --format clang-format  the layout of the C files
    tidy.py --self-test                     feeds each rule something bad and expects it to say so

A finding is `file:line: rule: what to do`. A rule that makes one place worse is changed here, in a commit that says
why; there are no exceptions in comments, but for two: a file of more than 600 lines says why in its first comment,
with the word "lines"; a variable at file scope that must change says `/* mutable: why */` on its line.
"""
import argparse
import collections
import os
import re
import subprocess
import sys
import tempfile

LINE_COLUMNS_MAX = 120
FUNCTION_LINES_MAX = 70
SOURCE_LINES_MAX = 1000
SOURCE_LINES_EXPLAINED = 600
HEADER_LINES_MAX = 150

# These may include every folder of src/.
PROGRAMS = ("server", "cli", "examples", "tests", "bench")
STAGES = ("event", "policy", "spool", "drain", "store")
BANNED_CALLS = {
    "strcpy": "copy with a length (memcpy, snprintf)", "strcat": "append to a struct buf", "sprintf": "use snprintf",
    "vsprintf": "use vsnprintf", "gets": "read with a limit", "strtok": "use text_next_item",
    "atoi": "it cannot fail; use setting_number_read or strtol with its checks", "atol": "it cannot fail; use strtol",
    "system": "no shell: use posix_spawn",
}
FORBIDDEN_STEMS = ("util", "utils", "common", "misc", "helper", "helpers", "manager", "service", "services")
MARKERS = ("TO" "DO", "FIX" "ME", "XX" "X", "HA" "CK")
PLACES = ("/wo" "rk/", "bash" "_jobs", "deb.debian" ".org", "registry." "npmjs", "pypi" ".org", "proxy." "golang",
          "/tmp/" "wt/")
FILE_NAME = re.compile(r"(?<![\w./<*$-])((?:[\w-]+/)*[\w-]+\.(?:c|h|def|py|cmake))\b(?![\w/(*])")
SLEEPS = re.compile(r"\b(?:u|nano|clock_nano|time\.)?sleep\s*\(")

Finding = collections.namedtuple("Finding", "path line rule advice")


class Source:
    """A file: its lines, and for C the same lines without comments and string contents."""

    def __init__(self, path, text):
        self.path = path
        self.text = text
        self.lines = text.split("\n")[:-1] if text.endswith("\n") else text.split("\n")
        self.is_c = path.endswith((".c", ".h"))
        self.code = strip_c(text).split("\n") if self.is_c else self.lines

    def folder(self):
        parts = self.path.split("/")
        return parts[1] if parts[0] == "src" and len(parts) > 2 else parts[0]


def strip_c(text):
    """Blank out comments and the contents of strings; line breaks stay."""
    token = re.compile(r'//[^\n]*|/\*.*?\*/|"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])*\'', re.DOTALL)

    def blank(match):
        found = match.group()
        if found[0] in "\"'":
            return found[0] + " " * (len(found) - 2) + found[0]
        return re.sub(r"[^\n]", " ", found)
    return token.sub(blank, text)


def line_of(text, position):
    return text.count("\n", 0, position) + 1


def first_comment(source):
    match = re.match(r"/\*.*?\*/", source.text, re.DOTALL)
    return match.group() if match else ""


# ---- One file at a time ----

def check_columns(source):
    for number, line in enumerate(source.lines, 1):
        if len(line) > LINE_COLUMNS_MAX:
            yield number, f"{len(line)} columns: break the line at {LINE_COLUMNS_MAX}"


def check_purpose(source):
    name = os.path.basename(source.path)
    if source.is_c and not re.match(rf"/\* {re.escape(name)} -- \S", source.text):
        yield 1, f"begin with `/* {name} -- <one sentence>`"


def check_markers(source):
    for number, line in enumerate(source.lines, 1):
        for marker in MARKERS:
            if re.search(rf"\b{marker}\b", line):
                yield number, f"{marker}: do it, or write down as an issue what is missing"


def check_places(source):
    for number, line in enumerate(source.lines, 1):
        for place in PLACES:
            if place in line:
                yield number, f"{place} is a path or a host of one machine: leave it out"


def functions_of(source):
    """(line of the name, line of the closing brace) of each function: our layout has both braces in column 0."""
    name_line = None
    opened = None
    for number, line in enumerate(source.code, 1):
        if opened is None and re.match(r"[A-Za-z_].*\(", line) and not line.rstrip().endswith(";"):
            name_line = number
        if opened is None and line.rstrip() == "{" and name_line is not None:
            opened = name_line
        elif opened is not None and line.startswith("}"):
            yield opened, number
            opened = name_line = None


def check_functions(source):
    if not source.is_c:
        return
    for begin, end in functions_of(source):
        if end - begin + 1 > FUNCTION_LINES_MAX:
            yield begin, f"a function of {end - begin + 1} lines: split it, {FUNCTION_LINES_MAX} fit a screen"
        for number in range(begin, end + 1):
            is_os = re.match(r"src/base/os_\w+\.c$", source.path)
            if not is_os and re.match(r"\s*#\s*(if|ifdef|ifndef|elif)\b", source.code[number - 1]):
                yield number, "#if inside a function: choose a file in the build, or move it to src/base/os_*.c"


def check_length(source):
    count = len(source.lines)
    if source.path.endswith(".c"):
        if count > SOURCE_LINES_MAX:
            yield 1, f"{count} lines: split the file by its nouns, {SOURCE_LINES_MAX} is the end"
        elif count > SOURCE_LINES_EXPLAINED and " lines" not in first_comment(source):
            yield 1, f"{count} lines: say in the first comment why there are more than {SOURCE_LINES_EXPLAINED} lines"
    elif source.path.endswith(".h") and source.path != "include/audittrail.h" and count > HEADER_LINES_MAX:
        yield 1, f"{count} lines: a header has at most {HEADER_LINES_MAX}: split it"


def check_header(source):
    """Headers that others include: their first comment answers the four questions."""
    if not source.path.endswith(".h") or not source.path.startswith(("src/", "include/", "cli/", "server/")):
        return
    comment = first_comment(source)
    for part in ("Thread:", "Memory:", "Errors:"):
        if part not in comment:
            yield 1, f"the first comment lacks `{part}`"
    folder = source.folder()
    arrow = rf"->\s*\[{folder}\]|\[{folder}\]\s*->"
    if source.path.startswith("src/") and folder in STAGES and not re.search(arrow, comment):
        yield 1, f"the first comment lacks the arrow with [{folder}] in it"


def check_calls(source):
    if not source.is_c:
        return
    for number, line in enumerate(source.code, 1):
        for match in re.finditer(r"(?<![\w.>])(\w+)\s*\(", line):
            if match.group(1) in BANNED_CALLS:
                yield number, f"{match.group(1)}(): {BANNED_CALLS[match.group(1)]}"


def check_variables(source):
    """Variables at file scope: with our layout they begin in column 0."""
    if not source.path.endswith(".c") or source.path.startswith("tests/"):
        return
    inside = {number for begin, end in functions_of(source) for number in range(begin, end + 1)}
    variable = re.compile(r"(?:static\s+)?(?:_Thread_local\s+|__thread\s+)?"
                          r"(?!typedef|return|extern|else|enum \w+ \{)"
                          r"(?:(?:unsigned|signed|struct|union|enum|volatile|_Atomic|atomic_\w+|const)\s+)*"
                          r"\w[\w()]*[\s*]+"
                          r"\w+(?:\[[^\]]*\])*\s*(?:=|;)")
    for number, line in enumerate(source.code, 1):
        if number in inside or not variable.match(line):
            continue
        head = line.split("=")[0].rstrip(" ;")
        # Behind the last asterisk stands what is constant: in `const char *name` the name is not.
        is_constant = re.search(r"\bconst\b", head.rsplit("*", 1)[-1])
        if not is_constant and "/* mutable: " not in source.lines[number - 1]:
            yield number, "a variable at file scope: pass it in a struct, make it const, or say `/* mutable: why */`"


def check_name(source):
    stem = os.path.splitext(os.path.basename(source.path))[0]
    if stem in FORBIDDEN_STEMS or os.path.basename(os.path.dirname(source.path)) in FORBIDDEN_STEMS:
        yield 1, f"{stem}: name the file for the noun it owns"


def check_sleep(source):
    if source.path.startswith("tests/"):
        for number, line in enumerate(source.code, 1):
            if SLEEPS.search(line) and "pacing:" not in source.lines[number - 1]:
                yield number, "a test that sleeps: wait for the condition, move the clock, or say `pacing: why`"


# ---- One file against the others ----

def check_layers(source, tree):
    if not source.is_c:
        return
    order = tree.layers
    for number, line in enumerate(source.lines, 1):
        match = re.match(r'\s*#\s*include\s+"(\w+)/', line)
        if not match:
            continue
        target = match.group(1)
        folder = source.folder()
        if folder in order and (target in PROGRAMS or (target in order and order.index(target) > order.index(folder))):
            yield number, f"{folder} includes {target}, which stands to its right in src/LAYERS: turn it round"


def check_test_mirror(source, tree):
    match = re.match(r"src/(\w+)/(\w+)\.c$", source.path)
    if match and f"tests/unit/{match.group(1)}/test_{match.group(2)}.c" not in tree.paths:
        yield 1, f"no unit test: write tests/unit/{match.group(1)}/test_{match.group(2)}.c"
    match = re.match(r"tests/unit/(\w+)/test_(\w+)\.c$", source.path)
    if match:
        folder, name = match.groups()
        homes = (f"src/{folder}/{name}.c", f"{folder}/{name}.c", f"tests/{folder}/{name}.c")
        if not any(home in tree.paths for home in homes):
            yield 1, f"an orphan: {homes[0]} does not exist"


def check_file_names(source, tree):
    """Names of our files in comments: a file that is gone misleads."""
    if not source.is_c:
        return
    for match in re.finditer(r"/\*.*?\*/", source.text, re.DOTALL):
        for name in FILE_NAME.finditer(match.group()):
            path = name.group(1)
            if os.path.basename(path) not in tree.names or ("/" in path and not tree.has_suffix(path)):
                if path not in tree.foreign:
                    yield line_of(source.text, match.start() + name.start()), f"{path} does not exist: name what does"


ALONE = {
    "columns": check_columns, "purpose": check_purpose, "markers": check_markers, "places": check_places,
    "functions": check_functions, "length": check_length, "header": check_header, "calls": check_calls,
    "variables": check_variables, "name": check_name, "sleep": check_sleep,
}
TOGETHER = {"layers": check_layers, "mirror": check_test_mirror, "file-names": check_file_names}

# Rules for prose and data too; everything else is about C.
FOR_ALL_TEXT = ("places",)
FOR_SCRIPTS = ("columns", "markers", "places", "name", "sleep")


class Tree:
    """What git does not ignore: paths, and the order of the layers."""

    def __init__(self, sources, layers):
        self.sources = sources
        # Headers of others, which comments may speak of: those that somebody includes.
        self.foreign = {name for source in sources if source.is_c
                        for name in re.findall(r"^#include <([^>]+)>", source.text, re.MULTILINE)}
        self.paths = {source.path for source in sources}
        self.names = {os.path.basename(path) for path in self.paths}
        self.layers = layers

    def has_suffix(self, suffix):
        return any(path == suffix or path.endswith("/" + suffix) for path in self.paths)

    def rules_of(self, source):
        if source.is_c:
            return list(ALONE)
        return FOR_SCRIPTS if source.path.endswith((".py", ".cmake", ".def")) else FOR_ALL_TEXT

    def findings(self):
        for source in self.sources:
            for rule in self.rules_of(source):
                yield from (Finding(source.path, line, rule, advice) for line, advice in ALONE[rule](source))
            for rule, check in TOGETHER.items():
                yield from (Finding(source.path, line, rule, advice) for line, advice in check(source, self))


def read_tree(root):
    # Files that are not added yet are checked too, so that a finding comes before the commit. git is asked with an
    # empty repository beside the tree: it answers for an unpacked archive too, and for a tree of another user.
    with tempfile.TemporaryDirectory() as empty:
        subprocess.run(["git", "init", "-q", "--bare", empty], check=True)
        listing = subprocess.run(["git", "--git-dir", empty, "--work-tree", ".", "ls-files", "-z", "--others",
                                  "--exclude-standard"], cwd=root, check=True, stdout=subprocess.PIPE)
    sources = []
    for path in sorted(set(filter(None, listing.stdout.decode().split("\0")))):
        try:
            with open(os.path.join(root, path), encoding="utf-8") as file:
                sources.append(Source(path, file.read()))
        except (UnicodeDecodeError, FileNotFoundError, IsADirectoryError):
            continue  # Binary, or deleted and not committed.
    with open(os.path.join(root, "src", "LAYERS"), encoding="utf-8") as file:
        return Tree(sources, file.read().split())


def check_format(root, clang_format):
    paths = [source.path for source in read_tree(root).sources if source.is_c]
    return subprocess.run([clang_format, "--dry-run", "-Werror", *paths], cwd=root, check=False).returncode


# ---- The self-test ----

def long_function(lines):
    return "/* a.c -- x. */\nint f(void)\n{\n" + "    f();\n" * lines + "}\n"


A = "/* a.c -- x. */\n"
MANY = "/* a.c -- x, of many lines. */\n"
GOOD_HEADER = ("/* a.h -- x.\n *\n *     event  ->  [policy]  ->  spool\n *\n * Thread: any.\n * Memory: none.\n"
               " * Errors: none.\n */\n")

# Rule, path, bad text, the same mended (None: there is nothing to mend but to take it away).
SNIPPETS = [
    ("columns", "src/base/a.c", A + "int a" * 30 + ";\n", A),
    ("purpose", "src/base/a.c", "int f(void);\n", A + "int f(void);\n"),
    ("markers", "src/base/a.c", A + f"/* {MARKERS[0]} later. */\n", A),
    ("places", "README.md", f"See {PLACES[0]}main.\n", "See the tree.\n"),
    ("functions", "src/base/a.c", long_function(68), long_function(67)),
    ("functions", "src/base/a.c", A + "int f(void)\n{\n#ifdef A\n    f();\n#endif\n}\n",
     A + "#ifdef A\nint a(void);\n#endif\nint f(void)\n{\n}\n"),
    ("length", "src/base/a.c", MANY + "\n" * 1000, MANY + "\n" * 900),
    ("length", "src/base/a.c", A + "\n" * 600, A + "\n" * 599),
    ("length", "src/base/a.h", GOOD_HEADER + "\n" * 150, GOOD_HEADER),
    ("header", "src/base/a.h", GOOD_HEADER.replace("Memory:", ""), GOOD_HEADER),
    ("header", "src/policy/a.h", GOOD_HEADER.replace("[policy]", "policy"), GOOD_HEADER),
    ("calls", "src/base/a.c", A + "int f(void)\n{\n    return atoi(x);\n}\n",
     A + "int f(void)\n{\n    return f(\"atoi(x)\"); /* not atoi(x) */\n}\n"),
    ("variables", "src/base/a.c", A + "static int count = 0;\n", A + "static const int count = 0;\n"),
    ("variables", "src/base/a.c", A + "static const char *name;\n",
     A + "static const char *const names[] = { \"a\" };\n"),
    ("variables", "src/base/a.c", A + "static _Thread_local struct x slot;\n",
     A + "static _Thread_local struct x slot; /* mutable: one per thread. */\n"),
    ("name", "src/base/util.c", "/* util.c -- x. */\n", None),
    ("sleep", "tests/unit/base/test_a.c", "/* test_a.c -- x. */\nint f(void)\n{\n    usleep(1);\n}\n",
     "/* test_a.c -- x. */\nint f(void)\n{\n    wait_for_sleep(1);\n}\n"),
    ("sleep", "tests/integration/test_a.py", "time." "sleep(1)\n", "time.time()\n"),
    ("layers", "src/base/a.c", A + "#include \"policy/b.h\"\n", A + "#include \"base/b.h\"\n"),
    ("layers", "src/policy/a.c", A + "#include \"cli/b.h\"\n", A + "#include \"event/b.h\"\n"),
    ("mirror", "src/base/alone.c", "/* alone.c -- x. */\n", None),
    ("mirror", "tests/unit/base/test_gone.c", "/* test_gone.c -- x. */\n", None),
    ("file-names", "src/base/a.c", A + "/* As in gone.c. */\n", A + "/* As in base/a.c. */\n"),
]


def rules_fired(path, text):
    with tempfile.TemporaryDirectory() as root:
        files = {"src/LAYERS": "base event policy\n", "src/base/a.c": "/* a.c -- x. */\n",
                 "tests/unit/base/test_a.c": "/* test_a.c -- x. */\n", path: text}
        for name, content in files.items():
            os.makedirs(os.path.dirname(os.path.join(root, name)) or root, exist_ok=True)
            with open(os.path.join(root, name), "w", encoding="utf-8") as file:
                file.write(content)
        return {finding.rule for finding in read_tree(root).findings() if finding.path == path}


def self_test():
    failures = 0
    for rule, path, bad, good in SNIPPETS:
        if rule not in rules_fired(path, bad):
            failures += 1
            print(f"{rule}: does not fire on {path}: {bad[:80]!r}")
        if good is not None and rule in rules_fired(path, good):
            failures += 1
            print(f"{rule}: fires on the mended {path}: {good[:80]!r}")
    for rule in set(ALONE) | set(TOGETHER):
        if rule not in {snippet[0] for snippet in SNIPPETS}:
            failures += 1
            print(f"{rule}: has no bad snippet")
    print(f"{len(SNIPPETS)} snippets, {failures} failures")
    return 1 if failures else 0


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--root", default=".")
    parser.add_argument("--format", metavar="CLANG_FORMAT")
    parser.add_argument("--self-test", action="store_true")
    arguments = parser.parse_args()
    if arguments.self_test:
        return self_test()
    if arguments.format:
        return check_format(arguments.root, arguments.format)

    findings = sorted(read_tree(arguments.root).findings())
    for finding in findings:
        print(f"{finding.path}:{finding.line}: {finding.rule}: {finding.advice}")
    print(f"{len(findings)} findings")
    return 1 if findings else 0


if __name__ == "__main__":
    sys.exit(main())
