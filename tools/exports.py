#!/usr/bin/env python3
"""exports.py -- a library shows the functions of audittrail.h and nothing else.

    exports.py --nm nm --header include/audittrail.h libaudittrail.so libaudittrail.a
"""
import argparse
import re
import subprocess
import sys

# What the linker itself puts into a shared library.
OF_THE_LINKER = {"_init", "_fini", "_edata", "_end", "__bss_start"}


def declared(header):
    text = open(header, encoding="utf-8").read()
    return set(re.findall(r"^TRAIL_API[^;{]*?\b(trail_\w+)\(", text, re.MULTILINE))


def exported(nm, library):
    scope = "-D" if ".so" in library else "-g"
    listing = subprocess.run([nm, scope, "--defined-only", "-f", "posix", library], check=True, text=True,
                             stdout=subprocess.PIPE).stdout
    # Above the names of each member stands `libaudittrail.a[member]:`, with whatever spaces its path has.
    rows = (line.split() for line in listing.splitlines() if not line.startswith(library))
    return {row[0].split("@")[0] for row in rows if len(row) >= 2 and row[1] != "a"} - OF_THE_LINKER


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--nm", default="nm")
    parser.add_argument("--header", required=True)
    parser.add_argument("libraries", nargs="+")
    arguments = parser.parse_args()

    expected = declared(arguments.header)
    problems = [] if expected else [f"{arguments.header}: no TRAIL_API function found"]
    for library in arguments.libraries:
        found = exported(arguments.nm, library)
        problems += [f"{library}: exports {name}, which is not in the header: make it static or hidden"
                     for name in sorted(found - expected)]
        problems += [f"{library}: does not export {name}, which the header promises"
                     for name in sorted(expected - found)]
    for problem in problems:
        print(problem)
    print(f"{len(expected)} functions, {len(arguments.libraries)} libraries, {len(problems)} problems")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
