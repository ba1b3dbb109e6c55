/// A stack as a few words.
#pragma once

#include "reporter/symbolize/symbolize.h"

#include <span>
#include <string>
#include <vector>

namespace flockstat::reporter {

/// One printable text a frame, innermost first: "flush_journal (db.c:412)", "sqlite3_step [libsqlite3.so.0]",
/// "app+0x1f40". The C library's own frames are left out where others remain: innermost those of the lock
/// function, outermost those that start programs and threads. Successive frames of an interpreter, and
/// successive ones without names in one module, become one.
///
/// Where Python functions are on the stack they are listed as a traceback has them, innermost last, and the
/// interpreter's code is left out: "train.py:12 load_cache", "filelock/_api.py:331 acquire".
[[nodiscard]] std::vector<std::string> short_stack(std::span<const SourceFrame> frames, bool unicode);

/// The same in lines of at most so many columns, at most `lines` of them (and one that says how many frames
/// are left out, where that does not fit), cut between frames: "a (x.c:1) < b < c < 3 more"; of Python
/// "3 more > train.py:12 load_cache > filelock/_api.py:331 acquire".
[[nodiscard]] std::vector<std::string> stack_lines(std::span<const SourceFrame> frames, std::size_t columns,
                                                   std::size_t lines, bool unicode);

} // namespace flockstat::reporter
