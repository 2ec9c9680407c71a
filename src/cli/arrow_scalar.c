#include "cli/arrow_scalar.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "cli/arrow_json.h"

int64_t arrow_scalar_integer(const void *values, char format, int64_t at)
{
    switch (format) {
    case 'c':
        return ((const int8_t *)values)[at];
    case 'C':
        return ((const uint8_t *)values)[at];
    case 's':
        return ((const int16_t *)values)[at];
    case 'S':
        return ((const uint16_t *)values)[at];
    case 'i':
        return ((const int32_t *)values)[at];
    case 'I':
        return ((const uint32_t *)values)[at];
    default:
        return ((const int64_t *)values)[at];
    }
}

/* ---- Floats ---- */

/* With as few digits, from `least`, as read back the same, as a float where `is_float`. */
static void put_real(struct buf *out, double value, int least, bool is_float)
{
    char text[40];
    if (!isfinite(value))
        return buf_puts(out, isnan(value) ? "\"NaN\"" : value > 0 ? "\"Infinity\"" : "\"-Infinity\"");
    for (int digits = least; digits <= 17; digits++) {
        snprintf(text, sizeof text, "%.*g", digits, value);
        if (is_float ? strtof(text, NULL) == (float)value : strtod(text, NULL) == value)
            break;
    }
    buf_puts(out, text);
    if (!strpbrk(text, ".e"))
        buf_puts(out, ".0");
}

void arrow_json_double(struct buf *out, double value)
{
    put_real(out, value, 15, false);
}

static double half(uint16_t bits)
{
    int exponent = bits >> 10 & 31, fraction = bits & 1023;
    double value = exponent == 31  ? (fraction ? NAN : INFINITY)
                   : exponent == 0 ? ldexp(fraction, -24)
                                   : ldexp(fraction + 1024, exponent - 25);
    return bits >> 15 ? -value : value;
}

/* ---- Decimals ---- */

enum { LIMBS = 8 /* of 32 bits */, DIGITS_MOST = 80 };

/* The digits of the two's complement number, the last one first; returns how many. */
static int decimal_digits(const void *data, int64_t bits, char digits[DIGITS_MOST], bool *is_negative)
{
    uint32_t limbs[LIMBS];
    int count = (int)bits / 32, len = 0;
    memcpy(limbs, data, (size_t)bits / 8);
    *is_negative = limbs[count - 1] >> 31;
    uint64_t carry = 1;
    for (int i = 0; *is_negative && i < count; i++) {
        carry += (uint32_t)~limbs[i];
        limbs[i] = (uint32_t)carry;
        carry >>= 32;
    }
    for (bool is_zero = false; !is_zero && len < DIGITS_MOST;) {
        uint64_t rest = 0;
        is_zero = true;
        for (int i = count - 1; i >= 0; i--) {
            rest = rest << 32 | limbs[i];
            limbs[i] = (uint32_t)(rest / 10);
            rest %= 10;
            is_zero = is_zero && !limbs[i];
        }
        digits[len++] = (char)('0' + rest);
    }
    return len;
}

static void put_decimal(struct buf *out, const char *format, int64_t bits, const void *data)
{
    char digits[DIGITS_MOST];
    bool is_negative;
    int len = decimal_digits(data, bits, digits, &is_negative);
    long scale = strtol(strchr(format, ',') + 1, NULL, 10);
    buf_puts(out, is_negative ? "\"-" : "\"");
    if (scale <= 0 || scale > DIGITS_MOST) {
        while (len > 0)
            buf_putc(out, digits[--len]);
        if (scale)
            buf_printf(out, "e%ld", -scale);
    } else {
        for (long place = len > scale ? len - 1 : scale; place >= 0; place--) {
            buf_putc(out, place < len ? digits[place] : '0');
            if (place == scale)
                buf_putc(out, '.');
        }
    }
    buf_putc(out, '"');
}

/* ---- Time ---- */

/* `.5` of so many parts a second, nothing for 0. */
static void put_fraction(struct buf *out, int64_t part, int64_t a_second)
{
    if (part == 0)
        return;
    buf_putc(out, '.');
    while (part && a_second > 1) {
        a_second /= 10;
        buf_putc(out, (char)('0' + part / a_second));
        part %= a_second;
    }
}

/* Quotient and rest, which is never negative. */
static int64_t floor_divide(int64_t value, int64_t by, int64_t *rest)
{
    int64_t quotient = value / by;
    *rest = value % by;
    if (*rest < 0) {
        *rest += by;
        quotient--;
    }
    return quotient;
}

/* The calendar's date, without quotes; years as far as they go. */
static void put_date(struct buf *out, int64_t seconds)
{
    struct tm tm;
    time_t time = (time_t)seconds;
    if (gmtime_r(&time, &tm))
        buf_printf(out, "%04d-%02d-%02d", tm.tm_year + 1900, tm.tm_mon + 1, tm.tm_mday);
    else
        buf_printf(out, "%" PRId64 " s", seconds);
}

static void put_clock(struct buf *out, int64_t part, int64_t a_second)
{
    uint64_t size = part < 0 ? -(uint64_t)part : (uint64_t)part, seconds = size / (uint64_t)a_second;
    buf_printf(out, "%s%02" PRIu64 ":%02" PRIu64 ":%02" PRIu64, part < 0 ? "-" : "", seconds / 3600, seconds / 60 % 60,
               seconds % 60);
    put_fraction(out, (int64_t)(size % (uint64_t)a_second), a_second);
}

static void put_timestamp(struct buf *out, int64_t value, int64_t a_second, bool is_utc)
{
    int64_t part, in_day, seconds = floor_divide(value, a_second, &part);
    floor_divide(seconds, 86400, &in_day);
    buf_putc(out, '"');
    put_date(out, seconds);
    buf_putc(out, 'T');
    put_clock(out, in_day, 1);
    put_fraction(out, part, a_second);
    buf_puts(out, is_utc ? "Z\"" : "\"");
}

void arrow_json_time(struct buf *out, int64_t ns)
{
    put_timestamp(out, ns, 1000000000, true);
}

/* Without quotes and "P". */
static void put_duration(struct buf *out, int64_t value, int64_t a_second)
{
    uint64_t size = value < 0 ? -(uint64_t)value : (uint64_t)value;
    buf_printf(out, "T%s%" PRIu64, value < 0 ? "-" : "", size / (uint64_t)a_second);
    put_fraction(out, (int64_t)(size % (uint64_t)a_second), a_second);
    buf_putc(out, 'S');
}

static void put_interval(struct buf *out, char unit, const void *data)
{
    struct {
        int32_t months, days;
        int64_t ns;
    } all = {0};
    int32_t days_ms[2];
    switch (unit) {
    case 'M':
        memcpy(&all.months, data, sizeof all.months);
        buf_printf(out, "\"P%" PRId32 "M\"", all.months);
        break;
    case 'D':
        memcpy(days_ms, data, sizeof days_ms);
        buf_printf(out, "\"P%" PRId32 "D", days_ms[0]);
        put_duration(out, days_ms[1], 1000);
        buf_putc(out, '"');
        break;
    default:
        memcpy(&all, data, sizeof all);
        buf_printf(out, "\"P%" PRId32 "M%" PRId32 "D", all.months, all.days);
        put_duration(out, all.ns, 1000000000);
        buf_putc(out, '"');
    }
}

static int64_t units_a_second(char unit)
{
    return unit == 's' ? 1 : unit == 'm' ? 1000 : unit == 'u' ? 1000000 : 1000000000;
}

static void put_time(struct buf *out, const char *format, int64_t bits, const void *data)
{
    int32_t narrow = 0;
    int64_t rest, value = 0, unit = units_a_second(format[2]);
    if (format[1] == 'i')
        return put_interval(out, format[2], data);
    if (bits == 32)
        memcpy(&narrow, data, sizeof narrow), value = narrow;
    else
        memcpy(&value, data, sizeof value);
    switch (format[1]) {
    case 'd':
        buf_putc(out, '"');
        put_date(out, format[2] == 'D' ? value * 86400 : floor_divide(value, 1000, &rest));
        buf_putc(out, '"');
        break;
    case 't':
        buf_putc(out, '"');
        put_clock(out, value, unit);
        buf_putc(out, '"');
        break;
    case 'D':
        buf_puts(out, "\"P");
        put_duration(out, value, unit);
        buf_putc(out, '"');
        break;
    default: /* "tsu:" and the time zone, in which case the value is UTC */
        put_timestamp(out, value, unit, format[4] != '\0');
    }
}

void arrow_scalar_put(struct buf *out, const char *format, int64_t bits, const void *values, int64_t at)
{
    const char *data = (const char *)values + at * (bits / 8);
    float single;
    double real;
    uint16_t small;
    switch (format[0]) {
    case 'b':
        buf_puts(out, ((const uint8_t *)values)[at / 8] >> at % 8 & 1 ? "true" : "false");
        break;
    case 'e':
        memcpy(&small, data, sizeof small);
        put_real(out, half(small), 4, true);
        break;
    case 'f':
        memcpy(&single, data, sizeof single);
        put_real(out, (double)single, 6, true);
        break;
    case 'g':
        memcpy(&real, data, sizeof real);
        arrow_json_double(out, real);
        break;
    case 'd':
        put_decimal(out, format, bits, data);
        break;
    case 't':
        put_time(out, format, bits, data);
        break;
    case 'L':
        buf_printf(out, "%" PRIu64, (uint64_t)arrow_scalar_integer(values, 'L', at));
        break;
    default:
        buf_printf(out, "%" PRId64, arrow_scalar_integer(values, format[0], at));
    }
}
