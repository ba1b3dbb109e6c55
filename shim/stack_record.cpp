/// From a call site to a stack's record: the part of recorder.h that unwinds.
#include "shim/recorder.h"

#include "shim/python_chain.h"
#include "shim/python_stack.h"

#include <cstring>

namespace flockstat::shim {
namespace {

/// Interns thread.frames[0 .. depth).
record::Ref intern_stack(ThreadState &thread, unsigned depth, std::uint32_t flags) {
    bool outside_modules = false;
    for (unsigned i = 0; i < depth; ++i) {
        outside_modules = outside_modules || thread.frames[i].module == 0; // Python functions have one
    }
    // Addresses without a module mean something in this process only.
    const record::Ref process = outside_modules ? run.process_ref : 0;
    const std::size_t frame_bytes = depth * sizeof(record::Frame);
    const std::uint32_t hash =
        record::hash_bytes(thread.frames, frame_bytes, process ^ (flags << 24U) ^ 2166136261U);
    auto *header = reinterpret_cast<record::Header *>(run.arena.base);
    const char *const end = run.arena.base + run.arena.bytes;
    return record::intern<record::Stack>(
        run.arena, &header->stack_heads[hash % record::stack_chains], hash,
        offsetof(record::Stack, frames) + frame_bytes,
        [&](const record::Stack &other) {
            return other.depth == depth && other.process == process && other.flags == flags &&
                   reinterpret_cast<const char *>(other.frames) + frame_bytes <= end &&
                   std::memcmp(other.frames, thread.frames, frame_bytes) == 0;
        },
        [&](record::Stack *mine) {
            mine->process = process;
            mine->flags = flags;
            mine->depth = depth;
            std::memcpy(mine->frames, thread.frames, frame_bytes);
        });
}

/// Interns thread.frames[0 .. depth), and counts what is missing of it.
record::Ref record_frames(ThreadState &thread, unsigned depth, std::uint32_t flags) {
    const record::Ref stack = intern_stack(thread, depth, flags);
    if (stack == 0 || (flags & record::stack_truncated) != 0) {
        count_lost(&record::Lost::stacks);
    }
    return stack;
}

std::uint32_t flags_of(const UnwindResult &result) {
    return (result.truncated ? record::stack_truncated : 0U) |
           (result.through_signal ? record::stack_through_signal : 0U) |
           (result.broken ? record::stack_broken : 0U);
}

void locate_frames(ThreadState &thread, unsigned depth) {
    const std::uint32_t unloads = __atomic_load_n(&module_unloads, __ATOMIC_RELAXED);
    for (unsigned i = 0; i < depth; ++i) {
        thread.frames[i] = thread.modules.locate(thread.unwound[i].instruction, unloads);
    }
}

/// A stack that an interpreter is on. `interpreted`: the cache's entry of the native frames, if it has one.
StackUse record_interpreted(ThreadState &thread, CachedStack *interpreted,
                            std::span<const NativeFrame> native, std::uint32_t flags) {
    bool truncated = false;
    unsigned depth = merge_python_frames(thread, native, &truncated);
    const PythonChain chain = depth != 0 && !truncated ? python_chain_here() : PythonChain{};
    if (depth == 0) {
        for (const NativeFrame &frame : native) {
            thread.frames[depth++] = frame.frame;
        }
    }
    const record::Ref stack =
        record_frames(thread, depth, flags | (truncated ? record::stack_truncated : 0U));
    CachedStack *entry = nullptr;
    if (stack != 0 && interpreted != nullptr && chain.depth != 0) {
        entry = thread.stacks.insert_variant(*interpreted, chain.hash);
        if (entry != nullptr) {
            entry->stack = stack;
        }
    }
    return {stack, entry};
}

StackUse unwind_interpreted(ThreadState &thread, const CallSite &site, const UnwindResult &result) {
    for (unsigned i = 0; i < result.depth; ++i) {
        thread.native[i] = {.frame = thread.frames[i],
                            .stack_start = i == 0 ? site.stack_pointer
                                                  : thread.unwound[i].return_slot + sizeof(std::uintptr_t)};
    }
    const std::uint32_t flags = flags_of(result);
    CachedStack *entry = result.truncated ? nullptr
                                          : thread.stacks.insert_interpreted(site, thread.unwound,
                                                                             result.depth, thread.native);
    if (entry != nullptr) {
        entry->stack = flags;
    }
    return record_interpreted(thread, entry, {thread.native, result.depth}, flags);
}

} // namespace

StackUse unwind_stack(ThreadState &thread, const Operation &operation) {
    if (!run.stacks) {
        return {};
    }
    if (operation.frames_gone) { // applied later than its call: only who called is known
        thread.unwound[0].instruction = operation.site.return_address;
        locate_frames(thread, 1);
        return {record_frames(thread, 1, record::stack_through_signal | record::stack_broken), nullptr};
    }
    if (CachedStack *known = thread.stacks.find_interpreted(operation.site); known != nullptr) {
        return record_interpreted(thread, known, StackCache::native_frames(*known), known->stack);
    }
    const UnwindResult result = unwind(operation.site, thread.unwound, record::max_stack_frames);
    locate_frames(thread, result.depth);
    // A signal may have come while the interpreter was changing its frames.
    if (!result.through_signal && is_interpreted(thread, result.depth)) {
        return unwind_interpreted(thread, operation.site, result);
    }
    const record::Ref stack = record_frames(thread, result.depth, flags_of(result));
    CachedStack *entry = nullptr;
    if (stack != 0 && !result.truncated) {
        entry = thread.stacks.insert(operation.site, thread.unwound, result.depth);
        if (entry != nullptr) {
            entry->stack = stack;
        }
    }
    return {stack, entry};
}

} // namespace flockstat::shim
