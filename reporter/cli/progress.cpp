#include "reporter/cli/progress.h"

#include <algorithm>
#include <chrono>
#include <unistd.h>
#include <utility>

namespace flockstat::cli {
namespace {

constexpr std::chrono::milliseconds patience{1000};
constexpr std::chrono::milliseconds redraw{200};

void write_stderr(const std::string &text) {
    [[maybe_unused]] const ssize_t written = write(STDERR_FILENO, text.data(), text.size());
}

} // namespace

std::string progress_bar(std::size_t done, std::size_t total) {
    constexpr std::size_t width = 28;
    const std::size_t filled = width * std::min(done, total) / std::max<std::size_t>(total, 1);
    return "[" + std::string(filled, '#') + std::string(width - filled, '-') + "] " + std::to_string(done) +
           " of " + std::to_string(total);
}

Progress::Progress(std::string what) : what_(std::move(what)) {
    if (isatty(STDERR_FILENO) != 0) {
        thread_ = std::thread([this] { draw(); });
    }
}

Progress::~Progress() {
    {
        const std::lock_guard lock(mutex_);
        ended_ = true;
    }
    over_.notify_all();
    if (thread_.joinable()) {
        thread_.join();
    }
}

void Progress::show(std::string what, std::size_t done, std::size_t total) {
    const std::lock_guard lock(mutex_);
    what_ = std::move(what);
    done_ = done;
    total_ = total;
}

void Progress::draw() {
    std::unique_lock lock(mutex_);
    if (over_.wait_for(lock, patience, [this] { return ended_; })) {
        return;
    }
    do {
        const std::string bar = total_ > 1 ? progress_bar(done_, total_) + "  " : std::string();
        write_stderr("\rflockstat: " + bar + what_ + " ...\x1b[K");
    } while (!over_.wait_for(lock, redraw, [this] { return ended_; }));
    write_stderr("\r\x1b[K");
}

} // namespace flockstat::cli
