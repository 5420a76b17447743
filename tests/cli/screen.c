/* SPDX-License-Identifier: Apache-2.0 */
/* screen.c - what a person would see of what a program writes to a vt100, and some of an xterm */
#include "terminal.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void blank(struct screen *s, int row, int from, int to)
{
    for (int col = from; col < to && col < COLS_MAX; col++)
        strcpy(s->cell[row][col], " ");
}

void screen_clear(struct screen *s)
{
    for (int row = 0; row < ROWS_MAX; row++)
        blank(s, row, 0, COLS_MAX);
}

void screen_size(struct screen *s, int cols, int rows)
{
    s->rows = rows < ROWS_MAX ? rows : ROWS_MAX;
    s->cols = cols < COLS_MAX ? cols : COLS_MAX;
    s->top = 0;
    s->bottom = s->rows - 1;
    if (s->row >= s->rows)
        s->row = s->rows - 1;
    if (s->col >= s->cols)
        s->col = s->cols - 1;
}

static int within(int n, int least, int most)
{
    return n < least ? least : n > most ? most : n;
}

/* Moves the rows from..to by `by` rows; up if it is positive. */
static void scroll(struct screen *s, int from, int to, int by)
{
    int count = to - from + 1, keep = count - abs(by);
    if (keep < 0)
        keep = 0;
    if (by > 0)
        memmove(s->cell[from], s->cell[from + count - keep], (size_t)keep * sizeof(s->cell[0]));
    else
        memmove(s->cell[from + count - keep], s->cell[from], (size_t)keep * sizeof(s->cell[0]));
    for (int i = 0; i < count - keep; i++)
        blank(s, by > 0 ? to - i : from + i, 0, COLS_MAX);
}

static void next_line(struct screen *s)
{
    if (s->row == s->bottom)
        scroll(s, s->top, s->bottom, 1);
    else if (s->row < s->rows - 1)
        s->row++;
}

static void put_char(struct screen *s, const char *c, size_t len)
{
    if (s->wraps) {
        s->col = 0;
        next_line(s);
    }
    s->wraps = false;
    memcpy(s->cell[s->row][s->col], c, len);
    s->cell[s->row][s->col][len] = '\0';
    if (s->col == s->cols - 1)
        s->wraps = true;
    else
        s->col++;
}

/* ---- escape sequences ---- */

static void erase_display(struct screen *s, int how)
{
    for (int row = 0; row < s->rows; row++)
        if (how >= 2 || (how == 1 && row < s->row) || (how == 0 && row > s->row))
            blank(s, row, 0, COLS_MAX);
    if (how < 2)
        blank(s, s->row, how ? 0 : s->col, how ? s->col + 1 : COLS_MAX);
}

static void shift_cells(struct screen *s, int by)
{
    char(*line)[5] = s->cell[s->row];
    int count = within(abs(by), 0, s->cols - s->col);
    size_t keep = (size_t)(s->cols - s->col - count) * sizeof(*line);
    if (by < 0)
        memmove(line + s->col, line + s->col + count, keep);
    else
        memmove(line + s->col + count, line + s->col, keep);
    if (by < 0)
        blank(s, s->row, s->cols - count, s->cols);
    else
        blank(s, s->row, s->col, s->col + count);
}

static void move_to(struct screen *s, int row, int col)
{
    s->row = within(row, 0, s->rows - 1);
    s->col = within(col, 0, s->cols - 1);
    s->wraps = false;
}

/* A sequence that begins with ESC [, with its parameters. */
static void control(struct screen *s, char what, int n, const int *p)
{
    int one = n && p[0] ? p[0] : 1, zero = n ? p[0] : 0;
    switch (what) {
    case 'A': move_to(s, s->row - one, s->col); break;
    case 'B': move_to(s, s->row + one, s->col); break;
    case 'C': move_to(s, s->row, s->col + one); break;
    case 'D': move_to(s, s->row, s->col - one); break;
    case 'G': move_to(s, s->row, one - 1); break;
    case 'd': move_to(s, one - 1, s->col); break;
    case 'H':
    case 'f': move_to(s, one - 1, n > 1 && p[1] ? p[1] - 1 : 0); break;
    case 'J': erase_display(s, zero); break;
    case 'K':
        blank(s, s->row, zero ? 0 : s->col, zero == 1 ? s->col + 1 : COLS_MAX);
        break;
    case 'L': scroll(s, s->row, s->bottom, -one); break;
    case 'M': scroll(s, s->row, s->bottom, one); break;
    case 'S': scroll(s, s->top, s->bottom, one); break;
    case 'T': scroll(s, s->top, s->bottom, -one); break;
    case '@': shift_cells(s, one); break;
    case 'P': shift_cells(s, -one); break;
    case 'X': blank(s, s->row, s->col, within(s->col + one, 0, s->cols)); break;
    case 'r':
        s->top = one - 1;
        s->bottom = (n > 1 && p[1] ? p[1] : s->rows) - 1;
        move_to(s, 0, 0);
        break;
    }
}

static void escape(struct screen *s)
{
    const char *p = s->part + 1;
    int numbers[16] = {0}, n = 0;
    if (*p == '7' || *p == '8') {
        if (*p == '7')
            s->saved_row = s->row, s->saved_col = s->col;
        else
            move_to(s, s->saved_row, s->saved_col);
    } else if (*p == 'M') { /* reverse index */
        if (s->row == s->top)
            scroll(s, s->top, s->bottom, -1);
        else
            move_to(s, s->row - 1, s->col);
    } else if (*p == 'D' || *p == 'E') {
        s->col = *p == 'E' ? 0 : s->col;
        next_line(s);
    } else if (*p == '[' && p[1] != '?' && p[1] != '>' && p[1] != '!') {
        for (p++; n < 16 && *p >= '0' && *p <= ';'; p += *p == ';')
            numbers[n++] = (int)strtol(p, (char **)(void *)&p, 10);
        control(s, s->part[s->part_len - 1], n, numbers);
    }
}

/* Is the escape sequence whole? */
static bool is_whole(const struct screen *s)
{
    char kind = s->part[1], last = s->part[s->part_len - 1];
    if (s->part_len < 2)
        return false;
    if (kind == '[')
        return s->part_len > 2 && last >= '@' && last <= '~';
    if (kind == ']') /* a title */
        return last == '\a' || (last == '\\' && s->part[s->part_len - 2] == '\033');
    return !strchr("()*+#% ", kind) || s->part_len > 2;
}

static void put_byte(struct screen *s, char c)
{
    unsigned char u = (unsigned char)c;
    if (s->part_len && s->part_len < sizeof(s->part) - 1) {
        s->part[s->part_len++] = c;
        s->part[s->part_len] = '\0';
        if (s->part[0] == '\033' && is_whole(s)) {
            escape(s);
            s->part_len = 0;
        } else if (s->part[0] != '\033') {
            unsigned char first = (unsigned char)s->part[0];
            size_t len = first < 0xe0 ? 2 : first < 0xf0 ? 3 : 4;
            if (s->part_len == len) {
                put_char(s, s->part, len);
                s->part_len = 0;
            }
        }
    } else if (u == 033 || u >= 0xc0) {
        s->part[0] = c;
        s->part_len = 1;
    } else if (c == '\r') {
        s->col = 0;
        s->wraps = false;
    } else if (c == '\n' || c == '\v' || c == '\f') {
        next_line(s);
    } else if (c == '\b') {
        move_to(s, s->row, s->col - 1);
    } else if (c == '\t') {
        move_to(s, s->row, (s->col / 8 + 1) * 8);
    } else if (u >= 0x20 && u != 0x7f) {
        put_char(s, &c, 1);
    }
}

void screen_put(struct screen *s, const char *bytes, size_t len)
{
    for (size_t i = 0; i < len; i++)
        put_byte(s, bytes[i]);
}

void screen_row(const struct screen *s, int row, char *text)
{
    size_t len = 0, end = 0;
    for (int col = 0; col < s->cols; col++) {
        const char *c = s->cell[row][col];
        memcpy(text + len, c, strlen(c));
        len += strlen(c);
        if (strcmp(c, " ") != 0)
            end = len;
    }
    text[end] = '\0';
}
