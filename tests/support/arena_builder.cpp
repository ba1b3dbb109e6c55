#include "tests/support/arena_builder.h"

#include "reporter/record/clock.h"

#include <algorithm>
#include <cstring>
#include <fstream>
#include <new>
#include <stdexcept>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/utsname.h>

namespace flockstat::test {

using namespace record;

ArenaBuilder::ArenaBuilder(std::uint64_t bytes) {
    void *memory = ::mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (memory == MAP_FAILED) {
        throw std::bad_alloc();
    }
    arena_ = {static_cast<char *>(memory), bytes};
    Header &made = header();
    std::memcpy(made.magic, arena_magic, sizeof arena_magic);
    made.version = arena_version;
    made.header_bytes = sizeof(Header);
    made.arena_bytes = bytes;
    made.run_id = 0x1234;
    std::strcpy(made.boot_id, "another boot");
    std::strcpy(made.host, "elsewhere");
    made.clock = Clock::monotonic;
    made.started = {start, start, start_realtime_ns};
    made.latest = made.started;
    made.heap_next = (sizeof(Header) + 63U) & ~std::uint64_t{63};
    made.heap_real = bytes;
}

ArenaBuilder::~ArenaBuilder() { ::munmap(arena_.base, arena_.bytes); }

void ArenaBuilder::made_here(std::uint64_t age_ns) {
    std::string boot_id;
    std::ifstream("/proc/sys/kernel/random/boot_id") >> boot_id;
    utsname names{};
    ::uname(&names);
    std::strncpy(header().boot_id, boot_id.c_str(), sizeof header().boot_id - 1);
    std::strncpy(header().host, names.nodename, sizeof header().host - 1);
    const std::uint64_t then = monotonic_ns() - age_ns;
    header().started = {then, then, monotonic_ns(CLOCK_REALTIME) - age_ns};
    header().latest = header().started;
}

template<typename Record>
Ref ArenaBuilder::add(std::uint64_t extra_bytes, std::uint64_t alignment) {
    const Ref ref = take_room(arena_, sizeof(Record) + extra_bytes, alignment);
    if (ref == 0) {
        throw std::length_error("the test's arena is full");
    }
    return ref;
}

Ref ArenaBuilder::text(std::string_view text) { return intern_string(arena_, text); }

Ref ArenaBuilder::lock(std::string_view path, Family family, std::uint64_t inode) {
    const Ref ref = add<Lock>();
    Lock &lock = get<Lock>(ref);
    lock.path = text(path);
    lock.family = family;
    lock.device_major = 8;
    lock.device_minor = 1;
    lock.inode = inode;
    lock.filesystem = 0xef53;
    lock.next = std::exchange(header().lock_heads[inode % lock_chains], ref);
    return ref;
}

Ref ArenaBuilder::module(std::string_view path, std::string_view build_id) {
    const Ref ref = add<Module>();
    Module &module = get<Module>(ref);
    module.path = text(path);
    module.build_id_bytes = static_cast<std::uint32_t>(build_id.size());
    std::memcpy(module.build_id, build_id.data(), build_id.size());
    return ref;
}

Ref ArenaBuilder::stack(const std::vector<std::pair<std::uint64_t, Ref>> &frames, Ref process) {
    const Ref ref = add<Stack>(frames.size() * sizeof(Frame));
    Stack &stack = get<Stack>(ref);
    stack.process = process;
    stack.depth = static_cast<std::uint32_t>(frames.size());
    Frame *frame = stack.frames;
    for (const auto &[offset, module] : frames) {
        *frame++ = {offset, module, FrameKind::native};
    }
    return ref;
}

Ref ArenaBuilder::process(std::int32_t pid, ProcessState state, std::uint64_t attached, std::uint64_t ended) {
    const Ref ref = add<Process>();
    Process &process = get<Process>(ref);
    struct stat facts {};
    ::stat("/proc/self/ns/pid", &facts);
    process.ordinal = ++ordinals_;
    process.pid = pid;
    process.pid_namespace = facts.st_ino;
    process.attached_ticks = attached;
    process.ended_ticks = ended;
    process.state = state;
    process.status = state == ProcessState::exited ? 0 : -1;
    process.threads = 1;
    process.next =
        std::exchange(header().process_heads[static_cast<std::uint32_t>(pid) % process_chains], ref);
    ++header().process_count;
    ++header().thread_count;
    return ref;
}

Ref ArenaBuilder::block(Ref process) {
    const Ref ref = add<ThreadBlock>();
    ThreadBlock &block = get<ThreadBlock>(ref);
    block.process = process;
    if (process != 0) {
        block.epoch = get<Process>(process).epoch;
    }
    block.next = std::exchange(header().blocks, ref);
    return ref;
}

Leaf &ArenaBuilder::leaf(Ref block, Ref lock, Ref stack, LeafKind kind, Family family) {
    const Ref ref = add<Leaf>();
    Leaf &leaf = get<Leaf>(ref);
    leaf.lock = lock;
    leaf.stack = stack;
    leaf.kind = kind;
    leaf.family = lock == 0 ? family : get<Lock>(lock).family;
    leaf.next = std::exchange(get<ThreadBlock>(block).leaves, ref);
    ++get<ThreadBlock>(block).leaf_count;
    return leaf;
}

LeafExtra &ArenaBuilder::extra(Leaf &leaf) {
    if (leaf.extra == 0) {
        leaf.extra = add<LeafExtra>();
    }
    return get<LeafExtra>(leaf.extra);
}

Region &ArenaBuilder::region(Ref block, Ref process, Ref lock, Ref stack, std::uint64_t since, Mode mode) {
    ThreadBlock &owner = get<ThreadBlock>(block);
    if (owner.regions == 0) {
        owner.regions = add<RegionGroup>();
    }
    RegionGroup &group = get<RegionGroup>(owner.regions);
    Region *slot = std::ranges::find(group.slots, std::uint64_t{0}, &Region::since_ticks);
    if (slot == std::end(group.slots)) {
        throw std::length_error("the test's region group is full");
    }
    *slot = {};
    slot->since_ticks = since;
    slot->process = process;
    slot->lock = lock;
    slot->stack = stack;
    slot->family = get<Lock>(lock).family;
    slot->mode = mode;
    slot->range_end = INT64_MAX;
    slot->holders = 1;
    return *slot;
}

Event &ArenaBuilder::event(EventKind kind, Ref lock, Ref stack, Ref process) {
    if (header().event_chunks == 0 ||
        get<EventChunk>(header().event_chunks).events[events_in_chunk - 1].kind != EventKind::none) {
        const Ref chunk = add<EventChunk>();
        get<EventChunk>(chunk).next = std::exchange(header().event_chunks, chunk);
    }
    EventChunk &chunk = get<EventChunk>(header().event_chunks);
    Event *slot = std::ranges::find(chunk.events, EventKind::none, &Event::kind);
    slot->kind = kind;
    slot->lock = lock;
    slot->stack = stack;
    slot->process = process;
    return *slot;
}

void ArenaBuilder::count(Stat &stat, std::uint64_t value_ticks) {
    const unsigned bucket = bucket_of(value_ticks);
    Ref &octave = get<Histogram>(stat.histogram).octaves[bucket / steps_in_octave];
    if (octave == 0) {
        octave = add<OctaveCounts>();
    }
    ++get<OctaveCounts>(octave).counts[bucket % steps_in_octave];
}

void ArenaBuilder::sample(Stat &stat, std::uint64_t value_ticks, std::uint64_t at_ticks) {
    auto early = std::ranges::find(early_, &stat, &decltype(early_)::value_type::first);
    if (early == early_.end()) {
        early = early_.emplace(early_.end(), &stat, std::vector<std::uint64_t>());
    }
    early->second.push_back(value_ticks);
    if (stat.count == samples_without_histogram) {
        stat.histogram = add<Histogram>();
        for (const std::uint64_t value : early->second) {
            count(stat, value);
        }
    } else if (stat.count > samples_without_histogram) {
        count(stat, value_ticks);
    }
    stat.min_ticks = stat.count == 0 ? value_ticks : std::min(stat.min_ticks, value_ticks);
    stat.max_ticks = std::max(stat.max_ticks, value_ticks);
    stat.last_ticks = value_ticks;
    stat.last_at_ticks = at_ticks;
    ++stat.count;
    stat.sum_ticks += value_ticks;
}

void ArenaBuilder::sample(ShortStat &stat, std::uint64_t value_ticks, std::uint64_t at_ticks) {
    stat.min_ticks = stat.count == 0 ? value_ticks : std::min(stat.min_ticks, value_ticks);
    stat.max_ticks = std::max(stat.max_ticks, value_ticks);
    stat.last_ticks = value_ticks;
    stat.last_at_ticks = at_ticks;
    ++stat.count;
    stat.sum_ticks += value_ticks;
}

void ArenaBuilder::write(const std::filesystem::path &file) {
    std::ofstream out(file, std::ios::binary);
    out.write(arena_.base, static_cast<std::streamsize>(arena_.bytes));
    if (!out.flush()) {
        throw std::runtime_error("cannot write " + file.string());
    }
}

} // namespace flockstat::test
