#include "tests/support/every_format.h"

#include "reporter/analyze/analysis.h"
#include "reporter/analyze/difference.h"
#include "reporter/analyze/live_events.h"
#include "reporter/analyze/outside_holders.h"
#include "reporter/analyze/rules.h"
#include "reporter/cli/live_views.h"
#include "reporter/cli/top_view.h"
#include "reporter/summary/plain_summary.h"
#include "reporter/write/check_text.h"
#include "reporter/write/csv.h"
#include "reporter/write/difference_json.h"
#include "reporter/write/difference_text.h"
#include "reporter/write/folded.h"
#include "reporter/write/html.h"
#include "reporter/write/json.h"
#include "reporter/write/live_json.h"
#include "reporter/write/live_text.h"
#include "reporter/write/pprof.h"
#include "reporter/write/report_metrics.h"
#include "reporter/write/text.h"
#include "reporter/write/trace_events.h"
#include "tests/support/output_rules.h"
#include "tests/support/places.h"

#include <cstring>
#include <new>
#include <sys/mman.h>

namespace flockstat::test {
namespace {

using namespace flockstat::reporter;

Report folded(const Run &run, Timeline timeline = Timeline::left_out) {
    Analysis analysis(timeline);
    analysis.add(run);
    return analysis.report(nullptr);
}

TextOptions text_options(unsigned variant) {
    TextOptions options;
    options.unicode = (variant & 1U) != 0;
    options.width = (variant & 2U) != 0 ? 60 : 132;
    options.top = (variant & 4U) != 0 ? 1 : 50;
    options.sort = sort_keys[variant % sort_keys.size()].key;
    return options;
}

std::string fault_in_lines(const std::string &text, unsigned variant) {
    return fault_in_text(text, (variant & 1U) == 0);
}

/// The run as if it went on: what it was doing last is what it does.
Run still_going_on(const Run &run) {
    Run live = run;
    for (Process &process : live.processes) {
        if (process.ending == Ending::unknown || process.ending == Ending::killed) {
            process.ending = Ending::running;
        }
    }
    return live;
}

LiveRun live_view(const Run &run) {
    LiveRun view{still_going_on(run), {}, {}, {}};
    view.locks = live_locks(view.run);
    Symbolizer symbolizer;
    for (Module &module : view.run.modules) {
        module.path = "no such/" + module.path; // nothing on this machine is looked up
    }
    view.sites = cli::sites_of(view.run, view.locks, symbolizer);
    std::vector<KernelLock> held;
    for (const Lock &lock : view.run.locks) {
        held.push_back(as_kernel_lock(lock, Mode::exclusive)); // as if they all were held by others, too
        held.back().pid = 1;
    }
    view.outside = outside_holders(view.run, view.locks, held);
    return view;
}

std::string text_fault(const Run &run, unsigned variant) {
    return fault_in_lines(to_text(folded(run), text_options(variant)), variant);
}

std::string json_fault(const Run &run, unsigned) { return fault_in_json(to_json(folded(run))); }

std::string csv_fault(const Run &run, unsigned variant) {
    return fault_in_csv(to_csv(folded(run), csv_tables[variant % csv_tables.size()].table));
}

std::string folded_fault(const Run &run, unsigned variant) {
    return fault_in_folded(to_folded(folded(run), (variant & 1U) != 0 ? SiteTime::wait : SiteTime::hold));
}

std::string pprof_fault(const Run &run, unsigned) { return fault_in_profile(to_pprof(folded(run))); }

std::string perfetto_fault(const Run &run, unsigned) {
    const Report report = folded(run, Timeline::wanted);
    return fault_in_json(text_of([&](const TextSink &sink) { write_trace_events(report, sink); }));
}

std::string metrics_fault(const Run &run, unsigned) {
    const Report report = folded(run);
    return fault_in_metrics(text_of([&](const TextSink &sink) { write_metrics(report, sink); }));
}

/// Without the page's own part, which comes first and takes most of the time to look through.
std::string html_fault(const Run &run, unsigned) {
    const Report report = folded(run, Timeline::wanted);
    std::string data;
    bool is_page = true;
    write_html(report, [&](std::string_view piece) {
        data += is_page ? std::string_view() : piece;
        is_page = false;
    });
    return fault_in_page(data);
}

std::string live_text_fault(const Run &run, unsigned variant) {
    const LiveRun view = live_view(run);
    const TextOptions options = text_options(variant);
    return fault_in_lines(text_of([&](const TextSink &sink) { write_live_text(view, options, sink); }),
                          variant);
}

std::string live_json_fault(const Run &run, unsigned) {
    const LiveRun view = live_view(run);
    return fault_in_json(text_of([&](const TextSink &sink) { write_live_json(std::span(&view, 1), sink); }));
}

std::string top_fault(const Run &run, unsigned variant) {
    cli::TopView view(rate_keys[variant % std::size(rate_keys)].key);
    view.renew({});
    view.renew({live_view(run).run});
    static_cast<void>(view.press((variant & 2U) != 0 ? cli::key_down : cli::key_page_down));
    if ((variant & 4U) != 0) {
        static_cast<void>(view.press(cli::key_enter));
    }
    for (const cli::ScreenLine &line : view.lines(80, 24, (variant & 1U) != 0)) {
        const std::string fault =
            line.text.find('\n') != std::string::npos ? "line feed" : fault_in_lines(line.text, variant);
        if (!fault.empty()) {
            return fault;
        }
    }
    return {};
}

std::string difference_fault(const Run &run, unsigned variant) {
    Run nameless = run;
    forget_files(&nameless, std::vector<std::string>{"*/[a-m]*"});
    const Report before = folded(run);
    const Report after = folded(nameless);
    const Difference change = difference(std::span(&before, 1), std::span(&after, 1));
    return (variant & 2U) != 0 ? fault_in_json(difference_json(change))
                               : fault_in_lines(difference_text(change, text_options(variant)), variant);
}

std::string check_fault(const Run &run, unsigned) {
    std::vector<Rule> rules;
    for (const char *text : {"enter.p99=1ns", "contended=1%", "attempts=0", "*a*:region.max=0s"}) {
        rules.push_back(std::get<Rule>(parse_rule(text)));
    }
    const Report report = folded(run);
    return fault_in_text(check_text(report, rules, broken_rules(report, rules)), true);
}

/// Two runs that are one another's equal, together.
std::string merged_fault(const Run &run, unsigned variant) {
    Analysis analysis(Timeline::wanted);
    analysis.add(run);
    analysis.add(still_going_on(run));
    return fault_in_lines(to_text(analysis.report(nullptr), text_options(variant)), variant);
}

} // namespace

const std::array<Format, 14> formats{{
    {"text", text_fault, 18},
    {"json", json_fault, 1},
    {"csv", csv_fault, 4},
    {"folded", folded_fault, 2},
    {"pprof", pprof_fault, 1},
    {"perfetto", perfetto_fault, 1},
    {"openmetrics", metrics_fault, 1},
    {"html", html_fault, 1},
    {"ps", live_text_fault, 8},
    {"ps --json", live_json_fault, 1},
    {"top", top_fault, 24},
    {"diff", difference_fault, 8},
    {"check", check_fault, 1},
    {"several runs", merged_fault, 8},
}};

std::string fault_in_bare_summary(std::span<const std::byte> recording,
                                  const std::filesystem::path &directory) {
    void *memory =
        ::mmap(nullptr, recording.size(), PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (memory == MAP_FAILED) {
        throw std::bad_alloc();
    }
    std::memcpy(memory, recording.data(), recording.size());
    const int error = summary::write_plain_summary({static_cast<char *>(memory), recording.size()},
                                                   directory.native(), "run.flk");
    ::munmap(memory, recording.size());
    if (error != 0) {
        return std::strerror(error);
    }
    const std::string text = fault_in_text(read_file(directory / "summary.txt"), false);
    const std::string json = fault_in_json(read_file(directory / "summary.json"));
    for (const char *name : {"summary.txt", "summary.json", "run.flk"}) {
        std::filesystem::remove(directory / name);
    }
    return text.empty() ? json : text;
}

} // namespace flockstat::test
