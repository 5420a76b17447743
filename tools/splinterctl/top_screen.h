/* SPDX-License-Identifier: Apache-2.0 */
/* top_screen.h - the full screen of top; only where ncurses is there */
#ifndef SPLINTERCTL_TOP_SCREEN_H
#define SPLINTERCTL_TOP_SCREEN_H

#include "top_sample.h"

/* Shows the store until the person leaves, or the terminal goes away. */
void top_screen(struct top_sample *sample, splinter_store *store, uint64_t interval_ms);

#endif /* SPLINTERCTL_TOP_SCREEN_H */
