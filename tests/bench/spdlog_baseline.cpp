/* spdlog_baseline.cpp -- the same events through spdlog's asynchronous logger: one worker, a file sink, the caller
 * waits when its queue of 8,192 is full. The only C++ in the project, and only built where spdlog is found. */
#include <memory>
#include <string>

#include <spdlog/async.h>
#include <spdlog/sinks/basic_file_sink.h>
#include <spdlog/spdlog.h>

#include "bench/contender.h"

namespace
{

struct logging {
    std::shared_ptr<spdlog::logger> logger;
};

spdlog::string_view_t view(const trail_text &text)
{
    return { text.data != nullptr ? text.data : "", text.size };
}

void *open_log(const char *directory, const char *const *settings)
{
    (void)settings;
    spdlog::init_thread_pool(8192, 1);
    auto *log = new logging;
    log->logger = spdlog::basic_logger_mt<spdlog::async_factory>("audit", std::string(directory) + "/spdlog.log", true);
    return log;
}

/* The texts that the other contenders copy, every one of them. */
void record(void *context, const trail_event *event)
{
    auto *log = static_cast<logging *>(context);
    log->logger->info("{} {} action={} resource_type={} resource_id={} resource_name={} user_id={} user_email={} "
                      "team_id={} auth_method={} acting_as={} client_ip={} user_agent={} request_method={} "
                      "request_path={} correlation_id={} request_id={} error_message={} delegation_chain={} "
                      "old_values={} new_values={} changes={} context={}",
                      static_cast<int>(event->operation), static_cast<int>(event->outcome), view(event->action),
                      view(event->resource_type), view(event->resource_id), view(event->resource_name),
                      view(event->user_id), view(event->user_email), view(event->team_id), view(event->auth_method),
                      view(event->acting_as), view(event->client_ip), view(event->user_agent),
                      view(event->request_method), view(event->request_path), view(event->correlation_id),
                      view(event->request_id), view(event->error_message), view(event->delegation_chain),
                      view(event->old_values), view(event->new_values), view(event->changes), view(event->context));
}

void close_log(void *context)
{
    delete static_cast<logging *>(context);
    spdlog::drop_all();
    spdlog::shutdown(); /* Joins the worker, which writes what is queued. */
}

} // namespace

extern "C" const contender contender_spdlog = { "spdlog", open_log, record, close_log };
