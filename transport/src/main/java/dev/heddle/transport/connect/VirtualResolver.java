package dev.heddle.transport.connect;

import io.netty.resolver.AddressResolver;
import io.netty.resolver.AddressResolverGroup;
import io.netty.resolver.InetNameResolver;
import io.netty.util.concurrent.EventExecutor;
import io.netty.util.concurrent.Promise;

import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.UnknownHostException;
import java.util.List;

/**
 * Looks host names up on virtual threads: the platform's own look-up blocks, and event loops must
 * not.
 */
final class VirtualResolver extends AddressResolverGroup<InetSocketAddress> {

    @Override
    protected AddressResolver<InetSocketAddress> newResolver(EventExecutor loop) {
        return new Names(loop).asAddressResolver();
    }

    private static final class Names extends InetNameResolver {
        Names(EventExecutor loop) {
            super(loop);
        }

        @Override
        protected void doResolve(String host, Promise<InetAddress> promise) {
            Thread.ofVirtual()
                    .name("heddle-names")
                    .start(
                            () -> {
                                try {
                                    promise.setSuccess(InetAddress.getByName(host));
                                } catch (UnknownHostException e) {
                                    promise.setFailure(e);
                                }
                            });
        }

        @Override
        protected void doResolveAll(String host, Promise<List<InetAddress>> promise) {
            Thread.ofVirtual()
                    .name("heddle-names")
                    .start(
                            () -> {
                                try {
                                    promise.setSuccess(List.of(InetAddress.getAllByName(host)));
                                } catch (UnknownHostException e) {
                                    promise.setFailure(e);
                                }
                            });
        }
    }
}
