#!/usr/bin/env python3
"""exports.py -- a library shows the functions of audittrail.h and nothing else; a loadable object its one entry.

    exports.py --nm nm --header include/audittrail.h libaudittrail.so libaudittrail.a
    exports.py --nm nm --entry trail_store_backend --without sqlite3_ audittrail_postgresql.so

--without PREFIX: nothing that begins so is asked of other libraries.
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


def asked_of_others(nm, library):
    listing = subprocess.run([nm, "-D", "--undefined-only", "-f", "posix", library], check=True, text=True,
                             stdout=subprocess.PIPE).stdout
    return {line.split()[0].split("@")[0] for line in listing.splitlines() if line.strip()}


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--nm", default="nm")
    shown = parser.add_mutually_exclusive_group(required=True)
    shown.add_argument("--header")
    shown.add_argument("--entry")
    parser.add_argument("--without")
    parser.add_argument("libraries", nargs="+")
    arguments = parser.parse_args()

    expected = {arguments.entry} if arguments.entry else declared(arguments.header)
    problems = [] if expected else [f"{arguments.header}: no TRAIL_API function found"]
    for library in arguments.libraries:
        found = exported(arguments.nm, library)
        problems += [f"{library}: exports {name}, which is not in the header: make it static or hidden"
                     for name in sorted(found - expected)]
        problems += [f"{library}: does not export {name}, which the header promises"
                     for name in sorted(expected - found)]
        if arguments.without:
            asked = asked_of_others(arguments.nm, library)
            problems += [] if asked else [f"{library}: asks nothing of any library, which cannot be"]
            problems += [f"{library}: asks for {name}" for name in sorted(asked) if name.startswith(arguments.without)]
    for problem in problems:
        print(problem)
    print(f"{len(expected)} functions, {len(arguments.libraries)} libraries, {len(problems)} problems")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
