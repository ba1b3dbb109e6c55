/// Shows on a terminal what takes longer than a second.
#pragma once

#include <condition_variable>
#include <cstddef>
#include <mutex>
#include <string>
#include <thread>
#include <utility>

namespace flockstat::cli {

/// [######----------------------]  23 of 100
[[nodiscard]] std::string progress_bar(std::size_t done, std::size_t total);

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
    void show(std::string what) { show(std::move(what), 0, 0); }

    /// With a bar that shows how much is done; none where there is just one thing to do.
    void show(std::string what, std::size_t done, std::size_t total);

private:
    void draw();

    std::mutex mutex_;
    std::condition_variable over_;
    bool ended_ = false;
    std::string what_;
    std::size_t done_ = 0, total_ = 0;
    std::thread thread_;
};

} // namespace flockstat::cli
