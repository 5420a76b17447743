/* SPDX-License-Identifier: Apache-2.0 */
/* cancel.h - no call of the library is a cancellation point */
#ifndef SPLINTER_CANCEL_H
#define SPLINTER_CANCEL_H

#include <pthread.h>

/* A thread must not be cancelled while it sleeps, opens a file, or holds a lane or a mutex.  From
 * not_cancelled() to the end of the enclosing scope it cannot be. */
static inline int cancel_disable(void)
{
    int before;
    pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &before);
    return before;
}

static inline void cancel_restore(const int *before)
{
    pthread_setcancelstate(*before, NULL);
}

#define not_cancelled() \
    int cancel_before __attribute__((cleanup(cancel_restore), unused)) = cancel_disable()

#endif
