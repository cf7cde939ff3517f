/* settings_profiles.c -- ready blocks of settings for the usual situations, each line with its reason. */
#include "cli/settings_profiles.h"

const struct profile settings_profiles[PROFILE_COUNT] = {
    { "Recommended for production",
      "Who changed what, at next to no cost for requests and database.",
      {
          { "AUDIT_TRAIL_ENABLED=true", "A trail that is off answers no question." },
          { "AUDIT_TRAIL_LEVEL=writes_only", "Reads are most of the traffic and little of the evidence." },
          { "AUDIT_TRAIL_EXCLUDE_ACTIONS=health_check,metrics_*", "Probes say nothing about anybody." },
          { "AUDIT_TRAIL_ASYNC=true", "No request waits for the database." },
          { "AUDIT_TRAIL_BUFFER_ENABLED=true", "Many events share one transaction." },
          { "AUDIT_TRAIL_BUFFER_FLUSH_INTERVAL=30", "An event waits at most so long, in the spool, not in memory." },
          { "AUDIT_TRAIL_BUFFER_MAX_SIZE=500", "So many events are worth a transaction at once." },
          { "AUDIT_TRAIL_DURABILITY=process", "A crash or kill -9 of the process loses nothing." },
          { "AUDIT_TRAIL_RETENTION_DAYS=90", "What is older is deleted, so that the store stops growing." },
      } },
    { "Load testing and development",
      "Keeps what goes wrong; with AUDIT_TRAIL_ENABLED=false you measure without the trail.",
      {
          { "AUDIT_TRAIL_ENABLED=true", "false opens and writes nothing at all." },
          { "AUDIT_TRAIL_LEVEL=failures_only", "What succeeds a million times is not worth a million rows." },
          { "AUDIT_TRAIL_BUFFER_FLUSH_INTERVAL=2", "Whoever develops wants to see an event soon." },
          { "AUDIT_TRAIL_SPOOL_MAX_BYTES=64MiB", "A test must not fill the disk of a laptop." },
          { "AUDIT_TRAIL_OVERFLOW=drop", "A full spool must not fail a load test; what is dropped is counted." },
          { "AUDIT_TRAIL_RETENTION_DAYS=7", "Nobody asks in a month what a test did." },
          { "AUDIT_TRAIL_SHUTDOWN_TIMEOUT=1", "Restarts are frequent; what is left waits for the next one." },
      } },
    { "High security and compliance",
      "Everything is recorded, and is in the store before its caller is told that it is done.",
      {
          { "AUDIT_TRAIL_ENABLED=true", "A trail that is off answers no question." },
          { "AUDIT_TRAIL_LEVEL=all", "Who read it matters as much as who changed it." },
          { "AUDIT_TRAIL_ALWAYS_RECORD=failures,deletes,auth", "No rule that somebody adds later can hide these." },
          { "AUDIT_TRAIL_ASYNC=false", "record returns when the event is stored." },
          { "AUDIT_TRAIL_BUFFER_ENABLED=true", "Callers that wait at the same time share one transaction." },
          { "AUDIT_TRAIL_DURABILITY=machine", "An accepted event survives a power cut, even with the store down." },
          { "AUDIT_TRAIL_SPOOL_MAX_BYTES=8GiB", "Room for a long outage of the store." },
          { "AUDIT_TRAIL_OVERFLOW=block", "Wait for room, then refuse: nothing goes on unrecorded unnoticed." },
          { "AUDIT_TRAIL_OVERFLOW_TIMEOUT_MS=1000", "How long a request may be held up for it." },
          { "AUDIT_TRAIL_RETENTION_DAYS=365", "As long as your auditors may ask; raise it before you need to." },
          { "AUDIT_TRAIL_SHUTDOWN_TIMEOUT=60", "A stop takes its time to store what waits." },
      } },
};
