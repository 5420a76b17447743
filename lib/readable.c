/* SPDX-License-Identifier: Apache-2.0 */
/*
 * readable.c - a descriptor that is readable, or not
 *
 * An eventfd.  The program may close it, and what it opens next gets the number.  All eventfds have
 * the same inode.  So this one has a mark that an open file description has, as descriptor.c does
 * it: an owner and a signal, which is never sent, as nobody sets O_ASYNC.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdint.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "descriptor.h"
#include "readable.h"

#define MARK SIGURG

int readable_open(struct readable *r)
{
    *r = (struct readable){.fd = descriptor_up(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK))};
    if (r->fd < 0)
        return -errno;
    struct f_owner_ex owner = {F_OWNER_PID, getpid()};
    if (!fcntl(r->fd, F_SETOWN_EX, &owner) && !fcntl(r->fd, F_SETSIG, MARK)) {
        r->owner = owner.pid;
        if (!readable_is_ours(r))
            r->owner = 0;
    }
    return 0;
}

void readable_close(struct readable *r)
{
    if (readable_is_ours(r))
        close(r->fd);
}

bool readable_is_ours(const struct readable *r)
{
    struct f_owner_ex owner;
    if (!r->owner)
        return fcntl(r->fd, F_GETFD) >= 0;
    return !fcntl(r->fd, F_GETOWN_EX, &owner) && owner.type == F_OWNER_PID &&
           owner.pid == r->owner && fcntl(r->fd, F_GETSIG) == MARK;
}

void readable_set(struct readable *r)
{
    static const uint64_t one = 1;
    if (!r->is && readable_is_ours(r))
        r->is = write(r->fd, &one, sizeof one) == (ssize_t)sizeof one;
}

void readable_clear(struct readable *r)
{
    uint64_t count;
    if (r->is && readable_is_ours(r) && read(r->fd, &count, sizeof count) >= 0)
        count = 0; /* if the program has read it, there is nothing to read */
    r->is = false;
}
