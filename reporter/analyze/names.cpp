#include "reporter/analyze/names.h"

#include <cstring>
#include <fmt/format.h>
#include <linux/magic.h>

namespace flockstat::reporter {
namespace {

struct FilesystemName {
    std::uint32_t type;
    const char *name;
};

/// linux/magic.h, and for those that it leaves out man 2 statfs.
constexpr FilesystemName filesystem_names[] = {
    {EXT4_SUPER_MAGIC, "ext4"}, // ext2 and ext3 have the same number
    {XFS_SUPER_MAGIC, "xfs"},
    {BTRFS_SUPER_MAGIC, "btrfs"},
    {TMPFS_MAGIC, "tmpfs"},
    {OVERLAYFS_SUPER_MAGIC, "overlay"},
    {NFS_SUPER_MAGIC, "nfs"},
    {SMB_SUPER_MAGIC, "smb"},
    {CIFS_SUPER_MAGIC, "cifs"},
    {SMB2_SUPER_MAGIC, "smb2"},
    {FUSE_SUPER_MAGIC, "fuse"},
    {F2FS_SUPER_MAGIC, "f2fs"},
    {V9FS_MAGIC, "9p"},
    {CEPH_SUPER_MAGIC, "ceph"},
    {AFS_SUPER_MAGIC, "afs"},
    {CODA_SUPER_MAGIC, "coda"},
    {OCFS2_SUPER_MAGIC, "ocfs2"},
    {PROC_SUPER_MAGIC, "proc"},
    {SYSFS_MAGIC, "sysfs"},
    {DEVPTS_SUPER_MAGIC, "devpts"},
    {RAMFS_MAGIC, "ramfs"},
    {HUGETLBFS_MAGIC, "hugetlbfs"},
    {SQUASHFS_MAGIC, "squashfs"},
    {ISOFS_SUPER_MAGIC, "iso9660"},
    {MSDOS_SUPER_MAGIC, "vfat"},
    {EXFAT_SUPER_MAGIC, "exfat"},
    {REISERFS_SUPER_MAGIC, "reiserfs"},
    {ECRYPTFS_SUPER_MAGIC, "ecryptfs"},
    {0x2fc12fc1, "zfs"},
    {0x5346544e, "ntfs"},
    {0x7366746e, "ntfs3"},
    {0x0bd00bd0, "lustre"},
    {0x01161970, "gfs2"},
    {0x47504653, "gpfs"},
    {0x19830326, "beegfs"},
    {0x50495045, "pipefs"},
    {0x534f434b, "sockfs"},
    {0x3153464a, "jfs"},
    {0xca451a4e, "bcachefs"},
};

} // namespace

std::string error_name(int error) {
    if (error == 0) {
        return "other";
    }
    const char *name = ::strerrorname_np(error);
    return name != nullptr ? name : std::to_string(error);
}

std::string filesystem_name(std::uint32_t type) {
    for (const FilesystemName &known : filesystem_names) {
        if (known.type == type) {
            return known.name;
        }
    }
    return fmt::format("{:#x}", type);
}

} // namespace flockstat::reporter
