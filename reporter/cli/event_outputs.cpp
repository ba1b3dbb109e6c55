#include "reporter/cli/event_outputs.h"

#include "reporter/cli/failure.h"
#include "reporter/cli/terminal.h"

#include <algorithm>
#include <array>

namespace flockstat::cli {
namespace {

using reporter::EventSink;

struct Kind {
    std::string_view name;
    std::unique_ptr<EventSink> (*make)(std::string_view target);
};

constexpr std::array<Kind, 4> kinds = {{
    {"json", [](std::string_view target) { return reporter::make_json_lines(target); }},
    {"openmetrics", [](std::string_view target) { return reporter::make_open_metrics(target); }},
    {"tensorboard", [](std::string_view target) { return reporter::make_tensorboard(target); }},
    {"plugin", [](std::string_view target) { return reporter::load_plugin(target); }},
}};

const Kind *kind_of(std::string_view form) {
    const std::size_t equals = form.find('=');
    for (const Kind &kind : kinds) {
        if (equals != std::string_view::npos && equals + 1 < form.size() &&
            form.substr(0, equals) == kind.name) {
            return &kind;
        }
    }
    return nullptr;
}

} // namespace

struct EventOutputs::Output {
    std::unique_ptr<EventSink> sink;
    bool failed = false;
    monitor::EventHandlerHandle handle;

    /// What fails once is likely to fail again: it is said once.
    template<typename Deed>
    void attempt(Deed deed) {
        try {
            deed(*sink);
        } catch (const reporter::SinkError &error) {
            if (!failed) {
                say(error.what());
            }
            failed = true;
        }
    }
};

bool is_handler_form(std::string_view text) { return kind_of(text) != nullptr; }

std::vector<std::string> split_handlers(std::string_view text) {
    std::vector<std::string> parts;
    while (!text.empty()) {
        const std::size_t end = std::min(text.find(';'), text.size());
        if (end != 0) {
            parts.emplace_back(text.substr(0, end));
        }
        text.remove_prefix(std::min(end + 1, text.size()));
    }
    return parts;
}

EventOutputs::EventOutputs() = default;

EventOutputs::~EventOutputs() {
    for (const auto &output : outputs_) {
        monitor::unregister_event_handler(output->handle);
    }
}

void EventOutputs::add(std::unique_ptr<EventSink> sink, bool windows_only) {
    Output *output = outputs_.emplace_back(std::make_unique<Output>()).get();
    output->sink = std::move(sink);
    output->handle = monitor::register_event_handler([output, windows_only](const monitor::Event &event) {
        if (!windows_only || event.name == "flockstat.Stat" || event.name == "flockstat.Window") {
            output->attempt([&](EventSink &to) { to.handle(event); });
        }
    });
}

void EventOutputs::add(const std::string &form) {
    const Kind *kind = kind_of(form);
    if (kind == nullptr) {
        throw Failure(status_failed_run, "'" + form + "' is no handler: write " + std::string(handler_forms));
    }
    try {
        add(kind->make(std::string_view(form).substr(kind->name.size() + 1)), false);
    } catch (const reporter::SinkError &error) {
        throw Failure(status_failed_run, error.what());
    }
}

void EventOutputs::add_window_log(const std::string &file) {
    try {
        add(reporter::make_window_log(file), true);
    } catch (const reporter::SinkError &error) {
        throw Failure(status_failed_run, error.what());
    }
}

void EventOutputs::flush() {
    for (const auto &output : outputs_) {
        output->attempt([](EventSink &to) { to.flush(); });
    }
}

} // namespace flockstat::cli
