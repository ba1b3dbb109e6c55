/// Which file of which network file system a lock is on, by the line of /proc/self/mountinfo that the run
/// recorded of its mount.
#pragma once

#include "reporter/record/words.h"

#include <optional>
#include <string>
#include <string_view>

namespace flockstat::reporter {

/// What a line of mountinfo tells (man 5 proc), without the escapes of blanks (\040).
struct MountInfo {
    std::string root;        ///< the directory of the file system that is its root
    std::string mount_point; ///< as the process that read it saw it
    std::string type;        ///< "nfs4", "fuse.sshfs"
    std::string source;      ///< "nas1:/scratch"
    std::string options;     ///< of the file system, separated by commas
};

/// Nothing where it is no such line.
[[nodiscard]] std::optional<MountInfo> parse_mount_line(std::string_view line);

/// A file on a file system that several hosts have, whose locks they share.
struct NetworkFile {
    /// The file system, as all hosts call it whose inode numbers it is: "nas1:/scratch". Empty: there is
    /// none, the lock is its host's own.
    std::string file_system;
    /// The whole name of the file, wherever hosts mount it: "nas1:/scratch/a/f". Empty: not known.
    std::string path;
};

/// `path`: what the kernel called the open file, in the view of the process that read the mount's line; empty
/// where that is not known. These file systems are told by their type, and unknown ones by a source HOST:/DIR
/// or //HOST/SHARE. Not those whose clients keep locks of this family to themselves, which exclude nobody on
/// other hosts: nfs with local_lock (man 5 nfs), lustre with localflock, cifs with nobrl, 9p without the
/// protocol 9P2000.L, and FUSE, but for file systems that are known to pass locks on.
[[nodiscard]] NetworkFile network_file(const MountInfo &mount, record::Family family, std::string_view path);

} // namespace flockstat::reporter
