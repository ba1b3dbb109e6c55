// build: -D_FILE_OFFSET_BITS=64 -I/usr/include/fuse3 -lfuse3
// network_fs DIR SOURCE: mounts a file system of the type fuse.glusterfs with that source on DIR, prints
// "ready", and serves it until it is unmounted. It has one file, l, whose inode number is the same wherever
// it is mounted.
#define FUSE_USE_VERSION 31
#include <errno.h>
#include <fuse.h>
#include <stdio.h>
#include <string.h>

enum { file_inode = 4242 };

static void *start(struct fuse_conn_info *connection, struct fuse_config *config) {
    (void)connection;
    config->use_ino = 1;
    puts("ready");
    fflush(stdout);
    return NULL;
}

static int attributes(const char *path, struct stat *facts, struct fuse_file_info *file) {
    (void)file;
    memset(facts, 0, sizeof *facts);
    if (strcmp(path, "/") == 0) {
        facts->st_mode = S_IFDIR | 0755;
        facts->st_nlink = 2;
        facts->st_ino = 1;
        return 0;
    }
    facts->st_mode = S_IFREG | 0666;
    facts->st_nlink = 1;
    facts->st_ino = file_inode;
    return strcmp(path, "/l") == 0 ? 0 : -ENOENT;
}

static int open_file(const char *path, struct fuse_file_info *file) {
    (void)file;
    return strcmp(path, "/l") == 0 ? 0 : -ENOENT;
}

static const struct fuse_operations operations = {.init = start, .getattr = attributes, .open = open_file};

int main(int count, char **arguments) {
    if (count != 3) {
        return 2;
    }
    char options[512];
    snprintf(options, sizeof options, "subtype=glusterfs,fsname=%s", arguments[2]);
    char foreground[] = "-f";
    char with_options[] = "-o";
    char *all[] = {arguments[0], arguments[1], foreground, with_options, options, NULL};
    return fuse_main(5, all, &operations, NULL);
}
