/* SPDX-License-Identifier: Apache-2.0 */
/* cli_bus.h - the bus that a tool works on: to open it, and to read a value */
#ifndef SPLINTER_CLI_BUS_H
#define SPLINTER_CLI_BUS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdnoreturn.h>
#include <sys/types.h>

#include <splinter.h>

#define CLI_DEFAULT_BUS "splinter_debug"
#define CLI_DEFAULT_SLOTS 1024 /* of a new bus */
#define CLI_DEFAULT_MAX_VALUE 65536
#define CLI_MEMORY_FOLDER "/dev/shm" /* where memory stores are, as splinter(7) says */

/* ---- which bus ---- */

/* What a command line says of the bus. */
struct cli_choice {
    const char *bus; /* NULL until an option or an argument names it */
    bool file;       /* it is the path of a file, whatever it looks like */
    bool by_file;    /* --file=FILE has named it */
};

/* The options of a tool whose BUS may be an argument: -f and --file without one say that it is a
 * file.  Scripts rely on that, so only --file=FILE names the file as well. */
#define CLI_BUS_LETTERS "b:f"
#define CLI_BUS_OPTIONS                      \
    {"bus", required_argument, NULL, 'b'},   \
    {"file", optional_argument, NULL, CLI_OPT_FILE}
/* Those of a tool whose BUS is never an argument. */
#define CLI_BUS_ONLY_LETTERS "b:f:"
#define CLI_BUS_ONLY_OPTIONS                 \
    {"bus", required_argument, NULL, 'b'},   \
    {"file", required_argument, NULL, 'f'}

/* -b NAME, or --file=NAME if it is by_file.  Of two of a kind the last one counts; one of each is
 * refused. */
void cli_choose(struct cli_choice *choice, const char *name, bool by_file);
/* One of CLI_BUS_OPTIONS.  Returns false if it is another one. */
bool cli_choice_option(struct cli_choice *choice, int option);

/* The bus that is meant if the command line names none: SPLINTER_BUS, or CLI_DEFAULT_BUS. */
const char *cli_default_bus(void);

/* SPLINTER_FILE or SPLINTER_MEMORY, from the look of the name and from --file. */
uint32_t cli_where(const char *bus, bool file);

/* Which file a name leads to. */
struct cli_file {
    dev_t dev;
    ino_t ino;
};
/* Returns false if there is none.  where is from cli_where(). */
bool cli_file_of(const char *bus, uint32_t where, struct cli_file *file);

/* As splinter_store_open().  The store takes the place of the one that was open, which is closed.
 * It is closed at exit. */
int cli_open(splinter_store **out, const char *bus, const struct splinter_open_options *options);
/* Closes the store now, for a tool that does not end through exit(). */
void cli_close(void);
/* exit() calls that, after all that atexit() gets from now on.  cli_open() also sees to it. */
void cli_close_at_exit(void);
/* Why the last cli_open() failed with r: a sentence that names the bus, once. */
const char *cli_why_not_open(const char *bus, int r);
/* Ends the tool with that sentence. */
noreturn void cli_open_failed(const char *bus, int r);
/* What ran out, of the last call that returned -ENOSPC, without the words "no room". */
const char *cli_what_ran_out(void);

/* As splinter_store_stat(), of the store that is open. */
void cli_stat(struct splinter_stat *stat);

/* ---- the feed of the store that is open ---- */

/* The most changes that a store keeps for followers: 32-bit machines have fewer addresses. */
#define CLI_FEED_MAX (SIZE_MAX > UINT32_MAX ? 65536u : 256u)

/* Follow its changes from now on, until it is closed.  Returns false if it was made without. */
bool cli_feed_open(void);
/* The next change, or gap, within so many milliseconds.  Returns false if there is none. */
bool cli_feed_next(struct splinter_event *e, uint64_t ms);
/* The number of the last change. */
uint64_t cli_feed_last(void);
/* The next one up to that number; waits for a writer that is about to tell of it. */
bool cli_feed_next_up_to(uint64_t last, struct splinter_event *e);

/* ---- keys and values ---- */

/* All that is known of key, except its value.  Returns 0, -ENOENT, or -EAGAIN after cli_stop. */
int cli_get_meta(const char *key, struct splinter_meta *meta);

/* A value that was got; buf grows as needed. */
struct cli_value {
    unsigned char *buf;
    size_t room, size;
    struct splinter_meta meta;
};
/* Is it a number, and which? */
bool cli_value_number(const struct cli_value *v, int64_t *number);

/* The remaining life in milliseconds, of which a part counts as a whole one; 0: there is no end. */
uint64_t cli_ttl_ms(const struct splinter_meta *meta);

/* The name of a type that Splinter defines, or NULL. */
const char *cli_type_name(uint32_t type);
/* The reverse; what names the argument in the message. */
uint32_t cli_type(const char *what, const char *text);

/* The value of key into v.  Returns 0, -ENOENT, or -EAGAIN if it is worth another try. */
int cli_get(const char *key, struct cli_value *v);
/* The same, of another store, with its name for messages. */
int cli_get_of(splinter_store *store, const char *bus, const char *key, struct cli_value *v);

#endif /* SPLINTER_CLI_BUS_H */
