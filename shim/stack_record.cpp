/// From a call site to a stack's record: the part of recorder.h that unwinds.
#include "shim/recorder.h"

#include <cstring>

namespace flockstat::shim {
namespace {

/// Interns thread.frames[0 .. depth).
record::Ref intern_stack(ThreadState &thread, unsigned depth, std::uint32_t flags) {
    bool outside_modules = false;
    for (unsigned i = 0; i < depth; ++i) {
        outside_modules = outside_modules || thread.frames[i].module == 0;
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

record::Ref record_stack(ThreadState &thread, const UnwindResult &result) {
    const std::uint32_t unloads = __atomic_load_n(&module_unloads, __ATOMIC_RELAXED);
    for (unsigned i = 0; i < result.depth; ++i) {
        thread.frames[i] = thread.modules.locate(thread.unwound[i].instruction, unloads);
    }
    const std::uint32_t flags = (result.truncated ? record::stack_truncated : 0U) |
                                (result.through_signal ? record::stack_through_signal : 0U) |
                                (result.broken ? record::stack_broken : 0U);
    const record::Ref stack = intern_stack(thread, result.depth, flags);
    if (stack == 0 || result.truncated) {
        count_lost(&record::Lost::stacks);
    }
    return stack;
}

} // namespace

StackUse unwind_stack(ThreadState &thread, const Operation &operation) {
    if (!run.stacks) {
        return {};
    }
    if (operation.frames_gone) { // applied later than its call: only who called is known
        thread.unwound[0].instruction = operation.site.return_address;
        return {
            record_stack(thread, {.depth = 1, .truncated = false, .through_signal = true, .broken = true}),
            nullptr};
    }
    const UnwindResult result = unwind(operation.site, thread.unwound, record::max_stack_frames);
    const record::Ref stack = record_stack(thread, result);
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
