/* SPDX-License-Identifier: Apache-2.0 */
/* message.h - what the commands of topics and those of queues share */
#ifndef SPLINTERCTL_MESSAGE_H
#define SPLINTERCTL_MESSAGE_H

#include <stdnoreturn.h>

#include "command.h"

#define CTL_DEFAULT_CAPACITY 64 /* of a new topic or queue */

/* The options of topic publish and queue push; those of its own come after these. */
enum {
    PUT_LINES, PUT_STDIN, PUT_FILE, PUT_TYPE, PUT_CREATE, PUT_CAPACITY, PUT_MAX_MESSAGE, PUT_OWN
};
#define CTL_PUT_OPTIONS(what, items) \
    [PUT_LINES] = {"lines", NULL, "each line of standard input is one, except empty ones"}, \
    [PUT_STDIN] = {"stdin", NULL, "take it from standard input, any bytes"}, \
    [PUT_FILE] = {"file", "PATH", "take it from a file"}, \
    [PUT_TYPE] = {"type", "TYPE", "label it bytes (the default), text, json, int64 (it\n" \
                                  "                       is a whole number), or 256 to 65535"}, \
    [PUT_CREATE] = {"create", NULL, "make the " what " if it is absent"}, \
    [PUT_CAPACITY] = {"capacity", "N", "a new one has room for N " items " (default 64)"}, \
    [PUT_MAX_MESSAGE] = {"max-message", "BYTES", "and for BYTES in each (default: what fits)"}

/* A topic or a queue. */
struct ctl_named {
    const char *kind; /* "topic" or "queue" */
    const char *name;
};

/* Refuses what cannot be the name of one. */
const char *ctl_name_of(const char *what, const char *name);

/* Ends the command: a call that was to "open" it, say, returned r. */
noreturn void ctl_named_failed(const struct ctl_named *of, const char *to, int r);

struct ctl_put {
    struct ctl_named to;
    int (*open)(const struct splinter_topic_options *options);
    int (*put)(const void *bytes, size_t len, uint32_t type, uint64_t *number);
    void (*close)(void);
};
/* Opens it, or makes it, and puts what the call says there.  put is not on the stack. */
int ctl_put(const struct ctl_call *call, const struct ctl_put *put);

enum { REMOVE_FORCE };
/* Asks, unless --force was given, and removes it with its content, such as "messages". */
void ctl_remove(const struct ctl_call *call, const struct ctl_named *of, const char *content,
                int (*remove_it)(splinter_store *store, const char *name));

/* Names of topics or queues, sorted; memory of the caller, also that of each. */
char **ctl_names(splinter_store *store,
                 int (*walk)(splinter_store *store, uint64_t *cursor, char *name), size_t *count);
void ctl_free_names(char **names, size_t count);

#endif /* SPLINTERCTL_MESSAGE_H */
