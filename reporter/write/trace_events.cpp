#include "reporter/write/trace_events.h"

#include "reporter/write/frame_name.h"
#include "reporter/write/json_parts.h"
#include "reporter/write/printable.h"
#include "reporter/write/short_path.h"
#include "reporter/write/short_stack.h"
#include "reporter/write/trace_lanes.h"
#include "reporter/write/words.h"

#include <algorithm>
#include <fmt/format.h>
#include <set>

namespace flockstat::reporter {
namespace {

/// One more than the greatest pid of any Linux (PID_MAX_LIMIT of linux/threads.h).
constexpr std::int64_t first_free_number = std::int64_t{1} << 22;
constexpr std::size_t name_columns = 40;

/// Any text as a string of JSON.
std::string json_string(std::string_view text) { return Json(printable(text, true)).dump(); }

const char *category(TimelineBar::Kind kind) {
    switch (kind) {
    case TimelineBar::Kind::hold: return "hold";
    case TimelineBar::Kind::wait: return "wait";
    case TimelineBar::Kind::given_up: return "given_up";
    case TimelineBar::Kind::blocked: break;
    }
    return "blocked";
}

std::string lane_name(const TraceLane &lane) {
    std::string name = lane.thread == 0 ? "unknown thread" : fmt::format("thread {}", lane.thread);
    name += lane.waits ? " waits" : " holds";
    return lane.number == 0 ? name : name + fmt::format(" ({})", lane.number + 1);
}

class TraceWriter {
public:
    TraceWriter(const Report &report, const TextSink &sink)
        : report_(report), sink_(sink), bars_(report.timeline), lanes_(trace_lanes(bars_)),
          from_ns_(report.run.started_at_ns) {
        if (!bars_.empty()) {
            from_ns_ = std::min(from_ns_, bars_.front().start_at_ns);
        }
        number_tracks();
    }

    /// Once.
    void write() {
        add_names();
        add_slices();
        add_arrows();
        const Json other = {{"run", run_object(report_.run)}, {"lost", lost_object(report_.lost)}};
        out("\n],\n\"displayTimeUnit\":\"ns\",\n\"otherData\":{}}}\n",
            json_text(other, JsonStream::Layout::in_html));
        sink_(text_);
    }

private:
    struct Track {
        std::int64_t process, thread; ///< what the trace calls them
    };

    /// The process's or thread's own number where nobody has it yet, and one that none can have otherwise.
    std::int64_t number(std::int64_t wanted, std::set<std::int64_t> &taken) {
        return wanted > 0 && taken.insert(wanted).second ? wanted : next_number_++;
    }

    /// Viewers take tracks of one number for the same thread, be they of one process or not.
    void number_tracks() {
        std::set<std::int64_t> pids;
        std::set<std::int64_t> threads;
        for (std::size_t i = 0; i < lanes_.lanes.size(); ++i) {
            const TraceLane &lane = lanes_.lanes[i];
            const bool begins = i == 0 || lanes_.lanes[i - 1].process != lane.process;
            const std::int64_t pid = lane.process ? report_.processes[*lane.process].pid : 0;
            const std::int64_t process = begins ? number(pid, pids) : tracks_.back().process;
            const bool first = process == pid && lane.waits && lane.number == 0;
            tracks_.push_back({process, number(first ? lane.thread : 0, threads)});
        }
    }

    void add_metadata(const char *what, const Track &track, std::string_view args) {
        begin_event();
        out("\"ph\":\"M\",\"cat\":\"__metadata\",\"name\":\"{}\",\"ts\":0,\"pid\":{},\"tid\":{},\"args\":{{{}"
            "}}}}",
            what, track.process, track.thread, args);
    }

    void add_names() {
        for (std::size_t i = 0; i < tracks_.size(); ++i) {
            const TraceLane &lane = lanes_.lanes[i];
            if (i == 0 || tracks_[i].process != tracks_[i - 1].process) {
                add_process(lane, tracks_[i]);
            }
            add_metadata("thread_name", tracks_[i], "\"name\":" + json_string(lane_name(lane)));
            add_metadata("thread_sort_index", tracks_[i], fmt::format("\"sort_index\":{}", i));
        }
    }

    void add_process(const TraceLane &lane, const Track &track) {
        const ProcessReport unknown;
        const ProcessReport &process = lane.process ? report_.processes[*lane.process] : unknown;
        const std::string name = process.command.empty() ? process.executable : command_line(process.command);
        add_metadata("process_name", track,
                     "\"name\":" + json_string(name.empty() ? "unknown process" : name));
        add_metadata("process_sort_index", track,
                     fmt::format("\"sort_index\":{}", lane.process.value_or(report_.processes.size())));
        if (lane.process && track.process != process.pid) {
            add_metadata("process_labels", track, fmt::format("\"labels\":\"pid {}\"", process.pid));
        }
    }

    void add_slices() {
        std::vector<std::string> names; // and what slices say of their lock and site
        std::vector<std::string> locks;
        for (const LockReport &lock : report_.locks) {
            names.push_back(json_string(short_path(printable(lock.name(), true), name_columns)));
            locks.push_back(fmt::format("\"lock\":{},\"family\":\"{}\"", json_string(lock.name()),
                                        family_word(lock.family)));
        }
        std::vector<std::string> sites;
        for (const SiteReport &site : report_.sites) {
            sites.push_back(",\"site\":" + Json(short_stack(site.frames.all(), true)).dump());
        }
        for (std::size_t i = 0; i < bars_.size(); ++i) {
            const TimelineBar &bar = bars_[i];
            begin_event();
            out("\"ph\":\"X\",\"name\":{},\"cat\":\"{}\",", names[bar.lock], category(bar.kind));
            place(tracks_[lanes_.of[i]], bar.start_at_ns);
            out(",\"dur\":{},\"args\":{{{},\"mode\":\"{}\"{}",
                trace_microseconds(std::max<std::int64_t>(bar.end_at_ns - bar.start_at_ns, 0)),
                locks[bar.lock], mode_word(bar.mode), bar.site ? sites[*bar.site] : "");
            if (bar.blocker) {
                add_holder(bars_[*bar.blocker]);
            }
            text_ += "}}";
        }
    }

    /// Who was in a wait's way.
    void add_holder(const TimelineBar &hold) {
        if (hold.process) {
            out(",\"behind_pid\":{}", report_.processes[*hold.process].pid);
        }
        if (hold.thread != 0) {
            out(",\"behind_thread\":{}", hold.thread);
        }
    }

    void add_arrows() {
        for (std::size_t i = 0; i < bars_.size(); ++i) {
            if (bars_[i].blocker) {
                add_arrow(i, *bars_[i].blocker);
            }
        }
    }

    /// Both ends stand inside their slices, which no longer are where they end.
    void add_arrow(std::size_t wait, std::size_t hold) {
        const auto inside = [&](std::size_t bar, std::int64_t at_ns) {
            return std::max(bars_[bar].start_at_ns, at_ns - 1);
        };
        const std::int64_t arrives_at_ns = inside(wait, bars_[wait].end_at_ns);
        const std::int64_t leaves_at_ns =
            std::min(inside(hold, std::min(bars_[hold].end_at_ns, bars_[wait].end_at_ns)), arrives_at_ns);
        begin_event();
        out("\"ph\":\"s\",\"name\":\"lets go\",\"cat\":\"behind\",\"id\":{},", wait + 1);
        place(tracks_[lanes_.of[hold]], leaves_at_ns);
        text_ += "}";
        begin_event();
        out("\"ph\":\"f\",\"bp\":\"e\",\"name\":\"lets go\",\"cat\":\"behind\",\"id\":{},", wait + 1);
        place(tracks_[lanes_.of[wait]], arrives_at_ns);
        text_ += "}";
    }

    void begin_event() {
        constexpr std::size_t piece_bytes = std::size_t{64} << 10U;
        if (text_.size() > piece_bytes) {
            sink_(text_);
            text_.clear();
        }
        text_ += any_ ? ",\n{" : "\n{";
        any_ = true;
    }

    void place(const Track &track, std::int64_t at_ns) {
        out("\"pid\":{},\"tid\":{},\"ts\":{}", track.process, track.thread,
            trace_microseconds(at_ns - from_ns_));
    }

    template<typename... Values>
    void out(fmt::format_string<Values...> format, Values &&...values) {
        fmt::format_to(std::back_inserter(text_), format, std::forward<Values>(values)...);
    }

    const Report &report_;
    const TextSink &sink_;
    const std::vector<TimelineBar> &bars_;
    const TraceLanes lanes_;
    std::int64_t from_ns_;
    std::int64_t next_number_ = first_free_number;
    std::vector<Track> tracks_;               ///< by lane
    std::string text_ = "{\"traceEvents\":["; ///< that was not passed on yet
    bool any_ = false;                        ///< event was written
};

} // namespace

void write_trace_events(const Report &report, const TextSink &sink) { TraceWriter(report, sink).write(); }

std::string trace_microseconds(std::int64_t time_ns) {
    // The quotient is what reads this text as a number gets: both are the double that is next to it.
    const double time_us = static_cast<double>(time_ns) / 1000.0;
    const bool cut_short = static_cast<std::int64_t>(time_us * 1000.0) < time_ns;
    return fmt::format("{}.{:03}{}", time_ns / 1000, time_ns % 1000, cut_short ? "5" : "");
}

} // namespace flockstat::reporter
