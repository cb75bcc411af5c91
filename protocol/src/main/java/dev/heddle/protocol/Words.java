package dev.heddle.protocol;

import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.List;
import java.util.stream.IntStream;

/** A few ASCII words that are found by their bytes. Immutable. */
final class Words {
    private static final int[] NONE = {};

    private final byte[][] words;
    private final int[][] byLength; // the numbers of the words that are so long

    Words(List<String> words) {
        this.words =
                words.stream()
                        .map(word -> word.getBytes(StandardCharsets.US_ASCII))
                        .toArray(byte[][]::new);
        int longest = words.stream().mapToInt(String::length).max().orElse(0);
        this.byLength = new int[longest + 1][];
        Arrays.setAll(byLength, this::longAs);
    }

    private int[] longAs(int length) {
        return IntStream.range(0, words.length)
                .filter(number -> words[number].length == length)
                .toArray();
    }

    private int[] candidates(int length) {
        return length < byLength.length ? byLength[length] : NONE;
    }

    /** The number of the word in {@code [start, end)}, or -1. */
    int find(byte[] bytes, int start, int end) {
        for (int number : candidates(end - start)) {
            if (isAt(words[number], bytes, start)) {
                return number;
            }
        }
        return -1;
    }

    private static boolean isAt(byte[] word, byte[] bytes, int start) {
        for (int i = 0; i < word.length; i++) {
            if (bytes[start + i] != word[i]) {
                return false;
            }
        }
        return true;
    }

    /** The number of the word in {@code [start, end)} whatever the case of its letters, or -1. */
    int findVariant(byte[] bytes, int start, int end) {
        for (int number : candidates(end - start)) {
            if (isVariant(words[number], bytes, start)) {
                return number;
            }
        }
        return -1;
    }

    private static boolean isVariant(byte[] word, byte[] bytes, int start) {
        for (int i = 0; i < word.length; i++) {
            if (Character.toLowerCase(bytes[start + i]) != Character.toLowerCase(word[i])) {
                return false;
            }
        }
        return true;
    }
}
