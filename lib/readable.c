/* SPDX-License-Identifier: Apache-2.0 */
/*
 * readable.c - a descriptor that is readable, or not
 *
 * An eventfd.  The program may close it, and what it opens next gets the number.  All eventfds have
 * the same inode.  So this one has a mark that an open file description has, as descriptor.c does
 * it: a signal, which is never sent, as nobody sets O_ASYNC.  All of ours have the same; which of
 * them a number is, the list of the watcher tells.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdint.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "atomic.h"
#include "descriptor.h"
#include "readable.h"

#define MARK SIGURG

int readable_open(struct readable *r)
{
    *r = (struct readable){.fd = descriptor_up(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK))};
    if (r->fd < 0)
        return -errno;
    r->marked = !fcntl(r->fd, F_SETSIG, MARK) && fcntl(r->fd, F_GETSIG) == MARK;
    return 0;
}

void readable_close(struct readable *r)
{
    if (readable_is_ours(r))
        close(r->fd);
}

void readable_lost(struct readable *r)
{
    store_relaxed(&r->fd, -1);
}

bool readable_is_ours(const struct readable *r)
{
    int fd = load_relaxed(&r->fd);
    return r->marked ? fcntl(fd, F_GETSIG) == MARK : fcntl(fd, F_GETFD) >= 0;
}

static void make(struct readable *r)
{
    static const uint64_t one = 1;
    if (readable_is_ours(r))
        r->is = write(r->fd, &one, sizeof one) == (ssize_t)sizeof one;
}

void readable_set(struct readable *r)
{
    if (!r->is)
        make(r);
}

void readable_again(struct readable *r)
{
    make(r);
}

/* If the program has read it, there is nothing to read; and it may have cleared O_NONBLOCK. */
void readable_clear(struct readable *r)
{
    uint64_t count;
    struct pollfd p = {r->fd, POLLIN, 0};
    if (r->is && readable_is_ours(r) && poll(&p, 1, 0) == 1 && p.revents & POLLIN &&
        read(r->fd, &count, sizeof count) < 0)
        count = 0;
    r->is = false;
}
