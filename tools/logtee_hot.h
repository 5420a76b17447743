/* SPDX-License-Identifier: Apache-2.0 */
/* logtee_hot.h - the keys that changed last, the latest first */
#ifndef SPLINTER_LOGTEE_HOT_H
#define SPLINTER_LOGTEE_HOT_H

#include <stddef.h>

#define LOGTEE_HOT_MAX 256 /* to look at them all takes some 50 microseconds */

void logtee_hot_add(const char *key);
/* The nth of them; NULL if there are fewer. */
const char *logtee_hot(size_t n);
void logtee_hot_free(void);

#endif /* SPLINTER_LOGTEE_HOT_H */
