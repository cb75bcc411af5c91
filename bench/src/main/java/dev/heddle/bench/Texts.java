package dev.heddle.bench;

import io.netty.buffer.ByteBuf;

import java.nio.charset.StandardCharsets;

/** Looks for bytes in bytes, without making objects. */
final class Texts {
    private Texts() {}

    static byte[] ascii(String text) {
        return text.getBytes(StandardCharsets.ISO_8859_1);
    }

    /** Where {@code what} begins in {@code in} between {@code from} and {@code to}, or -1. */
    static int find(ByteBuf in, int from, int to, byte[] what) {
        int end = to - what.length + 1;
        int at = from;
        while (at < end) {
            int found = in.indexOf(at, end, what[0]);
            if (found < 0) {
                return -1;
            }
            if (matches(in, found, what)) {
                return found;
            }
            at = found + 1;
        }
        return -1;
    }

    private static boolean matches(ByteBuf in, int at, byte[] what) {
        for (int i = 1; i < what.length; i++) {
            if (in.getByte(at + i) != what[i]) {
                return false;
            }
        }
        return true;
    }

    /** How often {@code what} is in {@code in} between {@code from} and {@code to}. */
    static int count(ByteBuf in, int from, int to, byte[] what) {
        int times = 0;
        for (int at = find(in, from, to, what); at >= 0; at = find(in, at + 1, to, what)) {
            times++;
        }
        return times;
    }

    /** The decimal number at {@code at}, or behind the spaces there. */
    static long number(ByteBuf in, int at, int to) {
        int begin = at;
        while (begin < to && in.getByte(begin) == ' ') {
            begin++;
        }
        long number = 0;
        for (int i = begin; i < to; i++) {
            int digit = in.getByte(i) - '0';
            if (digit < 0 || digit > 9) {
                break;
            }
            number = number * 10 + digit;
        }
        return number;
    }

    /** Writes the ten digits of {@code number} over those at {@code at}. */
    static void put(byte[] text, int at, long number) {
        long rest = number;
        for (int i = at + 9; i >= at; i--) {
            text[i] = (byte) ('0' + rest % 10);
            rest /= 10;
        }
    }
}
