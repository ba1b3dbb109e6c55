#include "shim/module_cache.h"

#include "shim/module_map.h"
#include "shim/python.h"
#include "shim/run.h"

#include <algorithm>
#include <cstring>

namespace flockstat::shim {
namespace {

/// The record of a module: by path and build id, so that it is equal in every process of the run.
record::Ref intern_module(const ModuleAt &found) {
    const record::Ref path = found.path[0] == '\0'
                                 ? run.executable
                                 : record::intern_string(run.arena, std::string_view(found.path));
    record::Module wanted{};
    wanted.path = path;
    wanted.build_id_bytes =
        static_cast<std::uint32_t>(std::min(found.build_id_bytes, sizeof wanted.build_id));
    if (found.build_id != nullptr) {
        std::memcpy(wanted.build_id, found.build_id, wanted.build_id_bytes);
    }
    const std::uint32_t hash = record::hash_bytes(wanted.build_id, sizeof wanted.build_id, path);
    auto *header = reinterpret_cast<record::Header *>(run.arena.base);
    return record::intern<record::Module>(
        run.arena, &header->module_heads[hash % record::module_chains], hash, sizeof wanted,
        [&](const record::Module &other) {
            return other.path == path &&
                   std::memcmp(other.build_id, wanted.build_id, sizeof wanted.build_id) == 0;
        },
        [&](record::Module *mine) {
            mine->path = path;
            mine->build_id_bytes = wanted.build_id_bytes;
            std::memcpy(mine->build_id, wanted.build_id, sizeof wanted.build_id);
        });
}

} // namespace

const ModuleCache::Entry *ModuleCache::learn(std::uintptr_t address) {
    ModuleAt found;
    if (!find_module(address, &found)) {
        return nullptr;
    }
    if (const std::uint32_t version = look_for_python(found, seen_unloads_); version != 0) {
        auto *header = reinterpret_cast<record::Header *>(run.arena.base);
        __atomic_store_n(&header->unread_python, version, __ATOMIC_RELAXED);
    }
    Entry &entry = entries_[count_++ % capacity];
    entry = {found.start, found.end, found.load_bias, intern_module(found)};
    return &entry;
}

record::Frame ModuleCache::locate(std::uintptr_t address, std::uint32_t unloads) {
    if (unloads != seen_unloads_) {
        seen_unloads_ = unloads;
        count_ = 0;
    }
    const Entry *const end = entries_ + std::min(count_, capacity);
    const Entry *entry = std::find_if(entries_, const_cast<Entry *>(end), [&](const Entry &candidate) {
        return address >= candidate.start && address < candidate.end;
    });
    if (entry == end) {
        entry = learn(address);
    }
    if (entry == nullptr || entry->module == 0) {
        return {.offset = address, .module = 0, .kind = record::FrameKind::native};
    }
    return {.offset = address - entry->load_bias, .module = entry->module, .kind = record::FrameKind::native};
}

} // namespace flockstat::shim
