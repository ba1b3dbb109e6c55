/// A descriptor of the shim's own, for as long as it takes to read a file.
#pragma once

#include "shim/signals_blocked.h"

#include <fcntl.h>

namespace flockstat::shim {

/// Opened to be read, close-on-exec, and closed at the end; signals wait meanwhile. Async-signal-safe, errno
/// untouched.
class OwnDescriptor {
public:
    explicit OwnDescriptor(const char *path, int flags = 0)
        : number_(record::system_call(SYS_openat, AT_FDCWD, record::address_of(path),
                                      O_RDONLY | O_CLOEXEC | flags)) {}
    ~OwnDescriptor() {
        if (number_ >= 0) {
            record::system_call(SYS_close, number_);
        }
    }
    OwnDescriptor(const OwnDescriptor &) = delete;
    OwnDescriptor &operator=(const OwnDescriptor &) = delete;

    /// Its number, or -errno where it could not be opened.
    [[nodiscard]] long number() const { return number_; }

private:
    SignalsBlocked blocked_;
    long number_;
};

} // namespace flockstat::shim
