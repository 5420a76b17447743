/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cli_follow.h - what the tools that follow a bus share: options, waiting for the bus, and what was
 * missed
 */
#ifndef SPLINTER_CLI_FOLLOW_H
#define SPLINTER_CLI_FOLLOW_H

#include <getopt.h>
#include <stdbool.h>
#include <stdint.h>

#include <splinter.h>

#include "cli_bus.h"

struct cli_follow {
    const char *bus; /* NULL until an option or an argument names it */
    bool file;      /* --file */
    bool wait;      /* the bus, or a key, may come later */
    bool current;   /* begin with what is there */
    bool verbose;   /* say when waiting and following begin */
    uint64_t count; /* values that are still to be printed */
    bool counted;   /* --count or the like: less than that is not what was asked for */
    uint64_t timeout_ms;
    uint64_t deadline; /* of the next value */
    bool came;         /* the bus did not exist at first, so all that is in it is new */
    /* Of cli_follow_moved(): */
    struct cli_file at; /* where the name led when the bus was opened */
    struct cli_file refused; /* what it led to later, and could not be opened */
    uint64_t look_ms; /* when to look again */
    bool told;        /* that the name leads there no more */
};

/* ---- options ---- */

void cli_follow_init(struct cli_follow *f);

#define CLI_FOLLOW_LETTERS CLI_BUS_LETTERS "n:t:cwfv" CLI_LETTERS
#define CLI_FOLLOW_OPTIONS                      \
    CLI_BUS_OPTION,                             \
    {"count", required_argument, NULL, 'n'},    \
    {"timeout", required_argument, NULL, 't'},  \
    {"current", no_argument, NULL, 'c'},        \
    {"wait", no_argument, NULL, 'w'},           \
    {"file", no_argument, NULL, 'f'},           \
    {"verbose", no_argument, NULL, 'v'}

/* One of these options. */
void cli_follow_option(struct cli_follow *f, int option);

/* ---- the bus ---- */

/* The timeout begins again: a value came, or waiting begins. */
void cli_follow_renew_deadline(struct cli_follow *f);

/* Opens the bus; read-only if writing is not allowed.  NULL: cli_stop. */
splinter_store *cli_follow_open(struct cli_follow *f);

/*
 * Somebody may remove the bus, and make it again: then the name leads to another store than the one
 * that is open.  To be called before each wait; says what has become of the name.  Returns true if
 * cli_follow_again() is worth a try, after a last look at the store that is open.
 */
bool cli_follow_moved(struct cli_follow *f);
/* Opens what the name leads to now.  Everything in it is new.  Returns NULL if it cannot be opened;
 * the store that was open is open still. */
splinter_store *cli_follow_again(struct cli_follow *f);

/* After the last output: closes the bus.  If a signal came before all that was counted on, the
 * process ends by that signal, for it has not done what it was asked for. */
void cli_follow_end(const struct cli_follow *f);

/* ---- what was missed ---- */

/* The last value of a key that was seen.  All zero: none, so anything is new. */
struct cli_seen {
    uint64_t epoch;
    uint32_t revision; /* of that epoch */
    bool gone;         /* the key was unset since */
};

/* The value that is there when following begins; it is not new, unless current asks for it. */
void cli_seen_first(struct cli_seen *seen, const struct splinter_meta *meta, bool current);
/*
 * The next value, which is newer.  Returns how many were set in between; *recreated: the key was
 * unset and set again, so more may have been missed before that.
 */
uint32_t cli_seen_next(struct cli_seen *seen, const struct splinter_meta *meta, bool *recreated);
/* Says so on standard error, if values were missed or may have been. */
void cli_warn_missed(const char *key, uint64_t epoch, uint32_t missed, bool recreated);

#endif /* SPLINTER_CLI_FOLLOW_H */
