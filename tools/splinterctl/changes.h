/* SPDX-License-Identifier: Apache-2.0 */
/* changes.h - the changes of the bus, by its feed if it has one, else by looking */
#ifndef SPLINTERCTL_CHANGES_H
#define SPLINTERCTL_CHANGES_H

#include <stdbool.h>
#include <stdint.h>

#include <splinter.h>

/* No key and no prefix: all keys. */
struct ctl_wanted {
    char **keys;
    int key_count;
    const char *prefix; /* NULL: none */
    bool state;         /* begin with the keys that are there */
    bool from;          /* begin after the change with this number */
    uint64_t number;
};

struct ctl_change {
    struct splinter_event event;
    const void *value; /* of the value that was set; NULL: it is there no more, or there is none */
    uint64_t missed;   /* changes of this key before, of which nobody told */
};

/* Begins; what it needs is memory of the caller until ctl_changes_end(). */
void ctl_changes_begin(splinter_store *store, const struct ctl_wanted *wanted);
/* The next change, within so many milliseconds.  Returns false if there is none, or cli_stop. */
bool ctl_changes_next(struct ctl_change *change, uint64_t ms);
void ctl_changes_end(void);

#endif /* SPLINTERCTL_CHANGES_H */
