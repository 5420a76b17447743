/* SPDX-License-Identifier: Apache-2.0 */
/*
 * history.h - is there an order that explains what several processes did with one key?
 *
 * A history is linearizable if its calls can be put in an order in which each of them returns what
 * it did return, and in which no call stands before one that had ended when it began.
 *
 *   M. Herlihy, J. Wing, "Linearizability: A Correctness Condition for Concurrent Objects", ACM
 *   TOPLAS 12(3), 1990.  A history of several keys is linearizable if that of each key is.
 *   J. Wing, C. Gong, "Testing and Verifying Concurrent Objects", J. of Parallel and Distributed
 *   Computing 17, 1993: the search for an order.
 *   G. Lowe, "Testing for Linearizability", Concurrency and Computation 29(4), 2017: no pair of
 *   calls made and state reached is searched twice.
 */
#ifndef SPLINTER_TEST_HISTORY_H
#define SPLINTER_TEST_HISTORY_H

#include <stdbool.h>
#include <stdint.h>

#define HISTORY_PROCESSES 16

enum act { ACT_GET, ACT_SET, ACT_SET_IF_ABSENT, ACT_SET_IF_EPOCH, ACT_UNSET, ACT_ADD, ACT_TOUCH };

#define ACT_NEVER UINT64_MAX /* the end of a call in which its process died */

/* A call.  Of what was not told, such as the epoch by an add, there is 0. */
struct call {
    uint64_t begin, end;
    uint64_t value;    /* that a set set, that a get returned; the sum that an add returned */
    uint64_t delta;    /* of an add */
    uint64_t if_epoch; /* ACT_UNSET: 0 for any */
    uint64_t epoch;    /* that the call returned */
    uint32_t revision; /* that a get returned */
    int32_t result;
    uint32_t act;
    uint32_t key; /* for those who note calls of several keys */
};

/* The calls of each process in the order in which it made them: one after another. */
struct history {
    unsigned processes;
    struct {
        const struct call *calls;
        unsigned count;
    } of[HISTORY_PROCESSES];
};

/* What the key is: that it is absent, or its value; its epoch is 0 if no call has told it. */
struct state {
    bool there;
    uint32_t revision;
    uint64_t value, epoch;
    uint64_t after; /* the last epoch that is known: those to come are higher */
};

/* Does the call return what it did in that state?  Then also what the state is after it.  A call
 * in which its process died is taken to have succeeded. */
bool history_step(const struct call *call, struct state *state);

enum verdict { LINEARIZABLE, NOT_LINEARIZABLE, UNDECIDED };

/* Judge the history of a key that is absent in the beginning.  If it is not linearizable, and
 * `explain`, print how far an order goes.  UNDECIDED: the search would take too long. */
enum verdict history_judge(const struct history *history, bool explain);

/* Is that so?  Histories made by hand and by chance, of which it is known. */
void history_cases(void);

#endif
