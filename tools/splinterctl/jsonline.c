/* SPDX-License-Identifier: Apache-2.0 */
/*
 * jsonline.c - a JSON object in a line
 *
 * The line ends with a zero byte, which is part of no token.  So no look ahead needs the length.
 * A string without its escapes is never longer than with them, so it is written over itself.
 */
#include "jsonline.h"

#include <string.h>

#include "../cli_text.h"

#define DEPTH_MAX 64 /* arrays and objects in one another */

struct reader {
    char *p;
    const char *wrong; /* at p; NULL: nothing */
    struct ctl_member *members;
    size_t count;
};

static bool fail(struct reader *r, const char *wrong)
{
    if (!r->wrong)
        r->wrong = wrong;
    return false;
}

static void skip_space(struct reader *r)
{
    while (*r->p == ' ' || *r->p == '\t' || *r->p == '\r' || *r->p == '\n')
        r->p++;
}

/* ---- strings ---- */

/* What a byte is in a string: an end of plain text, ASCII, or a part of another character. */
enum { SPECIAL = 0, ASCII = 1, HIGH = 2 };
#define A8 ASCII, ASCII, ASCII, ASCII, ASCII, ASCII, ASCII, ASCII
#define H8 HIGH, HIGH, HIGH, HIGH, HIGH, HIGH, HIGH, HIGH
#define H32 H8, H8, H8, H8
static const unsigned char kinds[256] = {
    [0x20] = ASCII, ASCII, SPECIAL, ASCII, ASCII, ASCII, ASCII, ASCII, A8, A8, A8,
    /* 0x40 */ A8, A8, A8, ASCII, ASCII, ASCII, ASCII, SPECIAL, ASCII, ASCII, ASCII,
    /* 0x60 */ A8, A8, A8, A8, H32, H32, H32, H32};

static int hex_digit(char c)
{
    return c >= '0' && c <= '9'   ? c - '0'
           : c >= 'a' && c <= 'f' ? c - 'a' + 10
           : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                  : -1;
}

/* The four digits of \uXXXX at p; -1: there are none. */
static int32_t hex_four(const char *p)
{
    int32_t code = 0;
    for (int i = 0; i < 4; i++) {
        int digit = hex_digit(p[i]);
        if (digit < 0)
            return -1;
        code = code << 4 | digit;
    }
    return code;
}

/* The character as UTF-8; returns the end of it. */
static char *put_utf8(char *to, uint32_t code)
{
    unsigned char bytes[4];
    size_t n = code < 0x80 ? 1 : code < 0x800 ? 2 : code < 0x10000 ? 3 : 4;
    for (size_t i = n - 1; i; i--, code >>= 6)
        bytes[i] = (unsigned char)(0x80 | (code & 0x3f));
    static const unsigned char lead[] = {0, 0, 0xc0, 0xe0, 0xf0};
    bytes[0] = (unsigned char)(lead[n] | code);
    memcpy(to, bytes, n);
    return to + n;
}

/* r->p is at the 'u'. */
static bool read_unicode(struct reader *r, char **to)
{
    int32_t code = hex_four(r->p + 1);
    if (code < 0)
        return fail(r, "\\u takes four hexadecimal digits");
    if (code >= 0xdc00 && code < 0xe000)
        return fail(r, "a low surrogate without a high one before it");
    if (code >= 0xd800 && code < 0xdc00) {
        int32_t low = r->p[5] == '\\' && r->p[6] == 'u' ? hex_four(r->p + 7) : -1;
        if (low < 0xdc00 || low >= 0xe000)
            return fail(r, "a high surrogate without a low one behind it");
        code = 0x10000 + ((code - 0xd800) << 10) + (low - 0xdc00);
        r->p += 6;
    }
    r->p += 5;
    *to = put_utf8(*to, (uint32_t)code);
    return true;
}

/* r->p is at the backslash. */
static bool read_escape(struct reader *r, char **to)
{
    static const char letters[] = "\"\\/bfnrt", bytes[] = "\"\\/\b\f\n\r\t";
    char letter = *++r->p;
    const char *found = letter ? strchr(letters, letter) : NULL;
    if (letter == 'u')
        return read_unicode(r, to);
    if (!found)
        return fail(r, "a backslash before a character that needs none");
    *(*to)++ = bytes[found - letters];
    r->p++;
    return true;
}

static bool read_string(struct reader *r, char **text, size_t *len)
{
    char *begin = ++r->p, *to = begin;
    unsigned char all = 0;
    for (;;) {
        char *from = r->p;
        unsigned char kind;
        while ((kind = kinds[(unsigned char)*r->p])) {
            all |= kind;
            r->p++;
        }
        if (to != from)
            memmove(to, from, (size_t)(r->p - from));
        to += r->p - from;
        if (*r->p == '"')
            break;
        if (*r->p != '\\')
            return fail(r, *r->p ? "a control character in a string"
                                 : "the string has no closing quote");
        if (!read_escape(r, &to))
            return false;
    }
    r->p++;
    *text = begin;
    *len = (size_t)(to - begin);
    if (all & HIGH && !cli_is_utf8(begin, *len))
        return fail(r, "the string before this is not UTF-8");
    return true;
}

/* ---- other values ---- */

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static bool read_number(struct reader *r, struct ctl_member *m)
{
    uint64_t number = 0;
    m->is = CTL_JSON_INTEGER;
    m->negative = *r->p == '-';
    r->p += m->negative;
    if (!is_digit(*r->p) || (*r->p == '0' && is_digit(r->p[1])))
        return fail(r, "this is no number");
    for (; is_digit(*r->p); r->p++) {
        uint64_t digit = (uint64_t)(*r->p - '0');
        if (number > (UINT64_MAX - digit) / 10)
            m->is = CTL_JSON_OTHER;
        number = number * 10 + digit;
    }
    m->number = number;
    if (*r->p == '.') {
        m->is = CTL_JSON_OTHER;
        if (!is_digit(*++r->p))
            return fail(r, "a digit is missing behind the point");
        while (is_digit(*r->p))
            r->p++;
    }
    if (*r->p == 'e' || *r->p == 'E') {
        m->is = CTL_JSON_OTHER;
        r->p++;
        r->p += *r->p == '+' || *r->p == '-';
        if (!is_digit(*r->p))
            return fail(r, "the exponent has no digit");
        while (is_digit(*r->p))
            r->p++;
    }
    return true;
}

static bool read_word(struct reader *r, struct ctl_member *m)
{
    static const struct {
        const char *word;
        enum ctl_json_is is;
    } words[] = {{"true", CTL_JSON_TRUE}, {"false", CTL_JSON_FALSE}, {"null", CTL_JSON_NULL}};
    for (size_t i = 0; i < sizeof(words) / sizeof(*words); i++) {
        size_t len = strlen(words[i].word);
        if (strncmp(r->p, words[i].word, len) == 0) {
            m->is = words[i].is;
            r->p += len;
            return true;
        }
    }
    return fail(r, "a value is missing");
}

static bool read_list(struct reader *r, char close, int depth, bool outermost);

static bool read_value(struct reader *r, struct ctl_member *m, int depth)
{
    switch (*r->p) {
    case '"':
        m->is = CTL_JSON_STRING;
        return read_string(r, &m->text, &m->len);
    case '{':
    case '[':
        m->is = CTL_JSON_OTHER;
        return read_list(r, *r->p == '{' ? '}' : ']', depth + 1, false);
    case '-':
    case '0': case '1': case '2': case '3': case '4':
    case '5': case '6': case '7': case '8': case '9':
        return read_number(r, m);
    default:
        return read_word(r, m);
    }
}

/* The member of interest with that name, or NULL.  They mostly come in the order of the array, of
 * which *next is the one to look at first. */
static struct ctl_member *find(struct reader *r, const char *name, size_t len, size_t *next)
{
    for (size_t i = 0; i < r->count; i++) {
        size_t n = *next + i < r->count ? *next + i : *next + i - r->count;
        struct ctl_member *m = &r->members[n];
        if (strlen(m->name) == len && memcmp(m->name, name, len) == 0) {
            *next = n + 1 < r->count ? n + 1 : 0;
            return m;
        }
    }
    return NULL;
}

/* The name of a member and what is behind it. */
static bool read_member(struct reader *r, int depth, bool outermost, size_t *next)
{
    struct ctl_member other, *m = NULL;
    char *name;
    size_t len;
    if (*r->p != '"')
        return fail(r, "the name of a member is missing");
    if (!read_string(r, &name, &len))
        return false;
    if (outermost)
        m = find(r, name, len, next);
    if (m && m->is != CTL_JSON_ABSENT)
        return fail(r, "this member is there twice");
    skip_space(r);
    if (*r->p != ':')
        return fail(r, "':' is missing");
    r->p++;
    skip_space(r);
    return read_value(r, m ? m : &other, depth);
}

/* An object or an array, at whose first character r->p is. */
static bool read_list(struct reader *r, char close, int depth, bool outermost)
{
    size_t next = 0;
    if (depth > DEPTH_MAX)
        return fail(r, "too many arrays or objects are in one another");
    r->p++;
    skip_space(r);
    if (*r->p == close) {
        r->p++;
        return true;
    }
    for (;;) {
        struct ctl_member other;
        if (close == '}' ? !read_member(r, depth, outermost, &next) : !read_value(r, &other, depth))
            return false;
        skip_space(r);
        if (*r->p == close)
            break;
        if (*r->p != ',')
            return fail(r, close == '}' ? "',' or '}' is missing" : "',' or ']' is missing");
        r->p++;
        skip_space(r);
    }
    r->p++;
    return true;
}

const char *ctl_json_read(char *line, size_t len, struct ctl_member *members, size_t count,
                          size_t *at)
{
    struct reader r = {line, NULL, members, count};
    for (size_t i = 0; i < count; i++)
        members[i].is = CTL_JSON_ABSENT;
    skip_space(&r);
    if (*r.p != '{')
        fail(&r, "this is no JSON object");
    else if (read_list(&r, '}', 0, true)) {
        skip_space(&r);
        if (r.p != line + len)
            fail(&r, *r.p ? "something is behind the object" : "a zero byte");
    }
    *at = (size_t)(r.p - line) + 1;
    return r.wrong;
}
