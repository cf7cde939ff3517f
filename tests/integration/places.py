"""File systems of a test's own: small, full, read-only, cut off. Needs root; a test skips, and says so, without it.

Whatever is mounted or attached is taken away again at the end of the test, also of one that failed.
"""
import fcntl
import errno
import os
import subprocess
import unittest


def run(*command):
    """Run a tool; its words are in the error when it fails."""
    done = subprocess.run([str(word) for word in command], capture_output=True, text=True)
    if done.returncode != 0:
        raise OSError(f"{' '.join(map(str, command))}: {done.stderr.strip() or done.stdout.strip()}")
    return done.stdout


def is_mounted(path):
    return subprocess.run(["mountpoint", "-q", path]).returncode == 0


def unmount(path):
    if is_mounted(path):
        done = subprocess.run(["umount", path], capture_output=True)
        if done.returncode != 0:
            run("umount", "-l", path)


class Place:
    """Something mounted at a directory of the test."""

    def __init__(self, case, name):
        self.path = case.path(name)
        os.makedirs(self.path, exist_ok=True)
        case.addCleanup(unmount, self.path)

    def _mount(self, *arguments):
        try:
            run("mount", *arguments, self.path)
        except OSError as error:
            raise unittest.SkipTest(f"SKIPPED, and so not proven here: {error}")
        self.check()

    def check(self):
        """Nothing may be filled or cut off that is not a file system of our own."""
        assert is_mounted(self.path), self.path
        assert os.stat(self.path).st_dev != os.stat("/").st_dev, self.path

    def fill(self, leave=0):
        """Put a file there that takes what is left but for `leave` bytes; returns its path."""
        self.check()
        filler = os.path.join(self.path, "filler")
        with open(filler, "wb") as file:
            taken = 0
            while True:
                room = os.statvfs(self.path)
                size = room.f_bavail * room.f_frsize - leave
                if size <= 0:
                    return filler
                try:
                    os.posix_fallocate(file.fileno(), taken, size)
                    taken += size
                except OSError as error:  # Whoever writes there was faster: take what is left now.
                    if error.errno != errno.ENOSPC:
                        raise


class Memory(Place):
    """A tmpfs of a given size."""

    def __init__(self, case, name, size):
        super().__init__(case, name)
        self._mount("-t", "tmpfs", "-o", f"size={size},mode=0700", "tmpfs")

    def remount(self, mode):
        run("mount", "-o", f"remount,{mode}", self.path)


class Disk(Place):
    """A file with a file system in it, mounted through a loop device, whose power can be cut."""

    # XFS_IOC_GOINGDOWN and EXT4_IOC_SHUTDOWN are the same number.
    GOING_DOWN, WITHOUT_FLUSHING_THE_LOG = 0x8004587D, (2).to_bytes(4, "little")

    # mkfs.xfs makes none below 300 MiB; the file is sparse.
    KINDS = {"ext4": (96, ["mkfs.ext4", "-q", "-F"]), "xfs": (320, ["mkfs.xfs", "-q", "-f"])}

    def __init__(self, case, name, kind):
        super().__init__(case, name)
        size, make = self.KINDS[kind]
        self.image = case.path(f"{name}.img")
        with open(self.image, "wb") as file:
            file.truncate(size << 20)
        try:
            run(*make, self.image)
        except OSError as error:
            raise unittest.SkipTest(f"SKIPPED, and so not proven here: {error}")
        self._mount("-o", "loop", self.image)

    def cut(self):
        """From now on nothing reaches the disk any more; what is only in memory is lost. As xfs_io -x -c shutdown does,
        without the milliseconds that starting it takes."""
        self.check()
        place = os.open(self.path, os.O_RDONLY)
        try:
            fcntl.ioctl(place, self.GOING_DOWN, self.WITHOUT_FLUSHING_THE_LOG)
        finally:
            os.close(place)

    def back(self):
        """What the disk has after the power cut."""
        run("umount", self.path)
        self._mount("-o", "loop", self.image)
