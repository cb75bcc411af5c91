package dev.heddle.transport.net;

import io.netty.buffer.ByteBuf;

import java.util.Arrays;

/** Bytes that come in pieces. Holds no room while it is empty. Confined to one thread. */
public final class GrowingBytes {
    private static final byte[] NOTHING = {};
    private static final int FIRST_ROOM = 256;

    private byte[] bytes = NOTHING;
    private int length;

    /** How many have come. */
    public int length() {
        return length;
    }

    /** Makes room for {@code room} bytes, in place of the growing to come. */
    public void expect(int room) {
        if (length == 0) {
            bytes = new byte[room];
        }
    }

    /** Takes the bytes in {@code [from, to)}. */
    public void append(byte[] piece, int from, int to) {
        makeRoom(to - from);
        System.arraycopy(piece, from, bytes, length, to - from);
        length += to - from;
    }

    /** Takes what can be read of {@code piece}. */
    public void append(ByteBuf piece) {
        int more = piece.readableBytes();
        makeRoom(more);
        piece.readBytes(bytes, length, more);
        length += more;
    }

    private void makeRoom(int more) {
        int needed = Math.addExact(length, more);
        if (needed > bytes.length) {
            int doubled = (int) Math.min(2L * bytes.length, Integer.MAX_VALUE - 8);
            int room = length == 0 ? needed : Math.max(FIRST_ROOM, Math.max(doubled, needed));
            bytes = Arrays.copyOf(bytes, room);
        }
    }

    /** A copy of all of them. */
    public byte[] copy() {
        return Arrays.copyOf(bytes, length);
    }

    /** All of them, which are then forgotten here. */
    public byte[] take() {
        var taken = length == bytes.length ? bytes : Arrays.copyOf(bytes, length);
        bytes = NOTHING;
        length = 0;
        return taken;
    }
}
