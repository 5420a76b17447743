/* SPDX-License-Identifier: Apache-2.0 */
/* cli_bus.h - the bus that a tool works on: to open it, and to read a value */
#ifndef SPLINTER_CLI_BUS_H
#define SPLINTER_CLI_BUS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdnoreturn.h>

#include <splinter.h>

/* SPLINTER_FILE or SPLINTER_MEMORY, from the look of the name and from --file. */
uint32_t cli_where(const char *bus, bool file);

/* As splinter_store_open(), once; the store is closed at exit. */
int cli_open(splinter_store **out, const char *bus, const struct splinter_open_options *options);
/* Closes it earlier: the tool ends in another way. */
void cli_close(void);
/* Why the last cli_open() failed with r. */
noreturn void cli_open_failed(const char *bus, int r);

/* Opens a bus to follow what is set; read-only where writing is not allowed.  NULL: cli_stop. */
struct cli_follow {
    const char *bus;
    bool file;    /* --file */
    bool wait;    /* the bus may come later */
    bool verbose; /* say so when waiting for it */
    uint64_t deadline;
    bool came; /* result: it did come later, so all that is in it is new */
};
splinter_store *cli_open_to_follow(struct cli_follow *f);

/* A value that was got; buf grows as needed. */
struct cli_value {
    unsigned char *buf;
    size_t room, size;
    struct splinter_meta meta;
};
/* splinter_store_get() into v.  Returns 0, -ENOENT, or -EAGAIN if it is worth another try. */
int cli_get(splinter_store *store, const char *key, struct cli_value *v);

#endif /* SPLINTER_CLI_BUS_H */
