/* SPDX-License-Identifier: Apache-2.0 */
/*
 * session.c - is this the file that a durable store was in, and on this boot of this kernel?
 *
 * Invariants
 *  - If header.device, inode and born_ns are those of now, the file is no copy: what its header and
 *    its sync point say was said of this file.
 *  - If header.boot is also that of now, the pages of the file are in this kernel's memory as
 *    processes left them.  Without a boot id, nothing is assumed.
 */
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
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

/* When the inode was made; 0 if the file system does not tell.  A file that is removed and created
 * again often gets the same inode number. */
static uint64_t born_ns(int fd)
{
#ifdef STATX_BTIME
    struct statx stx;
    if (!statx(fd, "", AT_EMPTY_PATH, STATX_BTIME, &stx) && stx.stx_mask & STATX_BTIME)
        return (uint64_t)stx.stx_btime.tv_sec * UINT64_C(1000000000) + stx.stx_btime.tv_nsec;
#else
    (void)fd;
#endif
    return 0;
}

void session_note(int fd, struct header *h)
{
    struct stat st;
    boot_id(h->boot);
    if (fstat(fd, &st)) {
        memset(h->boot, 0, sizeof h->boot);
        return;
    }
    h->device = (uint64_t)st.st_dev;
    h->inode = (uint64_t)st.st_ino;
    h->born_ns = born_ns(fd);
}

static bool same_file(const struct header *a, const struct header *b)
{
    return a->inode && a->device == b->device && a->inode == b->inode && a->born_ns == b->born_ns;
}

bool session_is_file(const struct splinter_store *s)
{
    struct header now = {0};
    session_note(descriptor_file(s), &now);
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

bool session_is_ours(const struct splinter_store *s)
{
    static const uint8_t unknown[16];
    struct header now = {0};
    session_note(descriptor_file(s), &now);
    return memcmp(now.boot, unknown, sizeof now.boot) &&
           !memcmp(now.boot, s->header->boot, sizeof now.boot) && same_file(&now, s->header);
}
