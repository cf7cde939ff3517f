"""Somebody else's program, built against what `make install` installs.

Goal:   pkg-config alone is enough to compile the program that the README shows, with either library, and it runs.
Method: install into an empty directory that was not named when the build was configured; compile and link with the
        flags that pkg-config prints and none of our own; look for the record with the installed command.
"""
import os
import pathlib
import shlex
import subprocess
import unittest

from support import CommandCase

ROOT = pathlib.Path(__file__).resolve().parents[2]
BUILD = os.environ.get("AUDITTRAIL_BUILD_DIR", str(ROOT / "build"))
CMAKE = os.environ.get("AUDITTRAIL_CMAKE", "cmake")
CC = os.environ.get("AUDITTRAIL_CC", "cc")


class Consumer(CommandCase):
    def setUp(self):
        super().setUp()
        self.prefix = pathlib.Path(self.dir, "tree")
        self.tool([CMAKE, "--install", BUILD, "--prefix", str(self.prefix)])
        (package,) = self.prefix.rglob("audittrail.pc")
        self.libraries = package.parent.parent
        self.package_path = str(package.parent)

    def tool(self, command, **environment):
        done = subprocess.run(command, cwd=self.dir, env={**self.env, **environment}, capture_output=True, text=True,
                              check=False, timeout=120)
        self.assertEqual(done.returncode, 0, f"{shlex.join(command)}\n{done.stderr}")
        return done.stdout

    def build(self, *pkg_config_options):
        flags = self.tool(["pkg-config", "--cflags", "--libs", *pkg_config_options, "audittrail"],
                          PKG_CONFIG_PATH=self.package_path)
        program = str(pathlib.Path(self.dir, "hello"))
        self.tool([CC, str(ROOT / "examples" / "hello" / "hello.c"), "-o", program, *shlex.split(flags)])
        return program

    def check_record(self, program, **environment):
        printed = self.tool([program], **environment).strip()
        stored = self.tool([str(self.prefix / "bin" / "audittrail"), "query", "-o", "csv", "--columns", "id,user_id",
                            "--action", "create_tool"])
        self.assertEqual(stored.split(), ["id,user_id", f"{printed},ada"])

    def libraries_needed_by(self, program):
        return self.tool(["readelf", "-d", program])

    def test_a_program_links_the_shared_library(self):
        program = self.build()
        self.assertIn("libaudittrail.so.0", self.libraries_needed_by(program))
        self.check_record(program, LD_LIBRARY_PATH=str(self.libraries))

    def test_a_program_links_the_static_library(self):
        for library in self.libraries.glob("libaudittrail.so*"):
            library.unlink()  # The linker would prefer it.
        program = self.build("--static")
        self.assertNotIn("libaudittrail", self.libraries_needed_by(program))
        self.check_record(program)

    def test_only_what_is_public_is_installed(self):
        names = sorted(str(path.relative_to(self.prefix)) for path in self.prefix.rglob("*") if not path.is_dir())
        self.assertEqual([name for name in names if name.startswith("include/")], ["include/audittrail.h"])
        self.assertEqual([name for name in names if name.startswith("bin/")], ["bin/audittrail"])


if __name__ == "__main__":
    unittest.main()
