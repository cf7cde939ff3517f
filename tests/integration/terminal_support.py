"""A terminal for the command: a pseudo terminal of a known size, and what would be seen on it."""
import fcntl
import os
import pty
import re
import signal
import struct
import subprocess
import termios
import threading
import time

from support import COMMAND, CommandCase

ESCAPE = re.compile(r"\x1b\[[0-9;]*[A-Za-z]")
PIPE = subprocess.PIPE


class Terminal:
    """Both ends of a pseudo terminal; what is written to it gathers in the background until nobody holds it open."""

    def __init__(self, rows=24, columns=80):
        self.master, self.slave = pty.openpty()
        fcntl.ioctl(self.slave, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))
        self.bytes = b""
        self.reader = threading.Thread(target=self.read_all)
        self.reader.start()

    def read_all(self):
        while True:
            try:
                piece = os.read(self.master, 65536)
            except OSError:  # EIO: the last program that had it open is gone.
                return
            if not piece:
                return
            self.bytes += piece

    def become_ours(self):
        """In the child: a session of its own with this terminal, as after a login. Pagers ask /dev/tty for keys."""
        os.setsid()
        fcntl.ioctl(self.slave, termios.TIOCSCTTY, 0)

    def type(self, text):
        os.write(self.master, text.encode())

    def text(self):
        return self.bytes.decode("utf-8", "replace")

    def close(self):
        """After the program's end: everything has been read."""
        if self.slave >= 0:
            os.close(self.slave)
            self.slave = -1
            self.reader.join()
            os.close(self.master)
        return self.text()


def lines_seen(text):
    """The lines that are left on a terminal: a line that was taken back is gone."""
    lines = [""]
    for part in re.split(r"(\r\n|\r|\n|\x1b\[K)", text):
        if part in ("\r\n", "\n"):
            lines.append("")
        elif part == "\r":
            lines[-1] = "\r" + lines[-1].lstrip("\r")
        elif part == "\x1b[K":
            lines[-1] = "" if lines[-1].startswith("\r") else lines[-1]
        elif part:
            lines[-1] = ESCAPE.sub("", part) if lines[-1].startswith("\r") else lines[-1] + ESCAPE.sub("", part)
    return [line.lstrip("\r") for line in lines]


class TerminalCase(CommandCase):
    """Runs the command with some of its streams on a terminal."""

    def setUp(self):
        super().setUp()
        self.env.update({"TERM": "xterm", "LC_ALL": "C.UTF-8"})

    def launch(self, terminal, *arguments, env=None, **streams):
        """Streams not named are the terminal's; PIPE is a pipe."""
        for name in ("stdin", "stdout", "stderr"):
            streams.setdefault(name, terminal.slave)
        process = subprocess.Popen([COMMAND, *arguments], env={**self.env, **(env or {})}, cwd=self.dir,
                                   preexec_fn=terminal.become_ours, **streams)
        self.addCleanup(self.put_away, process, terminal)
        return process

    def put_away(self, process, terminal):
        try:
            os.killpg(process.pid, signal.SIGKILL)  # A pager may be left.
        except ProcessLookupError:
            pass
        process.communicate()
        terminal.close()

    def on_terminal(self, *arguments, rows=24, columns=80, env=None, **streams):
        """Run to the end; exit code, what the terminal got, and (with a pipe) standard output."""
        terminal = Terminal(rows, columns)
        process = self.launch(terminal, *arguments, env=env, **streams)
        out, err = process.communicate(timeout=60)
        shown = terminal.close()
        self.assertNotIn("Sanitizer", shown + (err or b"").decode())
        return process.returncode, shown, (out or b"").decode(), (err or b"").decode()

    def wait_for_text(self, terminal, pattern, timeout=60):
        self.wait_for(lambda: re.search(pattern, terminal.text()), f"{pattern} on the terminal", timeout)

    @staticmethod
    def let_pass(seconds):
        """pacing: a second must really pass before progress is shown; the clock is the command's own."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            threading.Event().wait(end - time.monotonic())
