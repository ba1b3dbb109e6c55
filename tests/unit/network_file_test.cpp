// Lines of /proc/self/mountinfo, as kernels write them, and what of a file is the same on all hosts.
#include "reporter/read/network_file.h"
#include "reporter/record/mount_line.h"
#include "tests/support/arena_builder.h"

#include <catch2/catch.hpp>

#include <memory>
#include <string>
#include <sys/stat.h>
#include <sys/sysmacros.h>

using namespace flockstat;
using namespace flockstat::reporter;
using record::Family;

namespace {

constexpr char nfs4[] =
    "612 29 0:52 / /home rw,relatime shared:310 - nfs4 nas1:/export/home "
    "rw,vers=4.2,rsize=1048576,wsize=1048576,"
    "namlen=255,hard,proto=tcp,timeo=600,retrans=2,sec=sys,clientaddr=10.0.0.7,local_lock=none,addr=10.0.0.2";
constexpr char nfs3_local[] =
    "77 29 0:48 / /mnt/scratch rw,relatime - nfs filer:/vol/scratch "
    "rw,vers=3,rsize=65536,wsize=65536,namlen=255,"
    "hard,nolock,proto=tcp,timeo=600,retrans=2,sec=sys,mountaddr=10.0.0.3,mountvers=3,mountport=635,"
    "mountproto=udp,local_lock=all,addr=10.0.0.3";
constexpr char nfs_flock_local[] =
    "77 29 0:48 / /mnt/s rw - nfs filer:/vol/s rw,vers=3,local_lock=flock,addr=10.0.0.3";
constexpr char lustre[] =
    "401 29 0:61 / /lustre rw,relatime shared:200 - lustre 10.10.0.1@o2ib:10.10.0.2@o2ib:/scratch "
    "rw,checksum,flock,user_xattr,lruresize,lazystatfs,nouser_fid2path,verbose,encrypt";
constexpr char lustre_bind[] = "512 401 0:61 /users/ann /data rw,relatime - lustre "
                               "10.10.0.1@o2ib:10.10.0.2@o2ib:/scratch rw,flock,lazystatfs";
constexpr char lustre_localflock[] =
    "401 29 0:61 / /lustre rw - lustre mgs@tcp:/scratch rw,localflock,lazystatfs";
constexpr char cifs[] =
    "93 29 0:55 / /mnt/share rw,relatime shared:51 - cifs //files/Team\\040Data rw,vers=3.1.1,cache=strict,"
    "username=ann,uid=0,noforceuid,gid=0,noforcegid,addr=10.0.0.9,file_mode=0755,dir_mode=0755,soft,nounix,"
    "serverino,mapposix,rsize=4194304,wsize=4194304,bsize=1048576,echo_interval=60,actimeo=1";
constexpr char cifs_below[] =
    "94 29 0:55 /jobs /mnt/jobs rw,relatime - cifs //files/team/jobs rw,vers=3.0,cache=strict,serverino";
constexpr char cifs_prefix[] =
    "95 29 0:56 / /mnt/jobs rw,relatime - cifs //files/team/jobs rw,vers=3.0,prefixpath,serverino";
constexpr char p9_tcp[] = "58 29 0:44 / /mnt/nine rw,relatime - 9p 10.0.0.4 "
                          "rw,sync,dirsync,access=any,aname=/srv/nine,trans=tcp,port=5640";
constexpr char p9_virtio[] =
    "58 29 0:44 / /mnt/host rw,relatime - 9p hostshare rw,sync,dirsync,access=client,trans=virtio";
constexpr char p9_legacy[] =
    "58 29 0:44 / /mnt/nine rw,relatime - 9p 10.0.0.4 rw,access=any,noextend,trans=tcp,port=564";
constexpr char overlay[] =
    "700 650 0:71 / / rw,relatime master:1 - overlay overlay rw,lowerdir=/var/lib/docker/overlay2/l/AB:"
    "/var/lib/docker/overlay2/l/CD,upperdir=/var/lib/docker/overlay2/x/diff,workdir=/var/lib/docker/overlay2/"
    "x/work";
constexpr char bind_mount[] =
    "812 700 259:1 /var/lib/data /data rw,relatime - ext4 /dev/nvme0n1p1 rw,discard";
constexpr char ceph[] = "44 29 0:40 / /ceph rw,relatime - ceph 10.0.0.1:6789,10.0.0.2:6789:/volumes/a "
                        "rw,name=admin,secret=<hidden>,acl";
constexpr char ceph_modern[] =
    "44 29 0:40 / /ceph rw,relatime - ceph admin@b3acfc0d-575f-41d3-9c91-0e7ed3dbb3fa.cephfs=/ rw,name=admin,"
    "secret=<hidden>,ms_mode=prefer-crc,acl,mon_addr=10.0.0.1:6789";
constexpr char gpfs[] = "50 29 0:45 / /gpfs/work rw,relatime - gpfs work rw";
constexpr char sshfs[] = "99 29 0:66 / /mnt/ssh rw,nosuid,nodev,relatime - fuse.sshfs ann@login:/home/ann "
                         "rw,user_id=1000,group_id=1000";
constexpr char gluster[] = "98 29 0:65 / /gv rw,relatime - fuse.glusterfs node1:/gv0 "
                           "rw,user_id=0,group_id=0,default_permissions,allow_other";
constexpr char virtiofs[] = "60 29 0:41 / /mnt/host rw,relatime - virtiofs myfs rw";

NetworkFile file_of(const char *line, const std::string &path, Family family = Family::flock) {
    const auto mount = parse_mount_line(line);
    REQUIRE(mount);
    return network_file(*mount, family, path);
}

bool is_hosts_own(const char *line, Family family = Family::flock) {
    const NetworkFile file = file_of(line, "/x", family);
    return file.file_system.empty() && file.path.empty();
}

} // namespace

TEST_CASE("a line of mountinfo is taken apart", "[hosts]") {
    const auto mount = parse_mount_line(
        R"(36 35 98:0 /mnt1\040a /mnt\0112\134 rw,noatime master:1 propagate_from:2 - ext3 /dev/root\040x rw,errors=continue)");
    REQUIRE(mount);
    CHECK(mount->root == "/mnt1 a");
    CHECK(mount->mount_point == "/mnt\t2\\");
    CHECK(mount->type == "ext3");
    CHECK(mount->source == "/dev/root x");
    CHECK(mount->options == "rw,errors=continue");
    for (const char *line : {"", "36", "36 35 98:0 / /mnt rw,noatime", "36 35 98:0 / /mnt rw - ext3",
                             "36 35 98:0 mnt / rw - ext3 x rw", "- - - - - - - - -"}) {
        CAPTURE(line);
        CHECK_FALSE(parse_mount_line(line));
    }
}

TEST_CASE("a file on a network file system has the name that its server knows", "[hosts]") {
    struct Case {
        const char *line;
        std::string path, file_system, name;
    };
    const Case cases[] = {
        {nfs4, "/home/ann/a.lock", "nas1:/export/home", "nas1:/export/home/ann/a.lock"},
        {lustre, "/lustre/users/ann/x", "10.10.0.1@o2ib:10.10.0.2@o2ib:/scratch",
         "10.10.0.1@o2ib:10.10.0.2@o2ib:/scratch/users/ann/x"},
        {lustre_bind, "/data/x", "10.10.0.1@o2ib:10.10.0.2@o2ib:/scratch",
         "10.10.0.1@o2ib:10.10.0.2@o2ib:/scratch/users/ann/x"},
        {cifs, "/mnt/share/l", "//files/Team Data", "//files/Team Data/l"},
        {cifs_below, "/mnt/jobs/l", "//files/team", "//files/team/jobs/l"},
        {cifs_prefix, "/mnt/jobs/l", "//files/team", "//files/team/jobs/l"},
        {p9_tcp, "/mnt/nine/l", "10.0.0.4:/srv/nine", "10.0.0.4:/srv/nine/l"},
        {ceph, "/ceph/l", "10.0.0.1:6789,10.0.0.2:6789", "10.0.0.1:6789,10.0.0.2:6789:/volumes/a/l"},
        {ceph_modern, "/ceph/l", "b3acfc0d-575f-41d3-9c91-0e7ed3dbb3fa.cephfs",
         "b3acfc0d-575f-41d3-9c91-0e7ed3dbb3fa.cephfs:/l"},
        {gpfs, "/gpfs/work/l", "work", "work:/l"},
        {gluster, "/gv/l", "node1:/gv0", "node1:/gv0/l"},
    };
    for (const Case &one : cases) {
        CAPTURE(one.line);
        const NetworkFile file = file_of(one.line, one.path);
        CHECK(file.file_system == one.file_system);
        CHECK(file.path == one.name);
    }
    CHECK(file_of("1 0 0:9 / / rw - nfs4 nas1:/ rw,local_lock=none", "/a/f").path == "nas1:/a/f");
}

TEST_CASE("a path that is not below the mount tells no name", "[hosts]") {
    for (const char *path : {"", "/homework/x", "0:52 1234", "/home", "/srv/x"}) {
        CAPTURE(path);
        CHECK(file_of(nfs4, path).file_system == "nas1:/export/home");
        CHECK(file_of(nfs4, path).path.empty());
    }
}

TEST_CASE("file systems of a host, and those whose clients keep locks, are the host's own", "[hosts]") {
    for (const char *line :
         {overlay, bind_mount, p9_virtio, p9_legacy, sshfs, virtiofs, nfs3_local, lustre_localflock}) {
        CAPTURE(line);
        CHECK(is_hosts_own(line));
        CHECK(is_hosts_own(line, Family::posix));
    }
    CHECK(is_hosts_own(nfs_flock_local));
    CHECK_FALSE(is_hosts_own(nfs_flock_local, Family::posix));
    CHECK_FALSE(is_hosts_own(nfs_flock_local, Family::ofd));
}

TEST_CASE("the line of a mount is found by its id, else by its device", "[hosts]") {
    const std::string text = std::string(bind_mount) + "\n" + nfs4 + "\n" + lustre + "\n" + lustre_bind +
                             "\n" + "900 29 0:99 / /btrfs rw - btrfs /dev/sda rw\n";
    const auto room = std::make_unique<record::MountRoom>();
    const auto found = [&](record::MountNumbers wanted, std::size_t piece) {
        record::MountSearch search(wanted, *room);
        for (std::size_t at = 0; at < text.size() && !search.feed(std::string_view(text).substr(at, piece));
             at += piece) {}
        return std::string(search.found());
    };
    for (const std::size_t piece : {std::size_t{1}, std::size_t{7}, std::size_t{1024}}) {
        CHECK(found({612, 0, 52}, piece) == nfs4);
        CHECK(found({401, 0, 61}, piece) == lustre);
        CHECK(found({512, 0, 61}, piece) == lustre_bind);
        CHECK(found({0, 0, 52}, piece) == nfs4);
        CHECK(found({0, 259, 1}, piece) == bind_mount);
        // Another mount namespace's id: the device has to do. A subvolume's device: the id has to.
        CHECK(found({5000, 0, 52}, piece) == nfs4);
        CHECK(found({900, 0, 123}, piece).starts_with("900 29 0:99"));
        CHECK(found({0, 0, 5}, piece).empty());
        CHECK(found({61, 0, 1}, piece).empty()); // other columns have that number
    }
}

TEST_CASE("a line that is too long loses its end only", "[hosts]") {
    const auto room = std::make_unique<record::MountRoom>();
    record::MountSearch search({7, 0, 1}, *room);
    const std::string line = "7 1 0:1 / /x rw - nfs4 nas1:/x " + std::string(10'000, 'o');
    CHECK_FALSE(search.feed(line));
    CHECK(search.feed("\n8 1 0:2 / /y rw - nfs4 nas1:/y rw\n"));
    CHECK(search.found() == line.substr(0, record::max_mount_line_bytes));
}

TEST_CASE("a search finds what the kernel shows of this process's own files", "[hosts]") {
    const auto room = std::make_unique<record::MountRoom>();
    const record::MountNumbers numbers = record::mount_numbers(0, 0, 0);
    CHECK_FALSE(record::is_host_filesystem(0x6969)); // NFS_SUPER_MAGIC
    CHECK(record::is_host_filesystem(0xEF53));
    if (numbers.mount_id != 0) {
        const std::string line(record::find_mount_line(numbers, *room));
        INFO(line); // the terminal, a pipe or /dev/null: not all of them lie on a mount that is shown
        CHECK((line.empty() || parse_mount_line(line)));
    }
}

TEST_CASE("locks whose processes could not look get their mount at the end", "[hosts]") {
    struct stat proc {};
    REQUIRE(::stat("/proc", &proc) == 0);
    test::ArenaBuilder arena;
    const auto made = [&](std::uint64_t inode, std::uint32_t filesystem, std::uint32_t minor) {
        const record::Ref ref = arena.lock("/l", Family::flock, inode);
        auto &lock = arena.get<record::Lock>(ref);
        lock.filesystem = filesystem;
        lock.device_major = major(proc.st_dev);
        lock.device_minor = minor;
        return ref;
    };
    constexpr std::uint32_t nfs = 0x6969, ext4 = 0xEF53;
    const record::Ref found = made(1, nfs, minor(proc.st_dev));
    const record::Ref has_one = made(2, nfs, minor(proc.st_dev));
    const record::Ref own = made(3, ext4, minor(proc.st_dev));
    const record::Ref unknown = made(4, nfs, 1'000'000);
    const record::Ref line = arena.text("its own line");
    arena.get<record::Lock>(has_one).mount = line;
    const auto room = std::make_unique<record::MountRoom>();
    const std::span<std::byte> bytes = arena.bytes();
    record::complete_mounts({reinterpret_cast<char *>(bytes.data()), bytes.size()}, *room);
    const auto &lock = arena.get<record::Lock>(found);
    REQUIRE(lock.mount != 0);
    CHECK(lock.mount_of_another == 1);
    const auto mount = parse_mount_line(arena.get<record::String>(lock.mount).text);
    REQUIRE(mount);
    CHECK(mount->type == "proc");
    CHECK(arena.get<record::Lock>(has_one).mount == line);
    CHECK(arena.get<record::Lock>(has_one).mount_of_another == 0);
    CHECK(arena.get<record::Lock>(own).mount == 0);
    CHECK(arena.get<record::Lock>(unknown).mount == 0);
}
