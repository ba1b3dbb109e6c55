/// The plug-in sink of event_sink.h.
#include "reporter/monitor/plugin.h"
#include "reporter/write/event_sink.h"
#include "reporter/write/event_text.h"

#include <dlfcn.h>
#include <exception>
#include <vector>

namespace flockstat::reporter {
namespace {

flockstat_value value_of(const monitor::EventData::value_type &entry) {
    flockstat_value value{entry.first.c_str(), flockstat_value_string, "", 0, 0, 0};
    if (const auto *text = std::get_if<std::string>(&entry.second); text != nullptr) {
        value.text = text->c_str();
        value.text_bytes = text->size();
    } else if (const auto *number = std::get_if<double>(&entry.second); number != nullptr) {
        value.kind = flockstat_value_double;
        value.number = *number;
    } else if (const auto *whole = std::get_if<std::int64_t>(&entry.second); whole != nullptr) {
        value.kind = flockstat_value_int64;
        value.integer = *whole;
    } else {
        value.kind = flockstat_value_bool;
        value.integer = std::get<bool>(entry.second) ? 1 : 0;
    }
    return value;
}

class Plugin : public EventSink {
public:
    Plugin(const std::string &file, const std::string &argument) : file_(file) {
        // It stays loaded to the end: what it started may still run.
        void *object = dlopen(file.c_str(), RTLD_NOW | RTLD_LOCAL);
        if (object == nullptr) {
            throw SinkError(std::string("cannot load the plug-in: ") + dlerror());
        }
        const auto init =
            reinterpret_cast<decltype(&flockstat_plugin_init_v1)>(dlsym(object, "flockstat_plugin_init_v1"));
        if (init == nullptr) {
            throw SinkError(file + " is no plug-in: it does not export flockstat_plugin_init_v1");
        }
        const char *why = nullptr;
        guarded("started", [&] { why = init(&plugin_, argument.c_str()); });
        if (why != nullptr) {
            throw SinkError("the plug-in " + file + " says: " + why);
        }
        if (plugin_.handle == nullptr) {
            throw SinkError("the plug-in " + file + " gave no function that receives events");
        }
    }
    Plugin(const Plugin &) = delete;
    Plugin &operator=(const Plugin &) = delete;
    ~Plugin() override {
        if (plugin_.close != nullptr) {
            try {
                plugin_.close(plugin_.self);
            } catch (...) { // there is nobody left to tell
            }
        }
    }

    void handle(const monitor::Event &event) override {
        std::vector<flockstat_value> values;
        for (const auto &entry : event.data) {
            values.push_back(value_of(entry));
        }
        const flockstat_event handed = {event.name.c_str(), timestamp_ns(event), values.data(),
                                        values.size()};
        guarded("given " + event.name, [&] { plugin_.handle(plugin_.self, &handed); });
    }
    void flush() override {}

private:
    /// What C++ code throws must not end the run, nor keep the other handlers from the event.
    template<typename Call>
    void guarded(const std::string &when, Call call) const {
        std::string what = "an exception";
        try {
            return call();
        } catch (const std::exception &error) {
            what = error.what();
        } catch (...) { // of any type
        }
        throw SinkError("the plug-in " + file_ + " threw when it was " + when + ": " + what);
    }

    std::string file_;
    flockstat_plugin plugin_{};
};

} // namespace

std::unique_ptr<EventSink> load_plugin(std::string_view file_and_argument) {
    const std::size_t comma = file_and_argument.find(',');
    std::string file(file_and_argument.substr(0, comma));
    if (file.find('/') == std::string::npos) {
        file = "./" + file; // the search path of libraries is no place for it
    }
    return std::make_unique<Plugin>(file, comma == std::string_view::npos
                                              ? std::string()
                                              : std::string(file_and_argument.substr(comma + 1)));
}

} // namespace flockstat::reporter
