#include "tests/support/counted_calls.h"

#include <fcntl.h>
#include <sched.h>
#include <sys/mman.h>
#include <unistd.h>

#include <catch2/catch.hpp>
#include <chrono>
#include <stdexcept>
#include <vector>

namespace flockstat::test {

using nlohmann::json;

CountsFile::CountsFile(const std::filesystem::path &file, std::size_t processes) {
    const std::size_t bytes = processes * sizeof(CountSlot);
    const int fd = open(file.c_str(), O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (fd < 0 || ftruncate(fd, static_cast<off_t>(bytes)) != 0)
        throw std::runtime_error("cannot make " + file.string());
    void *memory = mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    close(fd);
    if (memory == MAP_FAILED)
        throw std::runtime_error("cannot map " + file.string());
    slots_ = {static_cast<CountSlot *>(memory), processes};
}

CountsFile::~CountsFile() { munmap(slots_.data(), slots_.size_bytes()); }

void CountsFile::await_attempts(std::int64_t more) const {
    std::vector<std::int64_t> wanted;
    for (const CountSlot &slot : slots_)
        wanted.push_back(slot.attempts + more);
    const auto deadline = std::chrono::steady_clock::now() + std::chrono::minutes(1);
    for (std::size_t i = 0; i < slots_.size(); ++i) {
        while (slots_[i].attempts < wanted[i]) {
            REQUIRE(std::chrono::steady_clock::now() < deadline);
            sched_yield();
        }
    }
}

std::map<std::int64_t, CallCount> CountsFile::counts() const {
    std::map<std::int64_t, CallCount> counts;
    for (const CountSlot &slot : slots_)
        counts[slot.pid] = {slot.attempts, slot.unlocks};
    return counts;
}

namespace {

bool agrees(std::int64_t reported, std::int64_t counted) {
    return reported == counted || reported == counted + 1;
}

} // namespace

void check_all_counted(const json &report, const std::map<std::int64_t, CallCount> &counts,
                       const std::string &ended) {
    auto missing = counts;
    for (const json &process : report["processes"]) {
        const auto found = missing.find(process["pid"].get<std::int64_t>());
        // After an exec the process is another one in the report, of the same pid.
        if (found == missing.end() || process["ended"] != ended)
            continue;
        INFO(process.dump(1) << "\ncounted: " << found->second.attempts << " attempts, "
                             << found->second.unlocks << " unlocks");
        CHECK(agrees(process["attempts"], found->second.attempts));
        CHECK(agrees(process["unlocks"], found->second.unlocks));
        missing.erase(found);
    }
    for (const auto &[pid, count] : missing) { // it ended in its first call
        INFO("process " << pid);
        CHECK(count.attempts == 0);
    }
    for (const auto &[what, lost] : report["lost"].items()) {
        INFO(what);
        CHECK(lost == 0);
    }
}

} // namespace flockstat::test
