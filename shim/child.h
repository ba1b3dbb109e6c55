/// The making of a child: what it shares with its parent, on both sides of the fork.
#pragma once

namespace flockstat::shim {

/// In the constructor: have forks by libc noticed on both sides.
void watch_forks();

/// Around daemon(3): it forks, and its parent ends inside libc, where no wrapper sees it.
void begin_daemon();
void end_daemon();

} // namespace flockstat::shim
