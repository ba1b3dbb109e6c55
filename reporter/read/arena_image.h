/// A private snapshot of an arena file.
#pragma once

#include "reporter/read/read_error.h"
#include "reporter/record/arena_view.h"

#include <cstddef>
#include <filesystem>
#include <span>

namespace flockstat::reporter {

/// The bytes of an arena as they were when it was read. Processes of a live run go on writing their arena
/// while it is copied, but not here, so what was checked stays checked. Holes of the sparse file cost no
/// memory. Movable, owns its memory.
class ArenaImage {
public:
    /// Reads `file`, live or finished. Throws ReadError where it cannot be read or is no whole arena of this
    /// build's version.
    explicit ArenaImage(const std::filesystem::path &file);

    /// Takes bytes that are in memory already; `name` stands for the file in errors. Throws ReadError as
    /// above.
    ArenaImage(std::span<const std::byte> bytes, std::filesystem::path name);

    ArenaImage(ArenaImage &&other) noexcept;
    ArenaImage &operator=(ArenaImage &&other) noexcept;
    ArenaImage(const ArenaImage &) = delete;
    ArenaImage &operator=(const ArenaImage &) = delete;
    ~ArenaImage();

    /// Checked access; valid as long as the image.
    [[nodiscard]] record::ArenaView view() const { return {base_, bytes_}; }

    /// Where it came from.
    [[nodiscard]] const std::filesystem::path &file() const { return file_; }

private:
    void reserve(std::uint64_t bytes);
    void check() const;
    void release() noexcept;

    std::filesystem::path file_;
    char *base_ = nullptr;
    std::uint64_t bytes_ = 0;
};

} // namespace flockstat::reporter
