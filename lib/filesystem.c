/* SPDX-License-Identifier: Apache-2.0 */
/*
 * filesystem.c - is the file system fit for a store, and can its space be relied on?
 *
 * A process that writes to its mapping gets SIGBUS if the file system has no block for the page.
 * So space is reserved before it is touched (backing_reserve()).  That is enough where a block is
 * overwritten in place, as on ext4 and XFS.  A file system that copies on write takes a new block
 * for each one that is overwritten, and so does one that lets two files share a block.
 *
 * Invariant: a writer that was not told to take the risk has a file whose blocks are its own and
 * are overwritten in place: from the open of the file, and except for what others share since the
 * last look.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/fiemap.h>
#include <linux/fs.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "error.h"
#include "filesystem.h"
#include "public.h"

/* The magic numbers are those of statfs(2) and linux/magic.h. */
#define MAGIC_BTRFS 0x9123683eu
#define MAGIC_XFS 0x58465342u
struct known {
    uint32_t magic;
    const char *what;
};
static const struct known network[] = {
    {0x6969, "NFS"},         {0x517b, "SMB"},      {0xff534d42, "CIFS"}, {0xfe534d42, "SMB"},
    {0x01021997, "9p"},      {0x00c36400, "Ceph"}, {0x5346414f, "AFS"},  {0x6b414653, "AFS"},
    {0x73757245, "Coda"},    {0x7461636f, "OCFS2"}, {0x01161970, "GFS2"}, {0x0bd00bd0, "Lustre"},
    {0x47504653, "GPFS"},    {0x19830326, "BeeGFS"}, {0, NULL}};
static const struct known copying[] = {
    {MAGIC_BTRFS, "btrfs"}, {0x2fc12fc1, "ZFS"}, {0xca451a4e, "bcachefs"}, {0x3434, "NILFS"},
    {0, NULL}};
static const struct known harmless[] = {
    {0xef53, "ext4"}, {MAGIC_XFS, "XFS"}, {MAGIC_BTRFS, "btrfs"}, {0xf2f52010, "F2FS"},
    {0x2fc12fc1, "ZFS"}, {0xca451a4e, "bcachefs"}, {0, NULL}};
static const struct known in_memory[] = {{0x01021994, "tmpfs"}, {0x858458f6, "ramfs"}, {0, NULL}};

static const char *find(const struct known *known, int fd)
{
    struct statfs st;
    if (fstatfs(fd, &st))
        return NULL;
    while (known->what && known->magic != (uint32_t)st.f_type)
        known++;
    return known->what;
}

bool filesystem_holes_harmless(int fd)
{
    return find(harmless, fd);
}

bool filesystem_in_memory(int fd)
{
    return find(in_memory, fd);
}

bool filesystem_holes_cost(int fd)
{
    struct statfs st;
    return fstatfs(fd, &st) || filesystem_in_memory(fd);
}

void filesystem_overwrite(int fd)
{
    int flags; /* the kernel reads and writes an int, whatever the number of the call says */
    if (!ioctl(fd, FS_IOC_GETFLAGS, &flags)) {
        flags |= FS_NOCOW_FL;
        (void)ioctl(fd, FS_IOC_SETFLAGS, &flags);
    }
}

/* The file system, if it copies the blocks of this file when they are overwritten; else NULL. */
static const char *copies(int fd)
{
    const char *what = find(copying, fd);
    int flags;
    if (what && !ioctl(fd, FS_IOC_GETFLAGS, &flags) && flags & FS_NOCOW_FL)
        return NULL;
    return what;
}

int filesystem_fit(int fd, const char *name, uint32_t flags)
{
    const char *what = flags & SPLINTER_NETWORK ? NULL : find(network, fd);
    if (what)
        return error_set(EOPNOTSUPP, "'%.200s' is on a network file system (%s), where memory "
                         "mapped by several machines differs: keep stores on a local one, or "
                         "set SPLINTER_NETWORK if only one machine uses it", name, what);
    what = flags & (SPLINTER_COW | SPLINTER_RDONLY) ? NULL : copies(fd);
    if (what)
        return error_set(EOPNOTSUPP, "%s copies '%.100s' when it is overwritten, so that a full "
                         "disk could end its writers (SIGBUS): keep stores elsewhere%s, or set "
                         "SPLINTER_COW to take the risk", what, name,
                         strcmp(what, "btrfs") ? "" : ", copy this one to a new file (chattr +C)");
    return 0;
}

bool filesystem_has(int fd, uint64_t length)
{
    struct stat st;
    struct statfs fs;
    if (!copies(fd) || fstat(fd, &st) || fstatfs(fd, &fs))
        return true;
    uint64_t free = (uint64_t)fs.f_bavail * (uint64_t)fs.f_bsize;
    return free >= length && free - length >= (uint64_t)st.st_blocks * 512;
}

/* Writes what is there once more, which gives the range blocks of its own. */
static int rewrite(int fd, uint64_t from, uint64_t end)
{
    static const size_t step = 65536;
    uint8_t *bytes = malloc(step);
    int r = bytes ? 0 : -ENOMEM;
    while (!r && from < end) {
        size_t most = end - from < step ? (size_t)(end - from) : step;
        ssize_t n = pread(fd, bytes, most, (off_t)from);
        if (n > 0)
            n = pwrite(fd, bytes, (size_t)n, (off_t)from);
        if (n < 0 && errno != EINTR)
            r = -errno;
        if (n == 0)
            break;
        from += n > 0 ? (uint64_t)n : 0;
    }
    free(bytes);
    return r;
}

static int unshare_range(int fd, uint64_t from, uint64_t end, bool alone)
{
    int r;
    do
        r = fallocate(fd, FALLOC_FL_UNSHARE_RANGE, (off_t)from, (off_t)(end - from)) ? -errno : 0;
    while (r == -EINTR);
    if (r == -EOPNOTSUPP || r == -EINVAL)
        r = alone ? rewrite(fd, from, end) : 0;
    return r == -EDQUOT ? -ENOSPC : r;
}

int filesystem_unshare(int fd, bool alone)
{
    static const struct known sharing[] = {{MAGIC_XFS, "XFS"}, {MAGIC_BTRFS, "btrfs"}, {0, NULL}};
    enum { EXTENTS = 64 };
    union {
        struct fiemap map; /* ends with as many extents as there is room for */
        uint8_t bytes[sizeof(struct fiemap) + EXTENTS * sizeof(struct fiemap_extent)];
    } f;
    if (!find(sharing, fd))
        return 0;
    for (uint64_t at = 0, last = 0; !last;) {
        memset(&f, 0, sizeof f);
        f.map.fm_start = at;
        f.map.fm_length = FIEMAP_MAX_OFFSET - at;
        f.map.fm_extent_count = EXTENTS;
        if (ioctl(fd, FS_IOC_FIEMAP, &f.map) || !f.map.fm_mapped_extents)
            return 0; /* it does not tell, or there are no more */
        for (uint32_t i = 0; i < f.map.fm_mapped_extents && i < EXTENTS; i++) {
            const struct fiemap_extent *e = &f.map.fm_extents[i];
            uint64_t end = e->fe_logical + e->fe_length;
            int r = e->fe_flags & FIEMAP_EXTENT_SHARED
                        ? unshare_range(fd, e->fe_logical, end, alone) : 0;
            if (r)
                return r;
            last |= e->fe_flags & FIEMAP_EXTENT_LAST;
            at = end;
        }
    }
    return 0;
}
