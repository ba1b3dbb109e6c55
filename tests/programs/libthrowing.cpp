// A plug-in for `flockstat run --handler plugin=LIBRARY,WHEN`: throws when it is told to: "init", "handle",
// "other" (what is no std::exception) or "close".
#include "reporter/monitor/plugin.h"

#include <stdexcept>
#include <string>

namespace {

std::string when;

void fail(const char *moment) {
    if (when == moment)
        throw std::runtime_error("thrown on purpose");
}

void handle(void * /*self*/, const flockstat_event * /*event*/) {
    fail("handle");
    if (when == "other")
        throw 7;
}

void end(void * /*self*/) { fail("close"); }

} // namespace

const char *flockstat_plugin_init_v1(flockstat_plugin *plugin, const char *argument) {
    when = argument;
    plugin->handle = handle;
    plugin->close = end;
    fail("init");
    return nullptr;
}
