package dev.heddle.redis;

import io.lettuce.core.RedisFuture;
import io.lettuce.core.RedisNoScriptException;
import io.lettuce.core.ScriptOutputType;
import io.lettuce.core.cluster.api.async.RedisClusterAsyncCommands;

import org.jspecify.annotations.Nullable;

import java.nio.charset.StandardCharsets;
import java.security.GeneralSecurityException;
import java.security.MessageDigest;
import java.util.HexFormat;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;

/**
 * A script that changes one key as one step.
 *
 * @param sha by which the server knows it once it has seen it
 * @param answers with what
 * @param <T> what that is here
 */
record Script<T extends @Nullable Object>(String text, String sha, ScriptOutputType answers) {
    /** One that answers with a number. */
    static Script<Long> number(String text) {
        return new Script<>(text, sha(text), ScriptOutputType.INTEGER);
    }

    /** One that answers with text, or nothing. */
    static Script<@Nullable String> text(String text) {
        return new Script<>(text, sha(text), ScriptOutputType.VALUE);
    }

    /** One that answers with texts. */
    static Script<List<String>> texts(String text) {
        return new Script<>(text, sha(text), ScriptOutputType.MULTI);
    }

    /** Sends it, in full only to a server that does not know it. */
    CompletionStage<T> send(
            RedisClusterAsyncCommands<String, String> to, String key, String... arguments) {
        return known(to, key, arguments)
                .exceptionallyCompose(
                        failed ->
                                failed instanceof RedisNoScriptException
                                        ? whole(to, key, arguments)
                                        : CompletableFuture.failedStage(failed));
    }

    /** Sends it to a server that knows it. */
    RedisFuture<T> known(
            RedisClusterAsyncCommands<String, String> to, String key, String... arguments) {
        return to.evalsha(sha, answers, new String[] {key}, arguments);
    }

    /** Sends it to a server that may not know it. */
    RedisFuture<T> whole(
            RedisClusterAsyncCommands<String, String> to, String key, String... arguments) {
        return to.eval(text, answers, new String[] {key}, arguments);
    }

    private static String sha(String text) {
        try {
            var digest =
                    MessageDigest.getInstance("SHA-1")
                            .digest(text.getBytes(StandardCharsets.UTF_8));
            return HexFormat.of().formatHex(digest);
        } catch (GeneralSecurityException e) {
            throw new IllegalStateException("cannot name a script", e);
        }
    }
}
