#include "reporter/read/network_file.h"

#include <algorithm>
#include <array>

namespace flockstat::reporter {
namespace {

using record::Family;

/// Takes the first word from `rest`; nothing at its end.
std::optional<std::string_view> take_word(std::string_view *rest) {
    if (rest->empty()) {
        return std::nullopt;
    }
    const std::size_t end = std::min(rest->find(' '), rest->size());
    const std::string_view word = rest->substr(0, end);
    rest->remove_prefix(std::min(rest->size(), end + 1));
    return word;
}

bool is_octal(std::string_view digits) {
    return digits.size() == 3 && digits.find_first_not_of("01234567") == std::string_view::npos;
}

/// \040 and its kin (mangle() in fs/proc_namespace.c).
std::string unescaped(std::string_view word) {
    std::string text;
    for (std::size_t i = 0; i < word.size(); ++i) {
        if (word[i] == '\\' && is_octal(word.substr(i + 1, 3))) {
            text +=
                static_cast<char>((word[i + 1] - '0') * 64 + (word[i + 2] - '0') * 8 + (word[i + 3] - '0'));
            i += 3;
        } else {
            text += word[i];
        }
    }
    return text;
}

bool has_option(std::string_view options, std::string_view wanted) {
    while (!options.empty()) {
        const std::size_t end = std::min(options.find(','), options.size());
        if (options.substr(0, end) == wanted) {
            return true;
        }
        options.remove_prefix(std::min(options.size(), end + 1));
    }
    return false;
}

/// The value of NAME=VALUE.
std::string option_value(std::string_view options, std::string_view name) {
    for (std::size_t at = 0; at < options.size();) {
        const std::size_t end = std::min(options.find(',', at), options.size());
        const std::string_view option = options.substr(at, end - at);
        if (option.size() > name.size() && option.starts_with(name) && option[name.size()] == '=') {
            return std::string(option.substr(name.size() + 1));
        }
        at = end + 1;
    }
    return {};
}

bool is_nfs(const MountInfo &mount) { return mount.type == "nfs" || mount.type == "nfs4"; }
bool is_cifs(const MountInfo &mount) { return mount.type == "cifs" || mount.type == "smb3"; }

/// Do clients keep locks of that family to themselves?
bool keeps_locks(const MountInfo &mount, Family family) {
    const auto has = [&](std::string_view option) { return has_option(mount.options, option); };
    if (is_nfs(mount)) {
        return has("local_lock=all") ||
               has(family == Family::flock ? "local_lock=flock" : "local_lock=posix");
    }
    if (mount.type == "9p") { // net/9p/client.c shows these for the protocols that have no locks
        return has("noextend") || has("version=9p2000") || has("version=9p2000.u");
    }
    return (mount.type == "lustre" && has("localflock")) || (is_cifs(mount) && has("nobrl"));
}

/// Does the source name a server by itself? A mount tag of a virtual machine, say, does not.
bool names_server(std::string_view source) {
    return source.find(":/") != std::string_view::npos || source.starts_with("//");
}

bool is_shared(const MountInfo &mount) {
    // Their sources need not name a server: a cluster has one of that name.
    constexpr std::array<std::string_view, 9> known = {"lustre",         "ceph",         "gpfs",
                                                       "beegfs",         "afs",          "fuse.glusterfs",
                                                       "fuse.ceph-fuse", "fuse.juicefs", "panfs"};
    if (std::ranges::find(known, mount.type) != known.end()) {
        return true;
    }
    if (mount.type == "9p") { // net/9p: trans=virtio is the default, and its source is the tag of a device
        const std::string transport = option_value(mount.options, "trans");
        return transport == "tcp" || transport == "rdma";
    }
    return names_server(mount.source) && !mount.type.starts_with("fuse");
}

/// A file system, and the directory of it that a mount begins at.
struct Tree {
    std::string file_system;
    std::string separator; ///< between it and a path
    std::string directory; ///< absolute, or empty
};

/// The source of cifs has a directory behind the share, which stands in the root too unless the share's own
/// root is out of reach (cifs_show_devname, cifs_get_root in fs/smb/client).
Tree cifs_tree(const MountInfo &mount) {
    const std::size_t share = mount.source.find('/', 2);
    const std::size_t end =
        share == std::string::npos ? std::string::npos : mount.source.find('/', share + 1);
    const std::string prefix = end == std::string::npos ? "" : mount.source.substr(end);
    const std::string root = mount.root == "/" ? "" : mount.root;
    return {mount.source.substr(0, end), "", root.starts_with(prefix) ? root : prefix + root};
}

Tree tree_of(const MountInfo &mount) {
    const std::string root = mount.root == "/" ? "" : mount.root;
    const std::string &source = mount.source;
    if (is_nfs(mount)) { // nfs_show_path, nfs_show_devname: the source has the mount's own root
        return {source, "", ""};
    }
    if (is_cifs(mount)) {
        return cifs_tree(mount);
    }
    if (mount.type == "lustre") { // MGS:/NAME[/DIR]
        const std::size_t name = source.find(":/");
        const std::size_t end = name == std::string::npos ? name : source.find('/', name + 2);
        return {source.substr(0, end), "", (end == std::string::npos ? "" : source.substr(end)) + root};
    }
    if (mount.type == "ceph") { // MONITORS:/DIR, or USER@FSID.NAME=/DIR
        const std::size_t modern = source.find("=/");
        const std::size_t end = modern != std::string::npos ? modern : source.rfind(":/");
        const std::size_t user = modern != std::string::npos ? source.find('@') + 1 : 0;
        const std::string directory = end == std::string::npos ? "" : source.substr(end + 1);
        return {source.substr(user, end == std::string::npos ? end : end - user), ":",
                (directory == "/" ? "" : directory) + root};
    }
    if (mount.type == "9p") {
        const std::string tree = option_value(mount.options, "aname");
        return {tree.empty() ? source : source + ":" + tree, "", root};
    }
    return {source, names_server(source) ? "" : ":", root};
}

/// The path below the mount point; nothing where it is not there.
std::optional<std::string_view> below(std::string_view mount_point, std::string_view path) {
    if (mount_point == "/") {
        mount_point = "";
    }
    if (!path.starts_with(mount_point) || path.size() <= mount_point.size() ||
        path[mount_point.size()] != '/') {
        return std::nullopt;
    }
    return path.substr(mount_point.size());
}

} // namespace

std::optional<MountInfo> parse_mount_line(std::string_view line) {
    constexpr std::size_t root = 3, mount_point = 4, least_fields = 6;
    MountInfo mount;
    std::size_t number = 0;
    std::optional<std::string_view> word;
    for (; (word = take_word(&line)) && (number < least_fields || *word != "-"); ++number) {
        if (number == root || number == mount_point) {
            (number == root ? mount.root : mount.mount_point) = unescaped(*word);
        }
    }
    const auto type = take_word(&line);
    const auto source = take_word(&line);
    if (!word || !type || !source || !mount.root.starts_with('/') || !mount.mount_point.starts_with('/')) {
        return std::nullopt;
    }
    mount.type = unescaped(*type);
    mount.source = unescaped(*source);
    mount.options = unescaped(line);
    return mount;
}

NetworkFile network_file(const MountInfo &mount, Family family, std::string_view path) {
    if (!is_shared(mount) || keeps_locks(mount, family)) {
        return {};
    }
    Tree tree = tree_of(mount);
    NetworkFile file{std::move(tree.file_system), {}};
    if (const auto rest = below(mount.mount_point, path)) {
        // A source that ends with a slash is a server's root.
        const bool slash = file.file_system.ends_with('/') && tree.directory.empty();
        file.path = (slash ? file.file_system.substr(0, file.file_system.size() - 1) : file.file_system) +
                    tree.separator + tree.directory + std::string(*rest);
    }
    return file;
}

} // namespace flockstat::reporter
