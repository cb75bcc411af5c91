package dev.heddle.transport.net;

import io.netty.channel.Channel;
import io.netty.channel.uring.IoUring;
import io.netty.channel.uring.IoUringBufferRingConfig;
import io.netty.channel.uring.IoUringChannelOption;
import io.netty.channel.uring.IoUringFixedBufferRingAllocator;
import io.netty.channel.uring.IoUringIoHandlerConfig;

/**
 * Buffers that the kernel fills as bytes arrive, shared by all connections of an event loop: one
 * that is idle holds none.
 */
final class Rings {
    private static final short GROUP = 1;
    private static final short BUFFERS = 32;
    private static final int CUT_BYTES = 32 * 1024; // where the kernel puts several reads into one
    private static final int WHOLE_BYTES = 8 * 1024; // where each read takes a whole buffer

    private Rings() {}

    static IoUringIoHandlerConfig config() {
        var config = new IoUringIoHandlerConfig();
        if (IoUring.isRegisterBufferRingSupported()) {
            boolean cut = IoUring.isRegisterBufferRingIncSupported();
            config.setBufferRingConfig(
                    IoUringBufferRingConfig.builder()
                            .bufferGroupId(GROUP)
                            .bufferRingSize(BUFFERS)
                            .batchSize(BUFFERS / 2)
                            .incremental(cut)
                            .allocator(
                                    new IoUringFixedBufferRingAllocator(
                                            cut ? CUT_BYTES : WHOLE_BYTES))
                            .build());
        }
        return config;
    }

    /** Has {@code channel} read into them. */
    static void use(Channel channel) {
        if (IoUring.isRegisterBufferRingSupported()) {
            channel.config().setOption(IoUringChannelOption.IO_URING_BUFFER_GROUP_ID, GROUP);
        }
    }
}
