#include "reporter/read/record_tables.h"

#include <algorithm>

namespace flockstat::reporter {
namespace {

/// Remembers what `make` gave for a reference; damage is counted at each use.
template<typename Make>
std::uint32_t remember(std::unordered_map<record::Ref, std::uint32_t> &known, record::Ref ref,
                       std::uint64_t &damaged, Make make) {
    if (ref == 0) {
        return no_index;
    }
    auto found = known.find(ref);
    if (found == known.end()) {
        const std::uint32_t index = make();
        found = known.emplace(ref, index).first;
    }
    if (found->second == no_index) {
        ++damaged;
    }
    return found->second;
}

template<typename Item>
std::uint32_t append(std::vector<Item> &items, Item item) {
    items.push_back(std::move(item));
    return static_cast<std::uint32_t>(items.size() - 1);
}

} // namespace

RecordTables::RecordTables(record::ArenaView arena, const RunClock &clock, Run &run)
    : arena_(arena), clock_(clock), run_(run), budget_(16 * arena.bytes()) {}

bool RecordTables::spend(std::uint64_t bytes) {
    if (bytes > budget_) {
        return false;
    }
    budget_ -= bytes;
    return true;
}

std::string RecordTables::text(record::Ref ref) {
    const record::TextView view = arena_.text(ref);
    if (view.data == nullptr || !spend(view.bytes)) {
        return {};
    }
    return {view.data, view.bytes};
}

std::vector<std::string> RecordTables::arguments(record::Ref ref) {
    std::vector<std::string> arguments;
    const std::string joined = text(ref);
    if (joined.empty() || !spend(joined.size() * sizeof(std::string))) {
        return arguments;
    }
    for (std::size_t start = 0; start <= joined.size();) {
        const std::size_t end = std::min(joined.find('\0', start), joined.size());
        arguments.push_back(joined.substr(start, end - start));
        start = end + 1;
    }
    return arguments;
}

std::shared_ptr<const Origin> RecordTables::origin(record::Ref job) {
    std::shared_ptr<const Origin> &known = origins_[job];
    if (known == nullptr) {
        Origin origin{.host = run_.host, .job = {}};
        for (const std::string &variable : arguments(job)) {
            const std::size_t equals = std::min(variable.find('='), variable.size());
            origin.job.emplace_back(variable.substr(0, equals),
                                    variable.substr(std::min(equals + 1, variable.size())));
        }
        known = std::make_shared<const Origin>(std::move(origin));
    }
    return known;
}

std::uint32_t RecordTables::lock(record::Ref ref) {
    return remember(locks_, ref, run_.damaged, [&] {
        record::Lock stored;
        if (!arena_.copy(ref, &stored) || static_cast<unsigned>(stored.family) >= record::family_count) {
            return no_index;
        }
        Lock lock;
        lock.path = text(stored.path);
        lock.device_major = stored.device_major;
        lock.device_minor = stored.device_minor;
        lock.inode = stored.inode;
        lock.birth_seconds = stored.birth_seconds;
        lock.birth_nanoseconds = stored.birth_nanoseconds;
        lock.filesystem = stored.filesystem;
        lock.family = stored.family;
        if (const auto mount = parse_mount_line(text(stored.mount))) {
            lock.network = network_file(*mount, lock.family, stored.mount_of_another == 0 ? lock.path : "");
        }
        return append(run_.locks, std::move(lock));
    });
}

std::uint32_t RecordTables::module(record::Ref ref) {
    return remember(modules_, ref, run_.damaged, [&] {
        record::Module stored;
        if (!arena_.copy(ref, &stored) || stored.build_id_bytes > sizeof stored.build_id) {
            return no_index;
        }
        Module module;
        module.path = text(stored.path);
        module.build_id.assign(reinterpret_cast<const char *>(stored.build_id), stored.build_id_bytes);
        return append(run_.modules, std::move(module));
    });
}

std::uint32_t RecordTables::python_function(record::Ref ref) {
    return remember(python_functions_, ref, run_.damaged, [&] {
        record::PythonFunction stored;
        if (!arena_.copy(ref, &stored)) {
            return no_index;
        }
        return append(
            run_.python_functions,
            {.name = text(stored.name), .file = text(stored.file), .first_line = stored.first_line});
    });
}

Frame RecordTables::frame(const record::Frame &stored) {
    Frame frame;
    frame.offset = stored.offset;
    if (stored.kind == record::FrameKind::python) {
        frame.python = python_function(stored.module);
    } else {
        frame.module = module(stored.module);
    }
    return frame;
}

std::uint32_t RecordTables::stack(record::Ref ref) {
    return remember(stacks_, ref, run_.damaged, [&] {
        record::Stack head;
        if (!arena_.copy(ref, &head) || head.depth > record::max_stack_frames) {
            return no_index;
        }
        const std::uint64_t more = head.depth > 1 ? (head.depth - 1) * sizeof(record::Frame) : 0;
        const auto *stored = arena_.at<record::Stack>(ref, more);
        if (stored == nullptr || !spend(more)) {
            return no_index;
        }
        Stack stack;
        stack.flags = head.flags;
        stack.process = process(head.process);
        for (std::uint32_t i = 0; i < head.depth; ++i) {
            stack.frames.push_back(frame(stored->frames[i]));
        }
        return append(run_.stacks, std::move(stack));
    });
}

std::uint32_t RecordTables::process(record::Ref ref) {
    return remember(processes_, ref, run_.damaged, [&] {
        record::Process stored;
        if (!arena_.copy(ref, &stored) || stored.state == record::ProcessState::unused || stored.pid <= 0 ||
            stored.state > record::ProcessState::execed) {
            return no_index;
        }
        Process process;
        process.pid = stored.pid;
        process.parent_pid = stored.parent_pid;
        process.pid_namespace = stored.pid_namespace;
        process.attached_at_ns = clock_.moment_ns(stored.attached_ticks);
        process.last_seen_at_ns = process.attached_at_ns;
        if (stored.state != record::ProcessState::running) {
            process.ended_at_ns = std::max(process.attached_at_ns, clock_.moment_ns(stored.ended_ticks));
            process.last_seen_at_ns = process.ended_at_ns;
        }
        const bool seen_gone = stored.state == record::ProcessState::running && stored.ended_ticks != 0;
        if (seen_gone) {
            process.ended_at_ns = std::max(process.attached_at_ns, clock_.moment_ns(stored.ended_ticks));
        }
        process.ending = stored.state == record::ProcessState::exited   ? Ending::exited
                         : stored.state == record::ProcessState::execed ? Ending::execed
                         : seen_gone                                    ? Ending::killed
                                                                        : Ending::unknown;
        process.status = stored.state == record::ProcessState::exited ? stored.status : -1;
        process.uid = stored.uid;
        process.threads = stored.threads;
        process.command = arguments(stored.command);
        process.executable = text(stored.executable);
        process.origin = origin(stored.job);
        return append(run_.processes, std::move(process));
    });
}

} // namespace flockstat::reporter
