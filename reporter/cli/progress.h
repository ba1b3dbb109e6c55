/// Shows on a terminal what takes longer than a second.
#pragma once

#include <condition_variable>
#include <mutex>
#include <string>
#include <thread>

namespace flockstat::cli {

/// While it lives, and once it has lived for a second, stderr shows what is being done; nothing where that is
/// no terminal. Draws from a thread of its own, so that whatever takes long needs not know of it. show() may
/// be called from any thread.
class Progress {
public:
    explicit Progress(std::string what);
    Progress(const Progress &) = delete;
    Progress &operator=(const Progress &) = delete;
    /// Erases the line.
    ~Progress();

    /// Replaces the text.
    void show(std::string what);

private:
    void draw();

    std::mutex mutex_;
    std::condition_variable over_;
    bool ended_ = false;
    std::string what_;
    std::thread thread_;
};

} // namespace flockstat::cli
