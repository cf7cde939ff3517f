"""The manual pages as man shows them: without a warning, and with everything that --help says."""
import os
import pathlib
import re
import shutil
import subprocess
import unittest

from support import CommandCase

PAGES = pathlib.Path(os.environ.get("AUDITTRAIL_BUILD_DIR", "build"), "share", "man")
OPTION = re.compile(r"^ +(?:-(\w), )?--([\w-]+)", re.M)


@unittest.skipUnless(PAGES.is_dir(), "the build found no scdoc")
class Manual(CommandCase):
    @classmethod
    def setUpClass(cls):
        if shutil.which("man") is None:
            raise AssertionError("man is not installed: scripts/setup test does that")

    def man(self, page, *options):
        environment = {**self.env, "MANWIDTH": "80", "LC_ALL": "C.UTF-8", "MANROFFOPT": "", "MAN_KEEP_FORMATTING": ""}
        return subprocess.run(["man", *options, "-l", str(page)], env=environment, capture_output=True, check=False,
                              timeout=60, encoding="utf-8")

    def text(self, name, section=1):
        shown = self.man(PAGES / f"man{section}" / f"{name}.{section}")
        self.assertEqual((shown.returncode, shown.stderr), (0, ""), name)
        return re.sub(".\b", "", shown.stdout)

    def commands(self):
        overview = self.run_command("help").out
        return re.findall(r"^  (\w+) ", overview.split("commands:")[1].split("\n\n")[0], re.M)

    def test_man_has_nothing_to_say_against_a_page(self):
        pages = sorted(PAGES.glob("man*/*"))
        self.assertEqual(len(pages), len(self.commands()) + 3)
        for page in pages:
            shown = self.man(page, "--warnings=w", "-E", "UTF-8", "-Tutf8", "-Z")
            self.assertEqual((shown.returncode, shown.stderr), (0, ""), page)
        broken = self.write("broken.1", ".TH broken 1\n.SH NAME\n.nosuchmacro\nbroken \\[nosuchglyph]\n")
        self.assertNotEqual(self.man(broken, "--warnings=w", "-E", "UTF-8", "-Tutf8", "-Z").stderr, "", "control")

    def test_a_command_s_page_has_the_options_of_its_help(self):
        for command in self.commands():
            options = OPTION.findall(self.run_command(command, "--help").out)
            self.assertIn(("h", "help"), options)
            shown = OPTION.findall(self.text(f"audittrail-{command}"))
            self.assertEqual(shown, options, command)

    def test_every_page_has_its_sections(self):
        for command in self.commands():
            text = self.text(f"audittrail-{command}")
            for section in ("NAME", "SYNOPSIS", "DESCRIPTION", "EXIT STATUS", "ENVIRONMENT", "SEE ALSO"):
                self.assertRegex(text, rf"(?m)^{section}$", command)
            self.assertIn(f"audittrail-{command} - ", text)
        self.assertRegex(self.text("audittrail-query"), r"EXAMPLES\n +audittrail query --since 1h --user alice\n")

    def test_the_overview_names_every_command(self):
        text = self.text("audittrail")
        for command in self.commands():
            self.assertIn(f"audittrail-{command}(1)", text)
        for name in ("NO_COLOR", "PAGER", "AUDIT_TRAIL_..."):
            self.assertIn(name, text)

    def test_the_settings_page_has_every_setting_with_its_default(self):
        text = self.text("audittrail-settings", 5)
        example = self.run_command("config", "env").out
        settings = re.findall(r"^# Allowed: .*?\n(# If not set.*?\n)?#(AUDIT_TRAIL_\w+)=(.*)$", example, re.M)
        self.assertGreater(len(settings), 20)
        for derived, name, default in settings:
            body = re.search(rf"^ +{name}\n(.*?)^(?: +AUDIT_TRAIL_\w+$|\S)", text, re.M | re.S)
            self.assertIsNotNone(body, name)
            if not derived and 0 < len(default) < 40:
                self.assertIn(f"Default: {default}.", body[1])

    def test_the_library_s_page_points_to_the_header(self):
        text = self.text("libaudittrail", 3)
        for name in ("trail_open", "trail_record", "trail_close", "audittrail.h", "find_package"):
            self.assertIn(name, text)

    def test_pages_that_do_not_exist(self):
        result = self.run_command("help", "--scdoc", "qery")
        self.assertEqual(result.code, 2, result)
        self.assertIn("did you mean", result.err)


if __name__ == "__main__":
    unittest.main()
