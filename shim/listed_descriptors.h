/// The descriptors of a process, as /proc lists them.
#pragma once

#include "shim/own_descriptor.h"

#include <charconv>
#include <cstdint>
#include <dirent.h>
#include <string_view>

namespace flockstat::shim {

/// Calls visit(number) for each descriptor that `folder` ("/proc/PID/fd") lists, the one that reads it
/// included, until it returns false. 0, or -errno where the folder cannot be read. Async-signal-safe, errno
/// untouched; has a descriptor of its own, close-on-exec, meanwhile.
template<typename Visit>
long visit_listed_descriptors(const char *folder, Visit visit) {
    using record::address_of;
    using record::system_call;
    const OwnDescriptor opened(folder, O_DIRECTORY);
    if (opened.number() < 0) {
        return opened.number();
    }
    alignas(dirent64) char entries[1024];
    long bytes = 0;
    bool going = true;
    while (going &&
           (bytes = system_call(SYS_getdents64, opened.number(), address_of(entries), sizeof entries)) > 0) {
        for (long at = 0; at < bytes && going;) {
            const auto *entry = reinterpret_cast<const dirent64 *>(entries + at);
            at += entry->d_reclen;
            int number = -1;
            const std::string_view name = entry->d_name;
            std::from_chars(name.data(), name.data() + name.size(), number);
            going = number < 0 || visit(number);
        }
    }
    return 0;
}

} // namespace flockstat::shim
