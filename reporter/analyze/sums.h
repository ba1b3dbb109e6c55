/// What is summed up over the leaves of all runs before it becomes a report.
#pragma once

#include "reporter/analyze/merged_stacks.h"
#include "reporter/analyze/process_shares.h"
#include "reporter/analyze/report.h"
#include "reporter/analyze/samples_sum.h"
#include "reporter/read/run.h"

#include <array>
#include <compare>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <vector>

namespace flockstat::reporter {

/// Attempts by how they ended.
struct AttemptSum {
    std::uint64_t granted = 0, refused = 0, interrupted = 0, deadlocked = 0, failed = 0;

    void add(const Leaf &leaf);
    void merge(const AttemptSum &other);
    [[nodiscard]] std::uint64_t all() const { return granted + refused + interrupted + deadlocked + failed; }
};

/// A process that held a lock when the run was read.
struct HolderSum {
    std::size_t process = 0; ///< in Sums::processes
    Mode mode = Mode::shared;
    std::uint64_t held_ns = 0;
};

/// The longest wait that was overtaken: see fairness.h.
struct OvertakenSum {
    std::uint64_t wait_ns = 0, times = 0, behind_shared_ns = 0;
    Mode mode = Mode::shared;
    std::size_t site = 0;               ///< in Sums::sites
    std::optional<std::size_t> process; ///< in Sums::processes
};

struct FairnessSum {
    std::uint64_t longest_queue = 0, queued_ns = 0;
    Samples handover[2]; ///< blocked, polling
    std::uint64_t readers_kept_writers_ns = 0, writers_kept_readers_ns = 0;
    std::optional<OvertakenSum> overtaken;
    ProcessShares processes;

    void merge(const FairnessSum &other);
};

/// Processes outside the run, all with the same arguments, that were seen to hold what somebody waited for.
struct OutsideSum {
    std::int32_t pid = 0; ///< of the latest
    std::uint64_t processes = 0, seen_ns = 0;

    void merge(const OutsideSum &other);
};

struct LockSum {
    Lock lock;
    HostList hosts; ///< whose processes used it
    AttemptSum attempts;
    std::uint64_t tests = 0, unlocks = 0, polled = 0, abandoned = 0, abandoned_ns = 0, held_open_ns = 0;
    std::map<int, std::uint64_t> errors;
    std::array<std::uint64_t, record::release_count> released{};
    std::vector<HolderSum> held_by;
    std::map<std::pair<std::vector<std::string>, Mode>, OutsideSum> held_outside; ///< by their arguments
    Samples enter[2], region[2], wait[2];                                         ///< by Mode
    Samples exit, overshoot;
    FairnessSum fairness;

    /// Adds all of another lock's but its identity.
    void merge(const LockSum &other);
};

struct SiteSum {
    std::size_t lock = 0;
    std::uint32_t stack = 0; ///< of MergedStacks
    AttemptSum attempts;
    std::uint64_t abandoned = 0, abandoned_ns = 0, held_open_ns = 0;
    Samples enter, region, wait;
    ProcessShares processes;
};

/// A program's own wait counter.
struct WaitCounterSum {
    Samples waits;
    Concurrency concurrency;

    void add(const WaitCounter &counter);
};

struct ProcessSum {
    Process process;
    Samples region; ///< with the regions that its end closed
    std::map<std::string, WaitCounterSum> wait_counters;
};

struct UnattributedSum {
    AttemptSum attempts;
    std::uint64_t tests = 0, unlocks = 0;
    std::map<int, std::uint64_t> errors;
};

/// Who made whom wait: sites by their numbers in `sites`.
struct BlameSum {
    std::size_t waiter = 0;
    std::optional<std::size_t> holder; ///< none: not known, or outside the run
    std::uint64_t waits = 0, wait_ns = 0;
};

/// Bytes of a lock that were asked for, or held, at a site.
struct OrderedPlace {
    std::size_t site = 0; ///< in Sums::sites
    Mode mode = Mode::shared;
    std::int64_t range_start = 0, range_end = 0;
};

/// What threads had when they asked for a lock.
struct OrderSum {
    OrderedPlace wanted;
    std::vector<OrderedPlace> held;     ///< at least one
    std::optional<std::size_t> process; ///< one that did so, in Sums::processes
    std::uint64_t times = 0;            ///< that it was granted
};

/// A blocked thread with the number of its lock in `locks`.
struct WaitingSum {
    std::optional<std::size_t> lock;
    std::int32_t pid = 0, thread = 0;
    Mode mode = Mode::shared;
    std::uint64_t wait_ns = 0;
    bool alive = false;
};

/// Which lock it is, among those of all hosts. One on a file system of the host itself: by host, path,
/// device, inode, birth and family. One on a network file system: by what the hosts call that, inode, birth
/// and family, wherever they mount it.
struct LockKey {
    std::string place; ///< host, or network file system
    bool network = false;
    std::string path;
    std::uint32_t device_major = 0, device_minor = 0;
    std::uint64_t inode = 0;
    std::int64_t birth_seconds = 0;
    std::uint32_t birth_nanoseconds = 0;
    Family family = Family::flock;

    friend auto operator<=>(const LockKey &, const LockKey &) = default;
};

/// Sums over runs. Locks are equal where their LockKeys are.
class Sums {
public:
    Sums(const MergedStacks &stacks, Timeline bars) : timeline_(bars), stacks_(stacks) {}

    /// Adds the `number`th of the runs that were added to `stacks`: its leaves, and what became of what is
    /// open in its arena.
    void add(const Run &run, std::size_t number);

    std::vector<std::string> hosts; ///< of all runs
    std::vector<LockSum> locks;
    std::vector<SiteSum> sites;
    std::vector<ProcessSum> processes;
    std::vector<WaitingSum> waiting;
    std::vector<OrderSum> orders;
    std::vector<TimelineBar> timeline; ///< its lock, site and process are numbers of these lists

    /// Each pair once. Their times add up to the sites' waits: what the event log had no room for is
    /// nobody's.
    [[nodiscard]] std::vector<BlameSum> blame() const;

    std::array<UnattributedSum, record::family_count> unattributed;
    SamplesSum enter, region, exit; ///< of all calls
    Concurrency contended;          ///< filelock.enter
    std::map<std::string, WaitCounterSum> wait_counters;

private:
    [[nodiscard]] std::size_t lock_number(const Lock &lock, const HostList &host);
    [[nodiscard]] std::size_t network_lock_number(const Lock &lock);
    [[nodiscard]] std::size_t site_number(std::size_t lock, std::uint32_t stack);
    [[nodiscard]] SiteSum &site(std::size_t lock, std::uint32_t stack) {
        return sites[site_number(lock, stack)];
    }
    void add_leaf(const Leaf &leaf, std::uint32_t stack);
    void add_to_lock(const Leaf &leaf, LockSum &lock) const;
    void add_regions(const Run &run, std::size_t number, std::size_t first_process);
    void add_episodes(const Run &run, std::size_t number);
    void add_waiting(const Run &run);
    void add_orders(const Run &run, std::size_t number, std::size_t first_process);
    void add_wait_counters(const Run &run, std::size_t first_process);
    void add_outside_holders(const Run &run);
    void add_blame(const Run &run, std::size_t number);
    void add_fairness(const Run &run, std::size_t number, std::size_t first_process);
    void add_timeline(const Run &run, std::size_t number, std::size_t first_process);
    void add_process_shares(const Run &run, std::size_t number, std::size_t first_process);

    Timeline timeline_;
    const MergedStacks &stacks_;
    std::map<LockKey, std::size_t> lock_numbers_;
    std::map<std::pair<std::size_t, std::uint32_t>, std::size_t> site_numbers_;
    std::map<std::pair<std::size_t, std::optional<std::size_t>>, BlameSum> blame_; ///< by waiter and holder
    std::map<std::size_t, std::uint64_t> waits_seen_; ///< by site: in the event log
    std::vector<std::size_t>
        locks_of_run_; ///< of the run that is being added: its lock index -> number in `locks`
};

} // namespace flockstat::reporter
