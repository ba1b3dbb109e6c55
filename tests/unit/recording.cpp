#include "tests/unit/recording.h"

#include "shim/ownership.h"
#include "shim/thread_slot.h"
#include "shim/thread_state.h"

#include <algorithm>
#include <fcntl.h>
#include <stdexcept>
#include <sys/mman.h>
#include <unistd.h>

namespace flockstat::test {

using shim::Deed;
using shim::Operation;

namespace {

/// Later than all that any recording's descriptors were last looked at.
std::uint64_t latest_ns = 0;

/// Regions of an arena that is not mapped any more.
class Forgetting final : public shim::HeldVisitor {
public:
    void visit(shim::OpenFile &open_file) override {
        open_file.flock_region = nullptr;
        (void)open_file.ofd.remove({});
    }
    void visit(shim::LockedFile &file) override { (void)file.posix.remove({}); }
};

/// What a child of fork does: threads, regions and process records of before are not this run's.
void forget_what_was() {
    shim::forget_parent_run();
    Forgetting forgetting;
    shim::visit_held(forgetting);
    shim::files_with_posix_locks = 0;
    shim::reset_thread_states();
}

} // namespace

Recording::Recording(std::uint64_t arena_mib) : before_(shim::run) {
    if (before_.attachment == shim::Attachment::off) { // by the shim's constructor, which is linked in
        throw std::runtime_error("the shim did not start: unset all FLOCKSTAT_ variables");
    }
    const std::string arena_directory = arena_directory_.path();
    record::NewArena wanted;
    wanted.run = {
        .run_id = 1, .first_pid = getpid(), .arena_directory = arena_directory, .directory = "/run"};
    wanted.bytes = arena_mib << 20U;
    wanted.options = record::option_stacks_off;
    wanted.command = "test";
    wanted.first_pid = getpid();
    forget_what_was();
    if (record::create_arena(wanted, &shim::run.arena) != 0) {
        throw std::runtime_error("no arena in " + arena_directory);
    }
    arena_file_ = arena_directory_ / "flockstat-0000000000000001";
    header().clock = record::Clock::monotonic;
    header().started = record::read_clocks(record::Clock::monotonic);
    header().latest = header().started;
    shim::run.attachment = shim::Attachment::none; // the first call attaches to what is mapped
    shim::run.stacks = false;
    shim::run.first_process = false;
    shim::run.command = shim::run.executable = 0;
    shim::run.settings = {};
    now_ = std::max(header().started.ticks, latest_ns) + s;
}

Recording::~Recording() {
    latest_ns = now_;
    forget_what_was();
    munmap(shim::run.arena.base, shim::run.arena.bytes);
    const std::uint32_t generation = shim::run.generation + 1;
    shim::run = before_;
    shim::run.generation = generation;
    shim::name_lock_holder();
}

int Recording::open(const std::string &name) const {
    const int descriptor = ::open(path(name).c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (descriptor < 0) {
        throw std::runtime_error("cannot open " + path(name).string());
    }
    return descriptor;
}

Operation Recording::begin(Deed deed, int descriptor, const Call &call) {
    Operation operation;
    operation.deed = deed;
    operation.family = call.family;
    operation.mode = call.mode;
    operation.range = call.range;
    operation.range_known = call.range_known;
    operation.descriptor = descriptor;
    operation.error = call.error;
    operation.outcome = shim::outcome_of(call.error, call.family);
    operation.start_ticks = now_;
    now_ += call.took_ns;
    operation.end_ticks = now_;
    operation.waited = call.waited_ns != 0;
    operation.wait_ticks = operation.waited ? now_ - call.waited_ns : 0;
    return operation;
}

void Recording::attempt(int descriptor, const Call &call) {
    shim::apply(begin(Deed::attempt, descriptor, call));
}

void Recording::unlock(int descriptor, const Call &call) {
    shim::apply(begin(Deed::unlock, descriptor, call));
}

void Recording::test(int descriptor, const Call &call) { shim::apply(begin(Deed::test, descriptor, call)); }

void Recording::close(int descriptor, std::uint64_t took_ns) {
    const shim::ThreadState *thread = shim::existing_thread_state();
    const bool inside = thread != nullptr && thread->inside.is_placed();
    if (!shim::descriptor_matters(descriptor) && !inside) { // then the shim does not look at it
        ::close(descriptor);
        return;
    }
    const shim::Released released = shim::apply(begin(Deed::close, descriptor, {.took_ns = 0}));
    ::close(descriptor);
    if (released.lock != 0) {
        Operation operation = begin(Deed::closed, -1, {.family = released.family, .took_ns = took_ns});
        operation.lock = released.lock;
        shim::apply(operation);
    }
}

int Recording::duplicate(int descriptor) {
    const int copy = fcntl(descriptor, F_DUPFD_CLOEXEC, 0);
    Operation operation = begin(Deed::duplicate, descriptor, {.took_ns = 0});
    operation.other = copy;
    shim::apply(operation);
    return copy;
}

reporter::Run Recording::read() const { return reporter::read_run(arena_file_); }

const reporter::Leaf &leaf_of(const reporter::Run &run, const std::filesystem::path &file,
                              record::LeafKind kind, record::Family family) {
    for (const reporter::Leaf &leaf : run.leaves) {
        if (leaf.lock != reporter::no_index && run.locks[leaf.lock].path == file && leaf.kind == kind &&
            leaf.family == family) {
            return leaf;
        }
    }
    throw std::runtime_error("nothing of that kind was recorded for " + file.string());
}

const reporter::Leaf &exclusive(const reporter::Run &run, const std::filesystem::path &file,
                                record::Family family) {
    return leaf_of(run, file, record::LeafKind::acquire_exclusive, family);
}

const reporter::Leaf &shared(const reporter::Run &run, const std::filesystem::path &file,
                             record::Family family) {
    return leaf_of(run, file, record::LeafKind::acquire_shared, family);
}

std::uint64_t released(const reporter::Leaf &leaf, record::Release how) {
    return leaf.released[static_cast<unsigned>(how)];
}

std::size_t count_events(const reporter::Run &run, record::EventKind kind) {
    return static_cast<std::size_t>(
        std::count_if(run.events.begin(), run.events.end(),
                      [&](const reporter::Event &event) { return event.kind == kind; }));
}

} // namespace flockstat::test
