#include "shim/python_stack.h"

#include "shim/run.h"

namespace flockstat::shim {
namespace {

/// The record of a function: by content, so that it is equal in every process of the run.
record::Ref intern_function(const PythonFunction &function) {
    record::PythonFunction wanted{};
    wanted.name = record::intern_string(run.arena, function.name_text());
    wanted.file = record::intern_string(run.arena, function.file_text());
    wanted.first_line = function.first_line;
    const std::uint32_t words[] = {wanted.name, wanted.file, wanted.first_line};
    const std::uint32_t hash = record::hash_bytes(words, sizeof words);
    auto *header = reinterpret_cast<record::Header *>(run.arena.base);
    return record::intern<record::PythonFunction>(
        run.arena, &header->python_heads[hash % record::python_chains], hash, sizeof wanted,
        [&](const record::PythonFunction &other) {
            return other.name == wanted.name && other.file == wanted.file &&
                   other.first_line == wanted.first_line;
        },
        [&](record::PythonFunction *mine) {
            mine->name = wanted.name;
            mine->file = wanted.file;
            mine->first_line = wanted.first_line;
        });
}

/// The frames that become a stack.
class Merged {
public:
    explicit Merged(record::Frame *frames) : frames_(frames) {}

    void add(const record::Frame &frame) {
        if (depth_ == record::max_stack_frames) {
            truncated_ = true;
        } else {
            frames_[depth_++] = frame;
        }
    }
    [[nodiscard]] unsigned depth() const { return depth_; }
    [[nodiscard]] bool truncated() const { return truncated_; }

private:
    record::Frame *frames_;
    unsigned depth_ = 0;
    bool truncated_ = false;
};

/// False where there is no such function, or no room for it.
bool add_python_frame(ThreadState &thread, const PythonLayout &layout, const PythonFrame &frame,
                      Merged *merged) {
    if (!read_python_code(layout, frame, &thread.python_function)) {
        return false;
    }
    const record::Ref function = intern_function(thread.python_function);
    merged->add(
        {.offset = thread.python_function.line, .module = function, .kind = record::FrameKind::python});
    return function != 0;
}

/// The interpreter, where its frames may be read.
const Python *readable_python(std::uintptr_t *thread) {
    find_python_thread_key();
    const Python *interpreter = __atomic_load_n(&python, __ATOMIC_ACQUIRE);
    *thread = interpreter != nullptr ? python_thread(*interpreter) : 0;
    return *thread != 0 ? interpreter : nullptr;
}

} // namespace

bool is_interpreted(const ThreadState &thread, unsigned depth) {
    const Python *interpreter = __atomic_load_n(&python, __ATOMIC_ACQUIRE);
    if (interpreter == nullptr || __atomic_load_n(&interpreter->unloads, __ATOMIC_RELAXED) !=
                                      __atomic_load_n(&module_unloads, __ATOMIC_RELAXED)) {
        return false;
    }
    for (unsigned i = 0; i < depth; ++i) {
        if (thread.unwound[i].instruction >= interpreter->module_start &&
            thread.unwound[i].instruction < interpreter->module_end) {
            return true;
        }
    }
    return false;
}

unsigned merge_python_frames(ThreadState &thread, std::span<const NativeFrame> native, bool *truncated) {
    std::uintptr_t state = 0;
    const Python *interpreter = readable_python(&state);
    if (interpreter == nullptr) {
        return 0;
    }
    const PythonLayout &layout = interpreter->layout;
    const unsigned count = read_python_frames(layout, state, thread.python_frames, record::max_stack_frames);
    Merged merged(thread.frames);
    unsigned next = 0;
    for (std::size_t i = 0; i < native.size(); ++i) {
        const std::uintptr_t end = i + 1 < native.size() ? native[i + 1].stack_start : UINTPTR_MAX;
        const unsigned before = next;
        while (next < count && thread.python_frames[next].evaluation >= native[i].stack_start &&
               thread.python_frames[next].evaluation < end) {
            if (!add_python_frame(thread, layout, thread.python_frames[next++], &merged)) {
                return 0;
            }
        }
        if (next == before) {
            merged.add(native[i].frame);
        }
    }
    *truncated = merged.truncated() || count == record::max_stack_frames;
    return count != 0 && (next == count || *truncated) ? merged.depth() : 0;
}

} // namespace flockstat::shim
