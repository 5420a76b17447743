/* SPDX-License-Identifier: Apache-2.0 */
/*
 * session.c - is this the file that a durable store was in, on this boot and this mount?
 *
 * Invariants
 *  - If header.device, inode and born_ns are those of now, the file is no copy: what its header and
 *    its sync point say was said of this file.
 *  - If header.boot is also that of now, and the file system has been mounted all the time since,
 *    the pages of the file are in this kernel's memory as processes left them.  A file system that
 *    went away after an error, or whose disk was pulled out, took changes with it.
 *  - What the kernel does not tell is not assumed.
 *
 * The kernel numbers mounts (since Linux 6.8), and gives no number twice.  The same mount is proof.
 * But one file system may be mounted in several places, as each container has a mount of its own,
 * made anew when it starts again.  So if the mount is another one, the directory counts that sysfs
 * has for as long as the file system is mounted anywhere: kernfs numbers its inodes one after the
 * other.  A file in memory is gone when its file system is, so such a file is proof itself.
 */
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "descriptor.h"
#include "handle.h"
#include "session.h"

/* All zero if the kernel does not tell. */
static void boot_id(uint8_t out[16])
{
    char text[64] = "";
    int fd = open("/proc/sys/kernel/random/boot_id", O_RDONLY | O_CLOEXEC);
    ssize_t n = fd < 0 ? 0 : read(fd, text, sizeof text - 1);
    if (fd >= 0)
        close(fd);
    memset(out, 0, 16);
    int digits = 0;
    for (ssize_t i = 0; i < n && digits < 32; i++) {
        unsigned c = (unsigned char)text[i];
        unsigned v = c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : 16;
        if (v < 16) {
            out[digits / 2] = (uint8_t)(out[digits / 2] << 4 | v);
            digits++;
        }
    }
}

#ifndef STATX_MNT_ID_UNIQUE
#define STATX_MNT_ID_UNIQUE 0x4000u
#endif

/* When the inode was made, as the number of a removed file is often given out again; and the number
 * of the mount.  0: the kernel or the file system does not tell. */
static void look(int fd, struct header *h)
{
    h->born_ns = 0;
    h->mount = 0;
#ifdef STATX_BTIME
    struct statx stx;
    if (statx(fd, "", AT_EMPTY_PATH, STATX_BTIME | STATX_MNT_ID_UNIQUE, &stx))
        return;
    if (stx.stx_mask & STATX_BTIME)
        h->born_ns = (uint64_t)stx.stx_btime.tv_sec * UINT64_C(1000000000) + stx.stx_btime.tv_nsec;
#ifdef STATX_MNT_ID
    if (stx.stx_mask & STATX_MNT_ID_UNIQUE)
        h->mount = stx.stx_mnt_id;
#endif
#else
    (void)fd;
#endif
}

#define IN_MEMORY 1 /* no inode of a file system in sysfs */

/* The number of the mounted file system, wherever it is mounted; 0 if it is not known. */
static uint64_t filesystem_number(int fd, uint64_t born)
{
    static const struct {
        uint32_t magic; /* linux/magic.h */
        const char *name;
    } on_disk[] = {{0xef53, "ext4"}, {0x58465342, "xfs"}, {0xf2f52010, "f2fs"}};
    char device[64], target[256], path[300];
    struct statfs fs;
    struct stat st;
    if (fstatfs(fd, &fs) || fstat(fd, &st))
        return 0;
    uint32_t magic = (uint32_t)fs.f_type;
    if (magic == 0x01021994 || magic == 0x858458f6) /* tmpfs, ramfs */
        return born ? IN_MEMORY : 0;
    for (size_t i = 0; i < sizeof on_disk / sizeof *on_disk; i++) {
        if (on_disk[i].magic != magic)
            continue;
        snprintf(device, sizeof device, "/sys/dev/block/%u:%u", major(st.st_dev), minor(st.st_dev));
        ssize_t n = readlink(device, target, sizeof target - 1);
        target[n < 0 ? 0 : n] = '\0';
        const char *slash = strrchr(target, '/');
        if (!slash)
            return 0;
        snprintf(path, sizeof path, "/sys/fs/%s/%s", on_disk[i].name, slash + 1);
        return stat(path, &st) ? 0 : (uint64_t)st.st_ino;
    }
    return 0;
}

/* All that is noted, but the number of the file system: most openers need not ask for it. */
static void note(int fd, struct header *h)
{
    struct stat st;
    boot_id(h->boot);
    if (fstat(fd, &st)) {
        memset(h->boot, 0, sizeof h->boot);
        return;
    }
    h->device = (uint64_t)st.st_dev;
    h->inode = (uint64_t)st.st_ino;
    look(fd, h);
}

void session_note(int fd, struct header *h)
{
    note(fd, h);
    h->filesystem = filesystem_number(fd, h->born_ns);
}

void session_note_mount(const struct splinter_store *s)
{
    struct header now = {0};
    look(descriptor_file(s), &now);
    s->header->filesystem = filesystem_number(descriptor_file(s), now.born_ns);
    s->header->mount = now.mount;
}

static bool same_file(const struct header *a, const struct header *b)
{
    return a->inode && a->device == b->device && a->inode == b->inode && a->born_ns == b->born_ns;
}

bool session_is_file(const struct splinter_store *s)
{
    struct header now = {0};
    note(descriptor_file(s), &now);
    return same_file(&now, s->header);
}

uint64_t session_boot(void)
{
    uint8_t id[16];
    uint64_t number;
    boot_id(id);
    memcpy(&number, id, sizeof number);
    return number;
}

enum session session_of(const struct splinter_store *s)
{
    static const uint8_t unknown[16];
    const struct header *then = s->header;
    struct header now = {0};
    note(descriptor_file(s), &now);
    if (!memcmp(now.boot, unknown, sizeof now.boot) ||
        memcmp(now.boot, then->boot, sizeof now.boot) || !same_file(&now, then))
        return SESSION_OTHER;
    if (now.mount && now.mount == then->mount)
        return SESSION_OURS;
    uint64_t number = filesystem_number(descriptor_file(s), now.born_ns);
    return number && number == then->filesystem ? SESSION_OURS : SESSION_MOUNT;
}
