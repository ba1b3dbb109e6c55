/// The shim's engine at work on made-up operations: real descriptors, invented times, an arena of its own.
#pragma once

#include "reporter/read/run.h"
#include "reporter/record/arena_view.h"
#include "shim/bookkeeping.h"
#include "shim/open_file.h"
#include "shim/run.h"
#include "tests/support/places.h"

#include <filesystem>
#include <string>

namespace flockstat::test {

inline constexpr std::uint64_t us = 1'000;
inline constexpr std::uint64_t ms = 1'000'000;
inline constexpr std::uint64_t s = 1'000'000'000;

/// What a lock call asked for and how it ended. Times in nanoseconds.
struct Call {
    shim::Family family = shim::Family::flock;
    shim::Mode mode = shim::Mode::exclusive;
    shim::Range range{};
    int error = 0;
    std::uint64_t took_ns = 500;
    std::uint64_t waited_ns = 0; ///< of `took_ns`; 0: it did not have to wait
    bool range_known = true;
};

/// While it lives, this process records into an arena in a temporary directory, of which nothing else in the
/// process knows. Its clock stands still but for what calls take and wait() adds. One at a time.
class Recording {
public:
    explicit Recording(std::uint64_t arena_mib = 4);
    ~Recording();
    Recording(const Recording &) = delete;
    Recording &operator=(const Recording &) = delete;

    /// Opens `name` in a directory of the recording's, making it. The caller closes it, by close().
    [[nodiscard]] int open(const std::string &name) const;
    [[nodiscard]] std::filesystem::path path(const std::string &name) const { return files_ / name; }

    void attempt(int descriptor, const Call &call = {});
    void unlock(int descriptor, const Call &call = {});
    void test(int descriptor, const Call &call = {});
    /// Closes it really, too.
    void close(int descriptor, std::uint64_t took_ns = 500);
    /// A duplicate that is known to be one.
    [[nodiscard]] int duplicate(int descriptor);

    /// Nothing happens for a while.
    void wait(std::uint64_t ns) { now_ += ns; }
    [[nodiscard]] std::uint64_t now() const { return now_; }

    [[nodiscard]] record::Header &header() const {
        return *reinterpret_cast<record::Header *>(shim::run.arena.base);
    }

    [[nodiscard]] static record::ArenaView view() { return {shim::run.arena.base, shim::run.arena.bytes}; }

    /// What a reporter would see.
    [[nodiscard]] reporter::Run read() const;

private:
    shim::Operation begin(shim::Deed deed, int descriptor, const Call &call);

    TempDirectory arena_directory_;
    TempDirectory files_;
    std::filesystem::path arena_file_;
    shim::ProcessRun before_;
    std::uint64_t now_;
};

/// The counts of one file's calls of a kind. Throws std::runtime_error where there are none.
[[nodiscard]] const reporter::Leaf &leaf_of(const reporter::Run &run, const std::filesystem::path &file,
                                            record::LeafKind kind,
                                            record::Family family = record::Family::flock);

/// The same, for exclusive locks.
[[nodiscard]] const reporter::Leaf &exclusive(const reporter::Run &run, const std::filesystem::path &file,
                                              record::Family family = record::Family::flock);
[[nodiscard]] const reporter::Leaf &shared(const reporter::Run &run, const std::filesystem::path &file,
                                           record::Family family = record::Family::flock);

/// How many regions of it ended in one way.
[[nodiscard]] std::uint64_t released(const reporter::Leaf &leaf, record::Release how);

/// Events of a kind.
[[nodiscard]] std::size_t count_events(const reporter::Run &run, record::EventKind kind);

} // namespace flockstat::test
