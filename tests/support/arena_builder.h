/// Arenas for tests of the reporter: what the processes of a run would have written, put together by hand.
#pragma once

#include "reporter/record/arena_file.h"
#include "reporter/record/histogram.h"

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace flockstat::test {

/// An arena in memory, of a run that began at tick `start` on a monotonic clock (one tick is one nanosecond)
/// at `start_realtime_ns`, on a machine and boot that are not this one unless made_here() is called. Records
/// are only appended, so references to them stay valid as long as the builder.
class ArenaBuilder {
public:
    static constexpr std::uint64_t start = 1'000'000'000'000;
    static constexpr std::uint64_t start_realtime_ns = 1'700'000'000'000'000'000;

    explicit ArenaBuilder(std::uint64_t bytes = std::uint64_t{1} << 20U);
    ~ArenaBuilder();
    ArenaBuilder(const ArenaBuilder &) = delete;
    ArenaBuilder &operator=(const ArenaBuilder &) = delete;

    [[nodiscard]] record::Header &header() { return *reinterpret_cast<record::Header *>(arena_.base); }

    /// Gives it this machine's boot id, host name and a start `age_ns` ago.
    void made_here(std::uint64_t age_ns);

    record::Ref text(std::string_view text);
    record::Ref lock(std::string_view path, record::Family family, std::uint64_t inode = 1);
    record::Ref module(std::string_view path, std::string_view build_id = {});

    /// A frame is a return address and a module, 0 for none.
    record::Ref stack(const std::vector<std::pair<std::uint64_t, record::Ref>> &frames,
                      record::Ref process = 0);

    /// A process that attached at `attached` ticks, in this process's pid namespace.
    record::Ref process(std::int32_t pid, record::ProcessState state, std::uint64_t attached = start,
                        std::uint64_t ended = 0);
    record::Ref block(record::Ref process);
    record::Leaf &leaf(record::Ref block, record::Ref lock, record::Ref stack, record::LeafKind kind,
                       record::Family family = record::Family::flock);
    record::LeafExtra &extra(record::Leaf &leaf);
    record::Region &region(record::Ref block, record::Ref process, record::Ref lock, record::Ref stack,
                           std::uint64_t since, record::Mode mode = record::Mode::exclusive);
    record::Event &event(record::EventKind kind, record::Ref lock, record::Ref stack, record::Ref process);

    /// Adds a sample as a thread does: summary, and from the fourth on the histogram.
    void sample(record::Stat &stat, std::uint64_t value_ticks, std::uint64_t at_ticks = start);
    static void sample(record::ShortStat &stat, std::uint64_t value_ticks, std::uint64_t at_ticks = start);

    template<typename Record>
    [[nodiscard]] Record &get(record::Ref ref) {
        return *reinterpret_cast<Record *>(arena_.base + std::uint64_t{ref} * record::ref_unit);
    }

    [[nodiscard]] std::span<std::byte> bytes() {
        return {reinterpret_cast<std::byte *>(arena_.base), arena_.bytes};
    }
    void write(const std::filesystem::path &file);

private:
    template<typename Record>
    record::Ref add(std::uint64_t extra_bytes = 0, std::uint64_t alignment = 64);
    void count(record::Stat &stat, std::uint64_t value_ticks);

    record::Mapping arena_;
    std::vector<std::pair<record::Stat *, std::vector<std::uint64_t>>>
        early_; ///< samples that no histogram has yet
    std::uint32_t ordinals_ = 0;
};

} // namespace flockstat::test
