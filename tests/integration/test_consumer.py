"""Somebody else's program, built against what `make install` installs.

Goal:   pkg-config alone, or find_package() alone, is enough to compile the program that the README shows, with either
        library, and it runs.
Method: install into an empty directory that was not named when the build was configured; compile and link with what
        they say and nothing of our own; look for the record with the installed command. With a postgresql: URL the
        loader says which back-end it opened: the one of this tree.
"""
import os
import pathlib
import re
import shlex
import subprocess
import unittest
import urllib.parse

from support import CommandCase

ROOT = pathlib.Path(__file__).resolve().parents[2]
BUILD = os.environ.get("AUDITTRAIL_BUILD_DIR", str(ROOT / "build"))
CMAKE = os.environ.get("AUDITTRAIL_CMAKE", "cmake")
CC = os.environ.get("AUDITTRAIL_CC", "cc")


class InstalledCase(CommandCase):
    """A test with an installed tree of its own."""

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

    def check_record(self, program, **environment):
        printed = self.tool([program], **environment).strip()
        stored = self.tool([str(self.prefix / "bin" / "audittrail"), "query", "-o", "csv", "--columns", "id,user_id",
                            "--action", "create_tool"])
        self.assertEqual(stored.split(), ["id,user_id", f"{printed},ada"])

    def libraries_needed_by(self, program):
        return self.tool(["readelf", "-d", program])


class Tree(InstalledCase):
    """What is in it."""

    def installed(self):
        """Every file of the tree, with `lib` for the directory of libraries, whatever it is called here."""
        libraries = str(self.libraries.relative_to(self.prefix))
        names = [str(path.relative_to(self.prefix)) for path in self.prefix.rglob("*") if not path.is_dir()]
        return sorted(re.sub(rf"^{libraries}/", "lib/", name) for name in names)

    def test_what_is_installed_is_what_a_user_needs_and_nothing_else(self):
        commands = self.run_command("help").out.split("commands:")[1].split("\n\n")[0]
        pages = [f"share/man/man1/audittrail-{name}.1" for name in re.findall(r"^  (\w+) ", commands, re.M)]
        pages += ["share/man/man1/audittrail.1", "share/man/man3/libaudittrail.3",
                  "share/man/man5/audittrail-settings.5"]
        if not pathlib.Path(BUILD, "share", "man").is_dir():
            pages = []  # The build found no scdoc, and has said so.
        version = self.version()
        self.assertEqual(self.installed(), sorted([
            "bin/audittrail", "include/audittrail.h", "lib/cmake/audittrail/audittrail-config-version.cmake",
            "lib/cmake/audittrail/audittrail-config.cmake", "lib/libaudittrail.a", "lib/libaudittrail.so",
            "lib/audittrail/audittrail_postgresql.so",
            "lib/libaudittrail.so.0", f"lib/libaudittrail.so.{version}", "lib/pkgconfig/audittrail.pc",
            "share/bash-completion/completions/audittrail", "share/doc/audittrail/CHANGELOG.md",
            "share/doc/audittrail/LICENSE", "share/doc/audittrail/audittrail.env", *pages]))

    def version(self):
        return self.run_command("version").out.split()[1]

    def test_uninstalling_takes_away_what_was_installed(self):
        stage = pathlib.Path(self.dir, "a stage")
        self.tool([CMAKE, "--install", BUILD, "--prefix", "/opt"], DESTDIR=str(stage))
        foreign = stage / "opt" / "bin" / "somebody-else-s"
        foreign.touch()
        self.tool(["make", "-C", str(ROOT), "uninstall", f"BUILD={BUILD}", f"DESTDIR={stage}"])
        self.assertEqual([path for path in stage.rglob("*") if not path.is_dir()], [foreign])

    def test_the_installed_completion_is_that_of_the_command(self):
        script = self.prefix / "share" / "bash-completion" / "completions" / "audittrail"
        self.assertEqual(script.read_bytes(), self.run_command("completion", "bash").raw)


class InstalledCommand(InstalledCase):
    """The command of a tree that was moved, too."""

    def test_it_loads_the_back_end_beside_it(self):
        moved = pathlib.Path(self.dir, "moved")
        self.prefix.rename(moved)
        self.env.update(AUDIT_TRAIL_DATABASE_URL="postgresql:///", LD_DEBUG="files",
                        LD_DEBUG_OUTPUT=self.path("loader"))
        self.tool([str(moved / "bin" / "audittrail"), "migrate", "--print"])
        text = "".join(path.read_text() for path in pathlib.Path(self.dir).glob("loader.*"))
        found = re.findall(r"calling init: (\S*audittrail_postgresql\.so)", text)
        self.assertEqual([os.path.realpath(name) for name in found],
                         [str(moved / "lib" / "audittrail" / "audittrail_postgresql.so")])


class LinkTests:
    """Of every way to build: self.build() returns the program."""

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


class PostgreSqlTests:
    """Of every way to build: the back-end is found beside what was built against."""

    def use_postgresql(self):
        with open(os.environ["AUDITTRAIL_TEST_POSTGRESQL"], encoding="utf-8") as file:
            server = file.read().strip()
        name = f"consumer_{os.getpid()}"
        self.tool(["psql", "-X", "-q", "-d", server, "-c", f"CREATE DATABASE {name}"])
        self.addCleanup(self.tool, ["psql", "-X", "-q", "-d", server, "-c", f"DROP DATABASE {name} WITH (FORCE)"])
        self.env["AUDIT_TRAIL_DATABASE_URL"] = urllib.parse.urlsplit(server)._replace(path=f"/{name}").geturl()

    def objects_of(self, program, **environment):
        """The back-ends that a run of the program opened."""
        found = self.tool([program], **{**environment, "LD_DEBUG": "files", "LD_DEBUG_OUTPUT": self.path("loader")})
        self.assertEqual(len(found.split()), 1)
        text = "".join(path.read_text() for path in pathlib.Path(self.dir).glob("loader.*"))
        return {os.path.realpath(name) for name in re.findall(r"calling init: (\S*audittrail_postgresql\.so)", text)}

    def test_the_shared_library_finds_the_back_end_of_its_tree(self):
        self.use_postgresql()
        environment = {"LD_LIBRARY_PATH": str(self.libraries)}
        program = self.build()
        expected = {os.path.realpath(self.libraries / "audittrail" / "audittrail_postgresql.so")}
        self.assertEqual(self.objects_of(program, **environment), expected)
        stored = self.tool(["psql", "-X", "-A", "-t", "-d", self.env["AUDIT_TRAIL_DATABASE_URL"], "-c",
                            "SELECT user_id FROM audittrail.audit_trail WHERE action = 'create_tool'"])
        self.assertEqual(stored.split(), ["ada"])

    def test_without_the_back_end_the_program_says_what_is_missing(self):
        self.use_postgresql()
        (self.libraries / "audittrail" / "audittrail_postgresql.so").unlink()
        done = subprocess.run([self.build()], cwd=self.dir, env={**self.env, "LD_LIBRARY_PATH": str(self.libraries)},
                              capture_output=True, text=True, check=False, timeout=120)
        self.assertNotEqual(done.returncode, 0)
        self.assertIn("the back-end for postgresql: is not installed", done.stderr)


class PkgConfigConsumer(PostgreSqlTests, LinkTests, InstalledCase):
    """One call of the compiler."""

    def build(self, *pkg_config_options):
        flags = self.tool(["pkg-config", "--cflags", "--libs", *pkg_config_options, "audittrail"],
                          PKG_CONFIG_PATH=self.package_path)
        program = str(pathlib.Path(self.dir, "hello"))
        self.tool([CC, str(ROOT / "examples" / "hello" / "hello.c"), "-o", program, *shlex.split(flags)])
        return program


class CMakeConsumer(LinkTests, InstalledCase):
    """The same programs, but built by a CMake project that says find_package()."""

    PROJECT = """
cmake_minimum_required(VERSION 3.22)
project(consumer C)
find_package(audittrail {version} REQUIRED {components})
add_executable(hello {source})
target_link_libraries(hello PRIVATE {target})
"""

    def configure(self, target="audittrail::audittrail", version="0.1", components=""):
        source = str(ROOT / "examples" / "hello" / "hello.c")
        os.makedirs(self.path("consumer"), exist_ok=True)
        self.write("consumer/CMakeLists.txt",
                   self.PROJECT.format(version=version, components=components, source=source, target=target))
        return [CMAKE, "-S", "consumer", "-B", "consumer-build", f"-DCMAKE_C_COMPILER={CC}",
                f"-DCMAKE_PREFIX_PATH={self.prefix}"]

    def build(self, *options):
        """As the class above builds: `--static` chooses the library."""
        static = "--static" in options
        self.tool(self.configure("audittrail::static" if static else "audittrail::audittrail",
                                 components="COMPONENTS static" if static else ""))
        self.tool([CMAKE, "--build", "consumer-build"])
        return self.path("consumer-build/hello")

    def test_the_tree_can_be_moved(self):
        moved = pathlib.Path(self.dir, "another place", "opt")
        moved.parent.mkdir()
        self.prefix.rename(moved)
        self.libraries = moved / self.libraries.relative_to(self.prefix)
        self.prefix = moved
        program = self.build()
        self.assertIn(str(moved), self.tool(["readelf", "-d", program]), "its run path is the new place")
        self.check_record(program)

    def test_a_staged_tree_works_from_where_it_is(self):
        stage = pathlib.Path(self.dir, "stage")
        self.tool([CMAKE, "--install", BUILD, "--prefix", "/opt/audittrail"], DESTDIR=str(stage))
        self.prefix = stage / "opt" / "audittrail"
        self.check_record(self.build())

    def test_another_version_is_refused(self):
        for version in ("0.2", "1.0", "0.0.9"):
            done = subprocess.run(self.configure(version=version), cwd=self.dir, env=self.env, capture_output=True,
                                  text=True, check=False, timeout=120)
            self.assertNotEqual(done.returncode, 0, version)
            self.assertIn(f'compatible with requested version "{version}"', re.sub(r"\s+", " ", done.stderr))

    def test_what_the_static_library_lacks_is_said(self):
        done = subprocess.run(self.configure("audittrail::static", components="COMPONENTS static"), cwd=self.dir,
                              env={**self.env, "PKG_CONFIG_LIBDIR": self.dir}, capture_output=True, text=True,
                              check=False, timeout=120)
        self.assertNotEqual(done.returncode, 0)
        self.assertIn("needs pkg-config, sqlite3, jansson and libcrypto", re.sub(r"\s+", " ", done.stderr))


if __name__ == "__main__":
    unittest.main()
