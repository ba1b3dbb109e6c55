/// Names for numbers of the kernel. Allocates nothing; usable in any context.
#pragma once

#include <cerrno>
#include <cstdint>
#include <linux/magic.h>
#include <string_view>

namespace flockstat::record {

struct NumberName {
    std::uint32_t number;
    std::string_view name;
};

/// statfs f_type: linux/magic.h, and for those that it leaves out man 2 statfs.
inline constexpr NumberName filesystem_names[] = {
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

/// The errors of man 3 errno that every system has, and what network file systems add.
inline constexpr NumberName error_names[] = {
    {EPERM, "EPERM"},
    {ENOENT, "ENOENT"},
    {ESRCH, "ESRCH"},
    {EINTR, "EINTR"},
    {EIO, "EIO"},
    {ENXIO, "ENXIO"},
    {E2BIG, "E2BIG"},
    {ENOEXEC, "ENOEXEC"},
    {EBADF, "EBADF"},
    {ECHILD, "ECHILD"},
    {EAGAIN, "EAGAIN"},
    {ENOMEM, "ENOMEM"},
    {EACCES, "EACCES"},
    {EFAULT, "EFAULT"},
    {ENOTBLK, "ENOTBLK"},
    {EBUSY, "EBUSY"},
    {EEXIST, "EEXIST"},
    {EXDEV, "EXDEV"},
    {ENODEV, "ENODEV"},
    {ENOTDIR, "ENOTDIR"},
    {EISDIR, "EISDIR"},
    {EINVAL, "EINVAL"},
    {ENFILE, "ENFILE"},
    {EMFILE, "EMFILE"},
    {ENOTTY, "ENOTTY"},
    {ETXTBSY, "ETXTBSY"},
    {EFBIG, "EFBIG"},
    {ENOSPC, "ENOSPC"},
    {ESPIPE, "ESPIPE"},
    {EROFS, "EROFS"},
    {EMLINK, "EMLINK"},
    {EPIPE, "EPIPE"},
    {EDOM, "EDOM"},
    {ERANGE, "ERANGE"},
    {EDEADLK, "EDEADLK"},
    {ENAMETOOLONG, "ENAMETOOLONG"},
    {ENOLCK, "ENOLCK"},
    {ENOSYS, "ENOSYS"},
    {ENOTEMPTY, "ENOTEMPTY"},
    {ELOOP, "ELOOP"},
    {ENODATA, "ENODATA"},
    {EPROTO, "EPROTO"},
    {EOVERFLOW, "EOVERFLOW"},
    {ENETDOWN, "ENETDOWN"},
    {ENETUNREACH, "ENETUNREACH"},
    {ECONNRESET, "ECONNRESET"},
    {ENOTCONN, "ENOTCONN"},
    {ESHUTDOWN, "ESHUTDOWN"},
    {ETIMEDOUT, "ETIMEDOUT"},
    {ECONNREFUSED, "ECONNREFUSED"},
    {EHOSTDOWN, "EHOSTDOWN"},
    {EHOSTUNREACH, "EHOSTUNREACH"},
    {ESTALE, "ESTALE"},
    {EREMOTEIO, "EREMOTEIO"},
    {EDQUOT, "EDQUOT"},
    {ECANCELED, "ECANCELED"},
    {EOPNOTSUPP, "EOPNOTSUPP"},
};

/// The name of a number; empty where it is not in the list.
template<std::size_t Count>
[[nodiscard]] constexpr std::string_view name_of(std::uint32_t number, const NumberName (&names)[Count]) {
    for (const NumberName &known : names) {
        if (known.number == number) {
            return known.name;
        }
    }
    return {};
}

} // namespace flockstat::record
