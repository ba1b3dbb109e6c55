#include "shim/co_holders.h"

#include "reporter/record/system_call.h"
#include "shim/kept_files.h"
#include "shim/listed_descriptors.h"
#include "shim/mapped_file.h"
#include "shim/proc_path.h"
#include "shim/roster.h"

#include <cerrno>
#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>

std::uint32_t flockstat_fork_epoch = 1;
std::uint32_t flockstat_forks_under_way = 0;

namespace flockstat::shim {
namespace {

using record::address_of;
using record::system_call;

/// Numbers that are tried before a process's descriptors are listed, which takes many times as long.
constexpr int tried_numbers = 32;

/// Looks through all descriptors of one process.
class NumberSearch {
public:
    NumberSearch(int ours, std::int32_t pid) : ours_(ours), pid_(pid) {
        path_.add("/proc/").add(pid).add("/fd");
    }

    Answer find(int *number) {
        struct stat64 facts {};
        const long failed =
            system_call(SYS_newfstatat, AT_FDCWD, address_of(path_.c_str()), address_of(&facts), 0);
        if (failed != 0) {
            return failed == -ENOENT || failed == -ESRCH ? Answer::no : Answer::unknown;
        }
        // Since Linux 6.2 its size is the number of descriptors that are open.
        const bool all_seen = try_numbers(facts.st_size);
        if (answer_ != Answer::yes && !all_seen) {
            list();
        }
        *number = found_;
        return answer_;
    }

private:
    bool try_numbers(std::int64_t open) {
        tried_ = open > 0;
        for (int number = 0; open > 0 && number < tried_numbers; ++number) {
            const Answer answer = ask(number);
            if (answer == Answer::yes) {
                return true;
            }
            open -= answer == Answer::absent ? 0 : 1;
            if (open == 0) {
                return true;
            }
        }
        return false;
    }

    void list() {
        const long failed = visit_listed_descriptors(path_.c_str(), [&](int number) {
            if (number >= tried_numbers || !tried_) {
                ask(number);
            }
            return answer_ != Answer::yes;
        });
        answer_ = failed == 0 || failed == -ENOENT || failed == -ESRCH ? answer_ : Answer::unknown;
    }

    Answer ask(int number) {
        const Answer answer = is_same_description(ours_, pid_, number);
        if (answer == Answer::yes) {
            found_ = number;
        }
        if (answer == Answer::yes || answer == Answer::unknown) {
            answer_ = answer;
        }
        return answer;
    }

    int ours_;
    std::int32_t pid_;
    ProcPath path_;
    Answer answer_ = Answer::no;
    bool tried_ = false;
    int found_ = -1;
};

bool says_it_ended(std::int32_t pid) {
    record::Ref ref = 0;
    const record::Process *process = find_process(pid, &ref);
    return process != nullptr && process->state == record::ProcessState::exited;
}

/// Asks one process after the other until one is found.
class Search {
public:
    Search(int ours, const HeldRegion &region, const FileIdentity &file, CoHolder *found)
        : ours_(ours), usual_(region.live != nullptr ? region.live->descriptor : -1), file_(file),
          found_(found) {
        const bool made_here = region.made_in == run.generation && !was_passed(file);
        not_before_ticks_ = made_here ? region.alone_ticks : 0;
    }

    /// Under the numbers that it most likely has.
    bool find_by_usual_numbers() {
        return visit([this](std::int32_t pid, bool kin) {
            return ask(pid, ours_, kin) || (usual_ >= 0 && usual_ != ours_ && ask(pid, usual_, kin));
        });
    }

    bool find_by_any_number(unsigned max_listed) {
        if (!is_proc_ours()) {
            uncertain_ = true;
            return false;
        }
        unsigned listed = 0;
        return visit([&](std::int32_t pid, bool kin) {
            if (listed == max_listed) {
                uncertain_ = true;
                return false;
            }
            ++listed;
            int number = -1;
            const Answer answer = NumberSearch(ours_, pid).find(&number);
            return take(answer, pid, number, kin);
        });
    }

    [[nodiscard]] bool find_mapping() const {
        return visit([this](std::int32_t pid, bool) {
            ProcPath path;
            return has_mapping(path.add("/proc/").add(pid).add("/maps").c_str(), file_);
        });
    }

    [[nodiscard]] bool uncertain() const { return uncertain_; }

private:
    template<typename Look>
    bool visit(Look look) const {
        const auto parent = static_cast<std::int32_t>(system_call(SYS_getppid));
        if (not_before_ticks_ == 0 && parent > 0 && !says_it_ended(parent) && look(parent, false)) {
            return true;
        }
        return visit_roster([&](const Present &other) {
            return other.since_ticks >= not_before_ticks_ && other.pid != own_ && other.pid != parent &&
                   !says_it_ended(other.pid) && look(other.pid, true);
        });
    }

    bool ask(std::int32_t pid, int number, bool kin) {
        return take(is_same_description(ours_, pid, number), pid, number, kin);
    }

    /// `kin`: of the run. Where a parent is not, it is a login shell's sudo or the like.
    bool take(Answer answer, std::int32_t pid, int number, bool kin) {
        if (answer == Answer::yes) {
            *found_ = {pid, number};
        } else if (answer == Answer::unknown) {
            record::Ref ref = 0;
            uncertain_ = uncertain_ || kin || find_process(pid, &ref) != nullptr;
        }
        return answer == Answer::yes;
    }

    int ours_;
    int usual_;
    FileIdentity file_;
    CoHolder *found_;
    std::uint64_t not_before_ticks_ = 0; ///< who was there before cannot have it
    bool uncertain_ = false;
    std::int32_t own_ = static_cast<std::int32_t>(system_call(SYS_getpid));
};

} // namespace

Answer find_co_holder(int ours, const HeldRegion &region, unsigned max_listed, CoHolder *out) {
    const auto *lock = record::resolve<record::Lock>(run.arena, region.lock);
    if (lock == nullptr) {
        return Answer::unknown;
    }
    const bool children_known = !made_children() || note_children();
    const FileIdentity file = identity_of(*lock);
    Search search(ours, region, file, out);
    if (search.find_by_usual_numbers() || search.find_by_any_number(max_listed)) {
        return Answer::yes;
    }
    const auto *header = reinterpret_cast<const record::Header *>(run.arena.base);
    const bool kept = was_passed(file) || (was_mapped(file) && search.find_mapping());
    const bool all_asked =
        children_known && !search.uncertain() && header->roster_full == 0 && !others_elsewhere();
    return kept || !all_asked ? Answer::unknown : Answer::no;
}

int find_number(int ours, std::int32_t pid) {
    int number = -1;
    return is_proc_ours() && NumberSearch(ours, pid).find(&number) == Answer::yes ? number : -1;
}

} // namespace flockstat::shim
