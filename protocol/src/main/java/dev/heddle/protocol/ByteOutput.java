package dev.heddle.protocol;

/** A place to which ranges of bytes are written, one behind the other. */
@FunctionalInterface
public interface ByteOutput {
    /** Takes a copy of the range. */
    void write(byte[] bytes, int offset, int length);
}
