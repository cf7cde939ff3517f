#!/usr/bin/env python3
"""rsyslog's ompgsql beside us: a rsyslogd of our own takes JSON events over TCP and writes them to PostgreSQL.

    rsyslog_contender.py --dir DIR --url URL --events FILE

FILE holds NDJSON as `ndjson` prints it. 16 columns, no index, batches of 5,000, two workers. Prints
pg_rsyslog.per_second (from the first byte sent to the last row that a count finds) and wal_bytes.
"""
import argparse
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from urllib.parse import urlparse

DEADLINE_S = 600
COLUMNS = ("timestamp", "operation", "success", "action", "resource_type", "resource_id", "resource_name", "user_id",
           "user_email", "team_id", "auth_method", "client_ip", "user_agent", "request_path", "request_method",
           "correlation_id")
CONFIGURATION = """
global(workDirectory="{directory}" maxMessageSize="64k")
module(load="imptcp")
module(load="mmjsonparse")
module(load="ompgsql")
template(name="row" type="list" option.stdsql="on") {{
  constant(value="INSERT INTO syslog ({names}) VALUES (")
{values}
  constant(value=")")
}}
ruleset(name="events" queue.type="LinkedList" queue.size="100000" queue.dequeueBatchSize="5000"
        queue.workerThreads="2" queue.workerThreadMinimumMessages="5000") {{
  action(type="mmjsonparse" cookie="")
  action(type="ompgsql" server="127.0.0.1" port="{port}" db="{database}" user="{user}" pass="none" template="row")
}}
input(type="imptcp" address="127.0.0.1" port="{listen}" ruleset="events")
"""


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Database:
    """What psql says."""

    def __init__(self, url):
        self.url = url

    def sql(self, statement):
        done = subprocess.run(["psql", "-X", "-q", "-A", "-t", "-v", "ON_ERROR_STOP=1", self.url, "-c", statement],
                              capture_output=True, text=True, check=False)
        if done.returncode != 0:
            raise SystemExit(f"rsyslog_contender: {done.stderr}")
        return done.stdout.strip()


def configure(directory, url, listen):
    """Write the configuration; returns its path."""
    values = '  constant(value=",")\n'.join(
        f"  constant(value=\"'\") property(name=\"$!{name}\") constant(value=\"'\")\n" for name in COLUMNS)
    target = urlparse(url)
    path = os.path.join(directory, "rsyslog.conf")
    with open(path, "w", encoding="utf-8") as file:
        file.write(CONFIGURATION.format(directory=directory, names=",".join(f'\\"{n}\\"' for n in COLUMNS),
                                        values=values, port=target.port, database=target.path.strip("/"),
                                        user=target.username, listen=listen))
    return path


def connect(port, process):
    """Wait until rsyslogd listens."""
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        if process.poll() is not None:
            raise SystemExit(f"rsyslog_contender: rsyslogd ended with {process.returncode}")
        try:
            return socket.create_connection(("127.0.0.1", port))
        except ConnectionRefusedError:
            time.sleep(0.05)  # pacing: rsyslogd says nowhere that it listens
    raise SystemExit("rsyslog_contender: rsyslogd does not listen")


def read_messages(path):
    """The events as syslog messages, one per line; and how many."""
    with open(path, "rb") as file:
        lines = file.read().splitlines()
    return b"".join(b"<134>Mar  2 20:00:00 host bench: " + line + b"\n" for line in lines), len(lines)


def measure(database, process, listen, events):
    messages, count = read_messages(events)
    with connect(listen, process) as stream:
        wal = database.sql("SELECT pg_current_wal_insert_lsn()")
        begin = time.monotonic()
        stream.sendall(messages)
    stored = 0
    while stored < count:
        if time.monotonic() > begin + DEADLINE_S or process.poll() is not None:
            raise SystemExit(f"rsyslog_contender: {stored} of {count} rows arrived")
        time.sleep(0.2)  # pacing: only a count tells how far it is
        stored = int(database.sql("SELECT count(*) FROM syslog"))
    seconds = time.monotonic() - begin
    size = int(database.sql(f"SELECT pg_current_wal_insert_lsn() - '{wal}'::pg_lsn"))
    print(f"pg_rsyslog.per_second\t{count / seconds:.9g}\npg_rsyslog.wal_bytes\t{size / count:.9g}")


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    for name in ("--dir", "--url", "--events"):
        parser.add_argument(name, required=True)
    options = parser.parse_args()
    rsyslogd = shutil.which("rsyslogd", path=os.environ["PATH"] + ":/usr/sbin:/sbin")
    if rsyslogd is None:
        print("rsyslog_contender: rsyslogd is not installed (scripts/setup bench); going on without", file=sys.stderr)
        return
    directory = os.path.abspath(options.dir)
    listen = free_port()
    database = Database(options.url)
    columns = ", ".join(f'"{name}" text' for name in COLUMNS)
    database.sql(f"DROP TABLE IF EXISTS syslog; CREATE TABLE syslog ({columns})")
    database.sql("CHECKPOINT")
    configuration = configure(directory, options.url, listen)
    with open(os.path.join(directory, "rsyslog.log"), "w", encoding="utf-8") as log:
        process = subprocess.Popen([rsyslogd, "-n", "-f", configuration, "-i", os.path.join(directory, "rsyslog.pid")],
                                   stdout=log, stderr=log)
    try:
        measure(database, process, listen, options.events)
    finally:
        if process.poll() is None:
            process.send_signal(signal.SIGTERM)
            process.wait(30)
        database.sql("DROP TABLE syslog")


if __name__ == "__main__":
    main()
