#include "reporter/cli/end_watch.h"

#include "reporter/cli/signal_free_thread.h"
#include "reporter/read/run_clock.h"
#include "reporter/record/chain.h"
#include "reporter/record/clock.h"
#include "reporter/summary/process_state.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <exception>
#include <poll.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

namespace flockstat::cli {
namespace {

constexpr int look_interval_ms = 20;
constexpr std::int32_t stop_word = 0; // no process's pid

/// A handle on a process; -1 where there is none.
int open_handle(std::int32_t pid) {
    const auto open = [pid] { return static_cast<int>(syscall(SYS_pidfd_open, pid, 0)); };
    const int handle = open();
    if (handle >= 0 || errno != EMFILE) {
        return handle;
    }
    rlimit limit{};
    if (getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur == limit.rlim_max) {
        return -1;
    }
    limit.rlim_cur = limit.rlim_max;
    return setrlimit(RLIMIT_NOFILE, &limit) == 0 ? open() : -1;
}

bool has_ended(int handle) {
    pollfd end{handle, POLLIN, 0};
    return poll(&end, 1, 0) == 1;
}

bool await(int epoll, int handle, std::int32_t word) {
    epoll_event event{};
    event.events = EPOLLIN;
    event.data.fd = word;
    return epoll_ctl(epoll, EPOLL_CTL_ADD, handle, &event) == 0;
}

} // namespace

EndWatch::EndWatch(const record::Mapping &arena)
    : arena_(arena), pid_namespace_(summary::own_pid_namespace()), ends_(epoll_create1(EPOLL_CLOEXEC)),
      stop_(eventfd(0, EFD_CLOEXEC)), known_heads_(record::process_chains) {
    if (pid_namespace_ == 0 || ends_ < 0 || stop_ < 0 || !await(ends_, stop_, stop_word)) {
        return;
    }
    thread_ = start_signal_free_thread([this] { watch(); });
}

EndWatch::~EndWatch() {
    if (thread_.joinable()) {
        const std::uint64_t one = 1;
        [[maybe_unused]] const ssize_t told = write(stop_, &one, sizeof one);
        thread_.join();
    }
    for (const auto &[pid, watched] : watched_) {
        close(watched.handle);
    }
    close(stop_);
    close(ends_);
}

void EndWatch::watch() {
    try {
        while (!stopped_) {
            note_ends(look_interval_ms);
            look_for_new();
        }
    } catch (const std::exception &) { // no memory: the run goes on, and ends are not seen any more
    }
}

void EndWatch::note_ends(int timeout_ms) {
    std::array<epoll_event, 64> events{};
    int ready = 0;
    do {
        ready = epoll_wait(ends_, events.data(), static_cast<int>(events.size()), timeout_ms);
        for (int i = 0; i < ready; ++i) {
            const std::int32_t pid = events[static_cast<std::size_t>(i)].data.fd;
            stopped_ = stopped_ || pid == stop_word;
            if (pid != stop_word) {
                note_end(pid);
            }
        }
        timeout_ms = 0;
    } while (ready == static_cast<int>(events.size()));
}

void EndWatch::note_end(std::int32_t pid) {
    const auto found = watched_.find(pid);
    if (found == watched_.end()) {
        return;
    }
    auto *process = record::resolve<record::Process>(arena_, found->second.latest);
    if (process != nullptr && process->state == record::ProcessState::running) {
        const std::uint64_t now = record::read_ticks(record::header_of(arena_).clock);
        __atomic_store_n(&process->ended_ticks, now, __ATOMIC_RELEASE);
    }
    close(found->second.handle); // leaves the epoll set, too
    watched_.erase(found);
}

void EndWatch::look_for_new() {
    const std::uint32_t count = __atomic_load_n(&record::header_of(arena_).process_count, __ATOMIC_ACQUIRE);
    if (count == known_processes_) {
        return;
    }
    known_processes_ = count;
    for (std::size_t chain = 0; chain < record::process_chains; ++chain) {
        const record::Ref head =
            __atomic_load_n(&record::header_of(arena_).process_heads[chain], __ATOMIC_ACQUIRE);
        std::vector<record::Ref> fresh;
        record::Ref ref = head;
        while (ref != known_heads_[chain] && fresh.size() < record::max_chain_steps) {
            const auto *process = record::resolve<record::Process>(arena_, ref);
            if (process == nullptr) {
                break;
            }
            fresh.push_back(ref);
            ref = process->next;
        }
        known_heads_[chain] = head;
        std::ranges::reverse(fresh); // oldest first
        for (const record::Ref each : fresh) {
            add(each, *record::resolve<record::Process>(arena_, each));
        }
    }
}

void EndWatch::add(record::Ref ref, const record::Process &process) {
    if (process.state != record::ProcessState::running || process.pid <= 0 ||
        process.pid_namespace != pid_namespace_) {
        return;
    }
    const std::int32_t pid = process.pid;
    if (const auto known = watched_.find(pid); known != watched_.end()) {
        if (!has_ended(known->second.handle)) {
            known->second.latest = ref; // the next image
            return;
        }
        note_end(pid);
    }
    const int handle = open_handle(pid);
    if (handle < 0) {
        return;
    }
    const reporter::RunClock clock(record::header_of(arena_));
    const std::uint64_t age_ticks = clock.now_ticks() - process.attached_ticks;
    const bool is_it = clock.of_this_boot() && clock.now_ticks() >= process.attached_ticks &&
                       summary::process_life(pid, clock.duration_ns(age_ticks)) == summary::Life::alive;
    if (is_it && await(ends_, handle, pid)) {
        watched_[pid] = {handle, ref};
    } else {
        close(handle);
    }
}

} // namespace flockstat::cli
