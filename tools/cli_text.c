/* SPDX-License-Identifier: Apache-2.0 */
/* cli_text.c - bytes of others, as a person may see them */
#include "cli_text.h"

#include <stdint.h>
#include <stdio.h>
#include <string.h>

/* The length of the UTF-8 character at p, 0 if there is none; no overlong forms, no surrogates. */
static size_t utf8_length(const unsigned char *p, size_t left)
{
    size_t len = p[0] < 0x80 ? 1 : p[0] < 0xe0 ? 2 : p[0] < 0xf0 ? 3 : 4;
    if (len > left || (p[0] >= 0x80 && p[0] < 0xc2) || p[0] > 0xf4)
        return 0;
    for (size_t i = 1; i < len; i++)
        if ((p[i] & 0xc0) != 0x80)
            return 0;
    if ((p[0] == 0xe0 && p[1] < 0xa0) || (p[0] == 0xed && p[1] > 0x9f) ||
        (p[0] == 0xf0 && p[1] < 0x90) || (p[0] == 0xf4 && p[1] > 0x8f))
        return 0;
    return len;
}

bool cli_is_utf8(const void *bytes, size_t len)
{
    const unsigned char *p = bytes;
    for (size_t i = 0, n; i < len; i += n)
        if (!(n = utf8_length(p + i, len - i)))
            return false;
    return true;
}

/* C0, DEL and C1 */
static bool is_control(const unsigned char *p)
{
    return p[0] < 0x20 || p[0] == 0x7f || (p[0] == 0xc2 && p[1] < 0xa0);
}

size_t cli_show(char *shown, const void *bytes, size_t len)
{
    const unsigned char *p = bytes, *end = p + len;
    char *to = shown;
    while (p < end) {
        size_t n = utf8_length(p, (size_t)(end - p));
        if (n && !is_control(p)) {
            memcpy(to, p, n);
            to += n;
            p += n;
        } else {
            char code[5];
            snprintf(code, sizeof(code), "\\x%02x", *p++);
            memcpy(to, code, 4);
            to += 4;
        }
    }
    return (size_t)(to - shown);
}

size_t cli_base64(char *text, const void *bytes, size_t len)
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    const unsigned char *p = bytes;
    char *to = text;
    for (size_t i = 0; i < len; i += 3, to += 4) {
        size_t n = len - i < 3 ? len - i : 3;
        uint32_t bits = (uint32_t)p[i] << 16 | (n > 1 ? (uint32_t)p[i + 1] << 8 : 0) |
                        (n > 2 ? (uint32_t)p[i + 2] : 0);
        for (size_t d = 0; d < 4; d++)
            to[d] = d <= n ? digits[bits >> (18 - 6 * d) & 63] : '=';
    }
    return (size_t)(to - text);
}

/* 64 and more: no digit. */
static uint32_t base64_digit(char c)
{
    return c >= 'A' && c <= 'Z'   ? (uint32_t)(c - 'A')
           : c >= 'a' && c <= 'z' ? (uint32_t)(c - 'a') + 26
           : c >= '0' && c <= '9' ? (uint32_t)(c - '0') + 52
           : c == '+'             ? 62
           : c == '/'             ? 63
                                  : 64;
}

bool cli_from_base64(void *bytes, size_t *size, const char *text, size_t len)
{
    unsigned char *to = bytes;
    size_t pad = 0;
    if (len % 4)
        return false;
    while (pad < 2 && pad < len && text[len - 1 - pad] == '=')
        pad++;
    for (size_t i = 0; i < len; i += 4) {
        size_t digits = i + 4 < len ? 4 : 4 - pad;
        uint32_t bits = 0;
        for (size_t d = 0; d < 4; d++) {
            uint32_t digit = d < digits ? base64_digit(text[i + d]) : 0;
            if (digit > 63)
                return false;
            bits = bits << 6 | digit;
        }
        /* What belongs to no byte is zero, so that bytes have one spelling. */
        if (bits & ((1u << 8 * (4 - digits)) - 1))
            return false;
        for (size_t b = 0; b + 1 < digits; b++)
            *to++ = (unsigned char)(bits >> (16 - 8 * b));
    }
    *size = len / 4 * 3 - pad;
    return true;
}
