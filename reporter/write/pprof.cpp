#include "reporter/write/pprof.h"

#include "reporter/analyze/process_groups.h"

#include "reporter/write/frame_name.h"
#include "reporter/write/gzip.h"
#include "reporter/write/printable.h"
#include "reporter/write/short_path.h"
#include "reporter/write/words.h"

#include <algorithm>
#include <array>
#include <limits>
#include <map>
#include <protozero/pbf_builder.hpp>
#include <span>
#include <tuple>

namespace flockstat::reporter {
namespace {

using Tag = protozero::pbf_tag_type;

enum class ProfileField : Tag {
    sample_type = 1,
    sample = 2,
    mapping = 3,
    location = 4,
    function = 5,
    string_table = 6,
    time_nanos = 9,
    duration_nanos = 10,
    comment = 13,
    default_sample_type = 14
};
enum class ValueTypeField : Tag { type = 1, unit = 2 };
enum class SampleField : Tag { location_id = 1, value = 2, label = 3 };
enum class LabelField : Tag { key = 1, str = 2, num = 3 };
enum class MappingField : Tag {
    id = 1,
    memory_limit = 3,
    filename = 5,
    has_functions = 7,
    has_filenames = 8,
    has_line_numbers = 9,
    has_inline_frames = 10
};
enum class LocationField : Tag { id = 1, mapping_id = 2, address = 3, line = 4 };
enum class LineField : Tag { function_id = 1, line = 2 };
enum class FunctionField : Tag { id = 1, name = 2, system_name = 3, filename = 4 };

std::int64_t signed_value(std::uint64_t value) {
    constexpr auto greatest = static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max());
    return static_cast<std::int64_t>(std::min(value, greatest));
}

/// Puts a profile together; every string, mapping, function and location is written once, with a number from
/// 1 (strings: 0 is the empty one).
class Profile {
public:
    Profile() : out_(data_) { (void)text(""); }

    void add_sample_type(std::string_view type, std::string_view unit) {
        const auto numbers = std::pair(text(type), text(unit));
        protozero::pbf_builder<ValueTypeField> value(out_, ProfileField::sample_type);
        value.add_int64(ValueTypeField::type, numbers.first);
        value.add_int64(ValueTypeField::unit, numbers.second);
    }

    void add_run(const RunReport &run) {
        out_.add_int64(ProfileField::time_nanos, run.started_at_ns);
        out_.add_int64(ProfileField::duration_nanos, signed_value(run.duration_ns));
        out_.add_int64(ProfileField::comment, text("flockstat: " + command_line(run.command)));
        out_.add_int64(ProfileField::default_sample_type, text("wait"));
    }

    /// Labels: texts, or numbers where the text is empty.
    struct Label {
        std::int64_t key, text, number;
    };
    void add_sample(const std::vector<std::uint64_t> &locations, const std::array<std::uint64_t, 4> &values,
                    const std::vector<Label> &labels) {
        std::array<std::int64_t, 4> numbers{};
        std::ranges::transform(values, numbers.begin(), signed_value);
        protozero::pbf_builder<SampleField> sample(out_, ProfileField::sample);
        sample.add_packed_uint64(SampleField::location_id, locations.begin(), locations.end());
        sample.add_packed_int64(SampleField::value, numbers.begin(), numbers.end());
        for (const Label &label : labels) {
            protozero::pbf_builder<LabelField> out(sample, SampleField::label);
            out.add_int64(LabelField::key, label.key);
            out.add_int64(label.text != 0 ? LabelField::str : LabelField::num,
                          label.text != 0 ? label.text : label.number);
        }
    }

    /// The number of a string.
    [[nodiscard]] std::int64_t text(std::string_view text) {
        const auto [found, added] = strings_.try_emplace(std::string(text), strings_.size());
        if (added) {
            string_order_.push_back(&found->first);
        }
        return static_cast<std::int64_t>(found->second);
    }

    /// The locations of a stack: a frame, and before it those that are inlined into it, are one.
    [[nodiscard]] std::vector<std::uint64_t> locations(std::span<const SourceFrame> frames) {
        std::vector<std::uint64_t> numbers;
        for (std::size_t first = 0; first < frames.size();) {
            std::size_t last = first;
            while (last + 1 < frames.size() && frames[last].inlined) {
                ++last;
            }
            numbers.push_back(location(frames.subspan(first, last - first + 1)));
            first = last + 1;
        }
        if (frames.empty()) {
            SourceFrame unknown;
            unknown.function = no_stack_name;
            numbers.push_back(location({&unknown, 1}));
        }
        return numbers;
    }

    /// The whole of it; nothing may be added afterwards.
    [[nodiscard]] std::string finish() {
        for (const std::string *text : string_order_) {
            out_.add_string(ProfileField::string_table, *text);
        }
        return gzip(data_);
    }

private:
    struct Line {
        std::uint64_t function = 0;
        std::uint32_t line = 0;
        auto operator<=>(const Line &) const = default;
    };

    [[nodiscard]] std::uint64_t location(std::span<const SourceFrame> frames) {
        const std::uint64_t module = mapping(frames.back().module);
        std::vector<Line> lines;
        for (const SourceFrame &frame : frames) {
            lines.push_back({function(frame), frame.line});
        }
        const std::uint64_t address = frames.back().offset;
        const auto [found, added] =
            locations_.try_emplace({module, address, std::move(lines)}, locations_.size() + 1);
        if (added) {
            protozero::pbf_builder<LocationField> out(out_, ProfileField::location);
            out.add_uint64(LocationField::id, found->second);
            out.add_uint64(LocationField::mapping_id, module);
            out.add_uint64(LocationField::address, address);
            for (const Line &line : std::get<2>(found->first)) {
                protozero::pbf_builder<LineField> in(out, LocationField::line);
                in.add_uint64(LineField::function_id, line.function);
                in.add_int64(LineField::line, line.line);
            }
        }
        return found->second;
    }

    /// All that could be looked up was: its flags keep pprof from trying it again. 0: no module.
    [[nodiscard]] std::uint64_t mapping(const std::string &module) {
        if (module.empty()) {
            return 0;
        }
        const auto [found, added] = mappings_.try_emplace(module, mappings_.size() + 1);
        if (added) {
            const std::int64_t name = text(printable(module, true));
            protozero::pbf_builder<MappingField> out(out_, ProfileField::mapping);
            out.add_uint64(MappingField::id, found->second);
            out.add_uint64(MappingField::memory_limit, std::numeric_limits<std::uint64_t>::max());
            out.add_int64(MappingField::filename, name);
            for (const MappingField flag :
                 {MappingField::has_functions, MappingField::has_filenames, MappingField::has_line_numbers,
                  MappingField::has_inline_frames}) {
                out.add_bool(flag, true);
            }
        }
        return found->second;
    }

    [[nodiscard]] std::uint64_t function(const SourceFrame &frame) {
        const std::string name = frame_name(frame);
        const std::string file = printable(frame.file, true);
        const auto texts = std::pair(text(name), text(file));
        const auto [found, added] = functions_.try_emplace(texts, functions_.size() + 1);
        if (added) {
            protozero::pbf_builder<FunctionField> out(out_, ProfileField::function);
            out.add_uint64(FunctionField::id, found->second);
            out.add_int64(FunctionField::name, texts.first);
            // Where this is the same as the name, readers make C++ names shorter: nothing is left of
            // <module>.
            out.add_int64(FunctionField::system_name,
                          frame.language.empty() ? texts.first : text(file + ":" + name));
            out.add_int64(FunctionField::filename, texts.second);
        }
        return found->second;
    }

    std::string data_;
    protozero::pbf_builder<ProfileField> out_;
    std::map<std::string, std::size_t> strings_;
    std::vector<const std::string *> string_order_;                            ///< by number, in strings_
    std::map<std::string, std::uint64_t> mappings_;                            ///< by path
    std::map<std::pair<std::int64_t, std::int64_t>, std::uint64_t> functions_; ///< by name and file
    std::map<std::tuple<std::uint64_t, std::uint64_t, std::vector<Line>>, std::uint64_t>
        locations_; ///< by mapping, address and lines
};

std::string process_name(const ProcessReport &process) {
    const std::string &path =
        process.executable.empty() && !process.command.empty() ? process.command.front() : process.executable;
    return path.empty() ? "(unknown)" : printable(base_name(path), true);
}

void add_site(const Report &report, const SiteReport &site, Profile &profile) {
    const LockReport &lock = report.locks[site.lock];
    const std::vector<std::uint64_t> locations = profile.locations(site.frames.all());
    const std::vector<Profile::Label> labels = {
        {profile.text("lock"), profile.text(printable(lock.name(), true)), 0},
        {profile.text("family"), profile.text(family_word(lock.family)), 0}};
    std::array<std::uint64_t, 4> left{site.wait.count, site.wait.sum_ns, site.region.count,
                                      site.region.sum_ns};
    for (const SiteProcess &share : site.processes) {
        const ProcessReport &process = report.processes[share.process];
        const std::array values{share.waits, share.wait_ns, share.holds, share.hold_ns};
        std::ranges::transform(left, values, left.begin(), std::minus<>());
        std::vector<Profile::Label> with_process = labels;
        with_process.push_back({profile.text("process"), profile.text(process_name(process)), 0});
        with_process.push_back({profile.text("pid"), 0, process.pid});
        for (const ProcessKey key : {ProcessKey::host, ProcessKey::job, ProcessKey::rank}) {
            if (const std::string value = process_value(*process.origin, key); !value.empty()) {
                with_process.push_back(
                    {profile.text(process_key_name(key)), profile.text(printable(value, true)), 0});
            }
        }
        if (values != std::array<std::uint64_t, 4>{}) {
            profile.add_sample(locations, values, with_process);
        }
    }
    if (left != std::array<std::uint64_t, 4>{}) {
        profile.add_sample(locations, left, labels);
    }
}

} // namespace

std::string to_pprof(const Report &report) {
    Profile profile;
    profile.add_sample_type("waits", "count");
    profile.add_sample_type("wait", "nanoseconds");
    profile.add_sample_type("holds", "count");
    profile.add_sample_type("hold", "nanoseconds");
    profile.add_run(report.run);
    for (const SiteReport &site : report.sites) {
        add_site(report, site, profile);
    }
    return profile.finish();
}

} // namespace flockstat::reporter
