/* SPDX-License-Identifier: Apache-2.0 */
/* copy.h - all that a store holds into another one, which nobody else uses */
#ifndef SPLINTERCTL_COPY_H
#define SPLINTERCTL_COPY_H

#include <splinter.h>

/* Two stores of the same limits, with their names for messages. */
struct ctl_copy {
    splinter_store *from, *to;
    const char *from_name, *to_name;
};
/* The keys, except ephemeral ones; each has a new epoch. */
void ctl_copy_keys(const struct ctl_copy *copy);
/* The topics and queues: messages and items get new numbers, from 1 on. */
void ctl_copy_topics(const struct ctl_copy *copy);
void ctl_copy_queues(const struct ctl_copy *copy);

#endif /* SPLINTERCTL_COPY_H */
