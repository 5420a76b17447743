/* SPDX-License-Identifier: Apache-2.0 */
/* terminal.h - a screen: what a person would see of what a program writes to a vt100 */
#ifndef SPLINTER_TEST_TERMINAL_H
#define SPLINTER_TEST_TERMINAL_H

#include <stdbool.h>
#include <stddef.h>

enum { ROWS_MAX = 100, COLS_MAX = 300 };

struct screen {
    int rows, cols, row, col;
    int top, bottom; /* the rows that scroll */
    int saved_row, saved_col;
    bool wraps; /* the next character goes to the next line */
    char cell[ROWS_MAX][COLS_MAX][5]; /* a character of UTF-8 */
    /* What was begun: an escape sequence, or a character. */
    char part[64];
    size_t part_len;
};

void screen_size(struct screen *s, int cols, int rows);
void screen_clear(struct screen *s);
void screen_put(struct screen *s, const char *bytes, size_t len);
/* A row without the spaces at its end; text has room for COLS_MAX * 4 bytes and a zero. */
void screen_row(const struct screen *s, int row, char *text);

#endif /* SPLINTER_TEST_TERMINAL_H */
