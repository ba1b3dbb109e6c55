/// Notes in the arena when processes of the run end, for those that cannot say so themselves: they are
/// killed.
#pragma once

#include "reporter/record/arena_file.h"

#include <cstdint>
#include <thread>
#include <unordered_map>
#include <vector>

namespace flockstat::cli {

/// A thread that waits for the ends of all processes of this pid namespace that the arena tells of, by
/// handles (man 2 pidfd_open, Linux 5.3), and writes Process::ended_ticks of those that did not say that they
/// end. It looks for new processes every 20 ms: one that is killed sooner is missed.
class EndWatch {
public:
    /// `arena` outlives this; the command is running by now: it must not inherit anything of this.
    explicit EndWatch(const record::Mapping &arena);
    EndWatch(const EndWatch &) = delete;
    EndWatch &operator=(const EndWatch &) = delete;

    /// Notes the ends that have come by now.
    ~EndWatch();

private:
    struct Watched {
        int handle = -1;
        record::Ref latest = 0; ///< the record of its present image
    };

    void watch();
    void look_for_new();
    void add(record::Ref ref, const record::Process &process);
    void note_ends(int timeout_ms);
    void note_end(std::int32_t pid);

    record::Mapping arena_;
    std::uint64_t pid_namespace_;
    int ends_; ///< epoll: what is ready is a process that ended
    int stop_; ///< eventfd among them
    bool stopped_ = false;
    std::uint32_t known_processes_ = 0;    ///< Header::process_count when it was last looked for new ones
    std::vector<record::Ref> known_heads_; ///< of Header::process_heads then
    std::unordered_map<std::int32_t, Watched> watched_; ///< by pid
    std::jthread thread_;
};

} // namespace flockstat::cli
