#include "shim/co_holders.h"

#include "reporter/record/system_call.h"

#include <cerrno>
#include <charconv>
#include <cstring>
#include <dirent.h>
#include <fcntl.h>
#include <string_view>
#include <sys/stat.h>

std::uint32_t flockstat_fork_epoch = 1;

namespace flockstat::shim {
namespace {

using record::address_of;
using record::system_call;

constexpr unsigned sharers_in_record = sizeof(record::Sharers{}.pids) / sizeof(std::int32_t);
constexpr unsigned max_sharer_records = 256;
/// Numbers that are tried in another process, where an inherited descriptor may have been duplicated to
/// another one.
constexpr int tried_descriptors = 32;

std::int32_t own_pid() { return static_cast<std::int32_t>(system_call(SYS_getpid)); }

bool is_close_on_exec(int descriptor) {
    const long flags = system_call(SYS_fcntl, descriptor, F_GETFD);
    return flags >= 0 && (flags & FD_CLOEXEC) != 0;
}

/// A short path; all of this may run on the small stack of a signal handler.
class ProcPath {
public:
    ProcPath &add(std::string_view text) {
        const std::size_t bytes =
            text.size() < sizeof text_ - 1 - used_ ? text.size() : sizeof text_ - 1 - used_;
        std::memcpy(text_ + used_, text.data(), bytes);
        used_ += bytes;
        return *this;
    }
    ProcPath &add(int number) {
        char digits[12];
        const char *end = std::to_chars(digits, digits + sizeof digits, number).ptr;
        return add({digits, static_cast<std::size_t>(end - digits)});
    }
    [[nodiscard]] const char *c_str() const { return text_; }

private:
    char text_[64] = {};
    std::size_t used_ = 0;
};

/// Where kcmp is not allowed: other files are other descriptions.
Answer compare_files(int ours, std::int32_t pid, int theirs) {
    ProcPath path;
    path.add("/proc/").add(pid).add("/fd/").add(theirs);
    struct stat64 mine {};
    struct stat64 other {};
    const long failed =
        system_call(SYS_newfstatat, AT_FDCWD, address_of(path.c_str()), address_of(&other), 0);
    if (failed == -ENOENT || failed == -ESRCH) {
        return Answer::no;
    }
    if (failed != 0 ||
        system_call(SYS_newfstatat, ours, address_of(""), address_of(&mine), AT_EMPTY_PATH) != 0) {
        return Answer::unknown;
    }
    return mine.st_dev == other.st_dev && mine.st_ino == other.st_ino ? Answer::unknown : Answer::no;
}

/// Asks one process after the other until one is found.
class Search {
public:
    Search(int ours, int usual, CoHolder *found)
        : ours_(ours), usual_(usual), found_(found), wide_(!is_close_on_exec(ours)) {}

    /// True where the process has it.
    bool look_at(std::int32_t pid, bool kin) {
        if (pid <= 0 || pid == own_ || says_it_ended(pid)) {
            return false;
        }
        Answer answer = ask(pid, ours_, kin);
        if (answer == Answer::no && usual_ >= 0 && usual_ != ours_) {
            answer = ask(pid, usual_, kin);
        }
        for (int number = 0; wide_ && answer == Answer::no && number < tried_descriptors; ++number) {
            answer = ask(pid, number, kin);
        }
        return answer == Answer::yes;
    }

    /// True where one of the space-separated pids of a file has it.
    bool look_at_list(const char *path) {
        char text[512];
        const long file = system_call(SYS_openat, AT_FDCWD, address_of(path), O_RDONLY | O_CLOEXEC);
        if (file < 0) {
            uncertain_ = uncertain_ || file != -ENOENT;
            return false;
        }
        const long bytes = system_call(SYS_read, file, address_of(text), sizeof text);
        system_call(SYS_close, file);
        const char *end = text + (bytes > 0 ? bytes : 0);
        for (const char *at = text; at < end;) {
            std::int32_t pid = 0;
            const std::from_chars_result read = std::from_chars(at, end, pid);
            if (look_at(pid, true)) {
                return true;
            }
            at = read.ptr + 1;
        }
        return false;
    }

    [[nodiscard]] bool uncertain() const { return uncertain_; }

private:
    static bool says_it_ended(std::int32_t pid) {
        record::Ref ref = 0;
        const record::Process *process = find_process(pid, &ref);
        return process != nullptr && process->state == record::ProcessState::exited;
    }

    Answer ask(std::int32_t pid, int number, bool kin) {
        const Answer answer = is_same_description(ours_, pid, number);
        if (answer == Answer::yes) {
            *found_ = {pid, number};
        } else if (answer == Answer::unknown) {
            record::Ref ref = 0; // who is neither ours nor recorded is a login shell's sudo or the like
            uncertain_ = uncertain_ || kin || find_process(pid, &ref) != nullptr;
        }
        return answer;
    }

    int ours_;
    int usual_;
    CoHolder *found_;
    bool wide_;
    bool uncertain_ = false;
    std::int32_t own_ = own_pid();
};

/// Children are listed by the thread that made them (man 5 proc).
bool look_at_children(Search &search) {
    const long tasks =
        system_call(SYS_openat, AT_FDCWD, address_of("/proc/self/task"), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (tasks < 0) {
        return false;
    }
    alignas(dirent64) char entries[1024]; // some 40 threads
    const long bytes = system_call(SYS_getdents64, tasks, address_of(entries), sizeof entries);
    system_call(SYS_close, tasks);
    for (long at = 0; at < bytes;) {
        const auto *entry = reinterpret_cast<const dirent64 *>(entries + at);
        at += entry->d_reclen;
        ProcPath path;
        path.add("/proc/self/task/").add(std::string_view(entry->d_name)).add("/children");
        if (entry->d_name[0] != '.' && search.look_at_list(path.c_str())) {
            return true;
        }
    }
    return false;
}

bool look_at_sharers(Search &search, const record::Region &region) {
    record::Ref ref = region.sharers;
    for (unsigned i = 0; i < max_sharer_records; ++i) {
        const auto *sharers = record::resolve<record::Sharers>(run.arena, ref);
        if (sharers == nullptr) {
            return false;
        }
        for (const std::int32_t &pid : sharers->pids) {
            if (search.look_at(__atomic_load_n(&pid, __ATOMIC_RELAXED), true)) {
                return true;
            }
        }
        ref = sharers->next;
    }
    return false;
}

bool is_free(std::int32_t pid) { return pid <= 0 || system_call(SYS_kill, pid, 0) == -ESRCH; }

record::Sharers *add_sharers(record::Region &region) {
    const record::Ref ref = record::take_room(run.arena, sizeof(record::Sharers), 64);
    auto *sharers = record::resolve<record::Sharers>(run.arena, ref);
    if (sharers != nullptr) {
        record::push(&region.sharers, sharers, ref);
    }
    return sharers;
}

bool put_into(record::Sharers &sharers, std::int32_t pid) {
    for (std::int32_t &slot : sharers.pids) {
        std::int32_t seen = __atomic_load_n(&slot, __ATOMIC_RELAXED);
        if (seen == pid ||
            (is_free(seen) &&
             __atomic_compare_exchange_n(&slot, &seen, pid, false, __ATOMIC_RELEASE, __ATOMIC_RELAXED))) {
            return true;
        }
    }
    return false;
}

} // namespace

bool is_surely_own(int descriptor) {
    return run.generation == 1 && fork_epoch() == 1 && is_close_on_exec(descriptor);
}

Answer is_same_description(int ours, std::int32_t pid, int theirs) {
    constexpr long kcmp_file = 0; // KCMP_FILE
    const long order = system_call(SYS_kcmp, own_pid(), pid, kcmp_file, ours, theirs);
    if (order >= 0) {
        return order == 0 ? Answer::yes : Answer::no;
    }
    return order == -EBADF || order == -ESRCH ? Answer::no : compare_files(ours, pid, theirs);
}

Answer find_co_holder(int ours, const record::Region *region, CoHolder *out) {
    const bool noted = region != nullptr && region->sharers != 0;
    if (!noted && is_surely_own(ours)) {
        return Answer::no;
    }
    Search search(ours, region != nullptr ? region->descriptor : -1, out);
    if ((region != nullptr && look_at_sharers(search, *region)) ||
        search.look_at(static_cast<std::int32_t>(system_call(SYS_getppid)), false) ||
        look_at_children(search)) {
        return Answer::yes;
    }
    return search.uncertain() ? Answer::unknown : Answer::no;
}

void make_sharers(record::Region &region) {
    if (region.sharers == 0) {
        (void)add_sharers(region);
    }
}

void note_sharer(record::Region &region, std::int32_t pid) {
    record::Ref ref = __atomic_load_n(&region.sharers, __ATOMIC_ACQUIRE);
    for (unsigned i = 0; i < max_sharer_records; ++i) {
        auto *sharers = record::resolve<record::Sharers>(run.arena, ref);
        if (sharers == nullptr) {
            sharers = add_sharers(region);
        }
        if (sharers == nullptr || put_into(*sharers, pid)) {
            return;
        }
        ref = sharers->next;
    }
}

record::Process *find_process(std::int32_t pid, record::Ref *ref) {
    const auto *header = reinterpret_cast<const record::Header *>(run.arena.base);
    const std::size_t chain =
        static_cast<std::size_t>(static_cast<std::uint32_t>(pid)) % record::process_chains;
    record::Ref at = __atomic_load_n(&header->process_heads[chain], __ATOMIC_ACQUIRE);
    for (unsigned step = 0; step < record::max_chain_steps; ++step) {
        auto *process = record::resolve<record::Process>(run.arena, at);
        if (process == nullptr) {
            return nullptr;
        }
        if (process->pid == pid && (run.pid_namespace == 0 || process->pid_namespace == run.pid_namespace)) {
            *ref = at;
            return process;
        }
        at = process->next;
    }
    return nullptr;
}

} // namespace flockstat::shim
