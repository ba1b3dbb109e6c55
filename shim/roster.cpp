#include "shim/roster.h"

#include "reporter/record/system_call.h"
#include "shim/fork_epoch.h"
#include "shim/own_descriptor.h"
#include "shim/proc_path.h"

#include <cerrno>
#include <dirent.h>
#include <fcntl.h>

namespace flockstat::shim {
namespace {

using record::address_of;
using record::system_call;

record::Header &header() { return *reinterpret_cast<record::Header *>(run.arena.base); }

std::uint64_t place_now(std::int32_t pid) {
    const std::uint64_t units = (now_ticks() >> record::roster_pid_bits) + 1;
    return (units << record::roster_pid_bits) | static_cast<std::uint32_t>(pid);
}

bool is_free(std::uint64_t place) {
    return place == 0 || system_call(SYS_kill, present_of(place).pid, 0) == -ESRCH;
}

/// The place of that pid (`known`), or a free one that is given to it; nullptr where the group has none.
std::uint64_t *take_place(record::RosterGroup &group, std::int32_t pid, bool known) {
    for (std::uint64_t &place : group.places) {
        std::uint64_t seen = __atomic_load_n(&place, __ATOMIC_RELAXED);
        if (known ? seen != 0 && present_of(seen).pid == pid
                  : is_free(seen) && __atomic_compare_exchange_n(&place, &seen, place_now(pid), false,
                                                                 __ATOMIC_RELEASE, __ATOMIC_RELAXED)) {
            return &place;
        }
    }
    return nullptr;
}

std::uint64_t *take_place(std::int32_t pid, bool known) {
    record::Ref ref = __atomic_load_n(&header().roster, __ATOMIC_ACQUIRE);
    for (unsigned i = 0; i < max_roster_groups; ++i) {
        auto *group = record::resolve<record::RosterGroup>(run.arena, ref);
        if (group == nullptr) {
            return nullptr;
        }
        if (group->pid_namespace == static_cast<std::uint32_t>(run.pid_namespace)) {
            if (std::uint64_t *place = take_place(*group, pid, known); place != nullptr) {
                return place;
            }
        }
        ref = group->next;
    }
    return nullptr;
}

std::uint64_t *put_down(std::int32_t pid) {
    if (std::uint64_t *place = take_place(pid, false); place != nullptr) {
        return place;
    }
    const record::Ref ref = record::take_room(run.arena, sizeof(record::RosterGroup), 64);
    auto *group = record::resolve<record::RosterGroup>(run.arena, ref);
    if (group == nullptr) {
        __atomic_store_n(&header().roster_full, 1U, __ATOMIC_RELAXED);
        return nullptr;
    }
    group->pid_namespace = static_cast<std::uint32_t>(run.pid_namespace);
    group->places[0] = place_now(pid);
    record::push(&header().roster, group, ref);
    return &group->places[0];
}

/// Space-separated pids.
bool put_down_list(const char *path) {
    char text[1024];
    const OwnDescriptor file(path);
    if (file.number() < 0) {
        return file.number() == -ENOENT; // the thread is gone
    }
    std::int32_t pid = 0;
    long bytes = 0;
    while ((bytes = system_call(SYS_read, file.number(), address_of(text), sizeof text)) > 0) {
        for (const char *at = text; at < text + bytes; ++at) {
            if (*at >= '0' && *at <= '9') {
                pid = pid * 10 + (*at - '0');
            } else if (pid != 0) {
                if (take_place(pid, true) == nullptr) {
                    put_down(pid);
                }
                pid = 0;
            }
        }
    }
    return bytes == 0;
}

} // namespace

void join_roster() {
    const auto pid = static_cast<std::int32_t>(system_call(SYS_getpid));
    run.roster_place = take_place(pid, true);
    if (run.roster_place != nullptr) { // of the image before, or of an earlier process of that pid
        __atomic_store_n(run.roster_place, place_now(pid), __ATOMIC_RELEASE);
    } else {
        run.roster_place = put_down(pid);
    }
}

void leave_roster() {
    if (run.roster_place != nullptr) {
        __atomic_store_n(run.roster_place, 0, __ATOMIC_RELEASE);
        run.roster_place = nullptr;
    }
}

bool others_elsewhere() {
    record::Ref ref = __atomic_load_n(&header().roster, __ATOMIC_ACQUIRE);
    for (unsigned i = 0; i < max_roster_groups; ++i) {
        const auto *group = record::resolve<record::RosterGroup>(run.arena, ref);
        if (group == nullptr) {
            return false;
        }
        if (group->pid_namespace != static_cast<std::uint32_t>(run.pid_namespace)) {
            for (const std::uint64_t &place : group->places) {
                if (__atomic_load_n(&place, __ATOMIC_RELAXED) != 0) {
                    return true;
                }
            }
        }
        ref = group->next;
    }
    return false;
}

bool made_children() { return fork_epoch() != run.first_epoch; }

// Children are listed by the thread that made them (man 5 proc).
bool note_children() {
    const std::uint32_t epoch = settled_epoch();
    if (epoch != 0 && epoch == run.noted_epoch) {
        return true;
    }
    const OwnDescriptor tasks("/proc/self/task", O_DIRECTORY);
    if (tasks.number() < 0) {
        return false;
    }
    bool all = is_proc_ours();
    alignas(dirent64) char entries[1024];
    long bytes = 0;
    while (all &&
           (bytes = system_call(SYS_getdents64, tasks.number(), address_of(entries), sizeof entries)) > 0) {
        for (long at = 0; at < bytes;) {
            const auto *entry = reinterpret_cast<const dirent64 *>(entries + at);
            at += entry->d_reclen;
            ProcPath path;
            path.add("/proc/self/task/").add(std::string_view(entry->d_name)).add("/children");
            all = (entry->d_name[0] == '.' || put_down_list(path.c_str())) && all;
        }
    }
    all = all && bytes == 0;
    run.noted_epoch = all ? epoch : 0;
    return all;
}

} // namespace flockstat::shim
