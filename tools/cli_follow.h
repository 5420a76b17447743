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
    struct cli_choice chosen;
    bool wait;      /* the bus, or a key, may come later */
    bool current;   /* begin with what is there */
    bool verbose;   /* say when waiting and following begin */
    uint64_t count; /* values that are still to be printed */
    bool counted;   /* --count or the like: less than that is not what was asked for */
    uint64_t timeout_ms;
    uint64_t deadline; /* of the next value */
    bool feed;         /* the bus that is open has one, and it is followed */
    uint64_t lost;     /* changes that the feed has lost, and of which nothing was said yet */
    uint64_t gap_ms;   /* when to say so again */
    bool came;         /* the bus did not exist at first, so all that is in it is new */
    /* Of cli_follow_moved(): */
    struct cli_file at; /* where the name led when the bus was opened */
    struct cli_file refused; /* what it led to later, and could not be opened */
    uint64_t look_ms; /* when to look again */
    bool told;        /* that the name leads there no more */
};

/* ---- options ---- */

void cli_follow_init(struct cli_follow *f);

#define CLI_FOLLOW_LETTERS CLI_BUS_LETTERS "n:t:cwv" CLI_LETTERS
#define CLI_FOLLOW_OPTIONS                      \
    CLI_BUS_OPTIONS,                            \
    {"count", required_argument, NULL, 'n'},    \
    {"timeout", required_argument, NULL, 't'},  \
    {"current", no_argument, NULL, 'c'},        \
    {"wait", no_argument, NULL, 'w'},           \
    {"verbose", no_argument, NULL, 'v'}

/* One of these options. */
void cli_follow_option(struct cli_follow *f, int option);

/* ---- the bus ---- */

/* The timeout begins again: a value came, or waiting begins. */
void cli_follow_renew_deadline(struct cli_follow *f);

/* Opens the bus, and its feed, if it has one; read-only if writing is not allowed.  NULL:
 * cli_stop. */
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
    uint64_t epoch;    /* of that value, or of the last change that the feed told of */
    uint32_t revision; /* of that epoch; 0: the key is gone */
    uint32_t passed;   /* values up to that one which were missed; nothing was said of them yet */
    bool gone;         /* the key was unset since */
    bool unsure;       /* and there may have been values before that of which nothing is known */
};

/* What was missed before a value. */
struct cli_missed {
    uint32_t values;
    bool recreated; /* the key was unset and set again */
    bool unsure;    /* so more may have been missed before that */
};

/* The value that is there when following begins; it is not new, unless current asks for it. */
void cli_seen_first(struct cli_seen *seen, const struct splinter_meta *meta, bool current);
/* The next value, which is newer.  Returns what was missed in between. */
struct cli_missed cli_seen_next(struct cli_seen *seen, const struct splinter_meta *meta);
/* The key is not there any more. */
void cli_seen_gone(struct cli_seen *seen);

/*
 * What the feed tells of a key.  It has no values: one that was replaced or removed before it could
 * be read is passed over, and counted.
 */
enum cli_told {
    CLI_TOLD_NOTHING, /* nothing new, or a value that was passed over */
    CLI_TOLD_VALUE,   /* v has it; cli_seen_next() comes next */
    CLI_TOLD_REMOVAL
};
enum cli_told cli_seen_event(struct cli_seen *seen, const struct splinter_event *e,
                             struct cli_value *v);
/* What was passed over, and not said yet; it counts as said. */
struct cli_missed cli_seen_passed(struct cli_seen *seen);

/* Says on standard error how many values were missed, if any, or may have been.  epoch: before that
 * one; 0: at the end. */
void cli_warn_missed(const char *key, uint64_t epoch, const struct cli_missed *missed);
/* The feed has lost changes.  Says how many at most: now, or later if that was said just before. */
void cli_follow_gap(struct cli_follow *f, const struct splinter_event *gap);
/* Says it now, if there is something to say. */
void cli_follow_say_gap(struct cli_follow *f);

#endif /* SPLINTER_CLI_FOLLOW_H */
