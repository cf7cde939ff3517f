"""Completion in a real bash: commands, options, values, settings, files.

The script that the command prints is loaded by a bash without its start files, which then gets the words of a command
line as it would from the keyboard, and prints COMPREPLY. What it offers is then given to the command.
"""
import re
import subprocess
import unittest

from support import COMMAND, CommandCase

# A line of words, each ended by a tab; the last is what Tab was pressed in.
DRIVER = r"""
eval "$(cat "$1")"
complete -p audittrail || exit 9
while IFS= read -r line; do
    COMP_WORDS=()
    while [[ $line == *$'\t'* ]]; do
        COMP_WORDS+=("${line%%$'\t'*}")
        line=${line#*$'\t'}
    done
    COMP_CWORD=$((${#COMP_WORDS[@]} - 1))
    _audittrail
    printf '%s\t' "${COMPREPLY[@]}"
    printf '\n'
done
"""


class Completion(CommandCase):
    def setUp(self):
        super().setUp()
        printed = self.run_command("completion", "bash")
        self.assertEqual(printed.code, 0, printed)
        self.script = self.write("completion.bash", printed.raw)

    def complete_all(self, lines):
        """What bash offers at the end of each line (a list of words)."""
        typed = "".join("".join(word + "\t" for word in ["audittrail", *line]) + "\n" for line in lines)
        done = subprocess.run(["bash", "--norc", "--noprofile", "-c", DRIVER, "driver", self.script], cwd=self.dir,
                              env=self.env, input=typed, capture_output=True, text=True, check=False, timeout=120)
        self.assertEqual((done.returncode, done.stderr), (0, ""), done.stdout)
        loaded, *offers = done.stdout.splitlines()
        self.assertEqual(loaded, "complete -F _audittrail audittrail")
        self.assertEqual(len(offers), len(lines))
        return [[word for word in offer.split("\t") if word] for offer in offers]

    def complete(self, *line):
        return self.complete_all([line])[0]

    def commands(self):
        overview = self.run_command("help").out
        return re.findall(r"^  (\w+) ", overview.split("commands:")[1].split("\n\n")[0], re.M)

    def options(self, command):
        """Of a command: its own options and the common ones, as --help lists them."""
        return re.findall(r"^  (?:-\w, |    )(--[\w-]+)", self.run_command(command, "--help").out, re.M)

    def test_commands_are_those_of_the_help(self):
        commands = self.commands()
        self.assertGreaterEqual(len(commands), 7)
        self.assertEqual(self.complete(""), [*commands, "--help", "--version"])
        self.assertEqual(self.complete("qu"), ["query"])
        self.assertEqual(self.complete("nothing-like-it"), [])
        self.assertEqual(self.complete("help", ""), commands)

    def test_options_are_those_of_the_help(self):
        commands = self.commands()
        offers = self.complete_all([(command, "--") for command in commands])
        for command, offered in zip(commands, offers):
            self.assertEqual(offered, self.options(command), command)
        self.assertEqual(self.complete("query", "--out"), ["--outcome", "--output"])
        self.assertEqual(self.complete("query", "--user", "alice", "--lim"), ["--limit"])

    def test_values_are_offered_in_every_spelling(self):
        self.assertEqual(self.complete("query", "--output", ""), ["table", "json", "ndjson", "csv"])
        self.assertEqual(self.complete("query", "-o", "n"), ["ndjson"])
        # bash makes = a word of its own ...
        self.assertEqual(self.complete("query", "--output", "=", "j"), ["json"])
        self.assertEqual(self.complete("query", "--output", "="), ["table", "json", "ndjson", "csv"])
        # ... unless COMP_WORDBREAKS has been changed.
        self.assertEqual(self.complete("query", "--output=j"), ["--output=json"])

    def test_values_that_may_be_left_out_come_behind_an_equals_sign_only(self):
        self.assertEqual(self.complete("query", "--requires-review", "="), ["yes", "no"])
        self.assertIn("--since", self.complete("query", "--requires-review", ""))

    def test_lists_go_on_behind_a_comma(self):
        self.assertEqual(self.complete("query", "--operation", "cre"), ["create"])
        self.assertEqual(self.complete("query", "--operation", "create,up"), ["create,update"])
        self.assertEqual(self.complete("query", "--columns", "=", "time,user,out"), ["time,user,outcome"])

    def test_settings_and_their_values(self):
        names = self.complete("stats", "--set", "AUDIT_TRAIL_")
        shown = re.findall(r"^(AUDIT_TRAIL_\w+) ", self.run_command("config", "show").out, re.M)
        self.assertEqual(names, [name + "=" for name in shown])
        self.assertEqual(self.complete("stats", "--set", "AUDIT_TRAIL_LEVEL", "=", "w"), ["writes_only"])
        self.assertEqual(self.complete("stats", "--set", "AUDIT_TRAIL_ASYNC", "="), ["true", "false"])
        self.assertEqual(self.complete("stats", "--set", "AUDIT_TRAIL_LEVEL=d"), ["AUDIT_TRAIL_LEVEL=deletes_only"])
        self.assertEqual(self.complete("stats", "--set", "AUDIT_TRAIL_SERVICE", "=", ""), [])

    def test_files(self):
        self.write("events one.ndjson", "")
        self.write("other.env", "")
        self.assertEqual(self.complete("record", "ev"), ["events one.ndjson"])
        self.assertEqual(self.complete("query", "--env-file", "oth"), ["other.env"])
        self.assertEqual(self.complete("query", "--env-file=oth"), ["--env-file=other.env"])

    def test_nothing_is_guessed(self):
        self.assertEqual(self.complete("query", "--user", ""), [])
        self.assertEqual(self.complete("record", "--errors", ""), [])

    def test_what_is_offered_is_taken(self):
        """Every value of every option, given to the real command: it may find nothing, but not call it wrong."""
        checked = 0
        for command in self.commands():
            options = [option for option in self.options(command) if option not in ("--help", "--scdoc")]
            offers = self.complete_all([(command, option, "=") for option in options])
            for option, offered in zip(options, offers):
                if option in ("--set", "--env-file"):
                    continue
                for value in offered:
                    arguments = {"config": ["check"], "completion": ["bash"], "help": [],
                                 "simulate": ["LEVEL=all"]}.get(command, [])
                    if option == "--columns":
                        arguments = ["-o", "csv"]
                    result = self.run_command(command, *arguments, f"{option}={value}")
                    self.assertNotIn("expected", result.err, f"{command} {option}={value}: {result}")
                    checked += 1
        print(f"{checked} values of options were offered by bash and taken by {COMMAND}")
        self.assertGreater(checked, 60)

    def test_another_shell_is_an_error(self):
        for arguments in ([], ["tcsh"]):
            result = self.run_command("completion", *arguments)
            self.assertEqual(result.code, 2, result)
            self.assertIn("expected bash", result.err)


if __name__ == "__main__":
    unittest.main()
