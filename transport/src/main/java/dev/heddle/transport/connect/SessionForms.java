package dev.heddle.transport.connect;

import dev.heddle.protocol.Envelope;
import dev.heddle.protocol.ErrorCode;
import dev.heddle.protocol.Json;
import dev.heddle.protocol.JsonRpc;
import dev.heddle.protocol.MetaKey;
import dev.heddle.protocol.Method;
import dev.heddle.protocol.OutputSchema;
import dev.heddle.protocol.Revision;
import dev.heddle.protocol.Spliced;

import java.util.List;
import java.util.Optional;

/** What a newer server says, in the words of a client with an older session. */
final class SessionForms {
    private SessionForms() {}

    /** A notification without what belongs to the stream on which it came. */
    static Envelope notification(Envelope message) {
        return message.params()
                .filter(params -> params.get("_meta").isPresent())
                .map(params -> JsonRpc.notification(message.method(), withoutHop(params)))
                .orElse(message);
    }

    /** {@code object} without those members of its {@code _meta} that belong to one hop. */
    private static Json withoutHop(Json object) {
        var meta = object.get("_meta").filter(Json::isObject);
        if (meta.isEmpty()) {
            return object;
        }
        var left = meta.get();
        for (var key : left.members().keySet()) {
            left = MetaKey.isOfHop(key) ? left.without(key) : left;
        }
        if (left.members().isEmpty()) {
            return object.without("_meta");
        }
        return left.equals(meta.get()) ? object : object.with("_meta", left);
    }

    /**
     * A result.
     *
     * @param of the request
     * @param tool the tool that was called, as its server lists it, if one was and that is known
     * @param newEra whether the server has no sessions
     */
    static Json result(
            Json result, Spliced of, Optional<Json> tool, Revision client, boolean newEra) {
        if (!result.isObject()) {
            return result;
        }
        var plain = withoutHop(result).without("resultType");
        return switch (of.envelope().method()) {
            case Method.TOOLS_CALL, Method.TASKS_RESULT ->
                    newEra ? closed(contents(plain, client), tool) : contents(plain, client);
            case Method.PROMPTS_GET -> messages(plain, client);
            case Method.RESOURCES_READ -> plain.without("ttlMs").without("cacheScope");
            default -> plain;
        };
    }

    private static Json closed(Json result, Optional<Json> tool) {
        var value = result.get("structuredContent");
        if (value.isEmpty()
                || (value.get().isObject() && tool.filter(OutputSchema::isOpen).isEmpty())) {
            return result;
        }
        var closed = result.with("structuredContent", OutputSchema.closedResult(value.get()));
        var content = closed.get("content").map(Json::elements).orElse(List.of());
        return content.isEmpty()
                ? closed.with("content", Json.array(List.of(text(value.get().toString()))))
                : closed;
    }

    private static Json contents(Json holder, Revision client) {
        return holder.get("content")
                .filter(Json::isArray)
                .filter(content -> hasUnknown(content, client))
                .map(
                        content ->
                                holder.with(
                                        "content",
                                        Json.array(
                                                content.elements().stream()
                                                        .map(block -> block(block, client))
                                                        .toList())))
                .orElse(holder);
    }

    private static Json messages(Json result, Revision client) {
        return result.get("messages")
                .filter(Json::isArray)
                .filter(messages -> hasUnknown(messages, client))
                .map(
                        messages ->
                                result.with(
                                        "messages",
                                        Json.array(
                                                messages.elements().stream()
                                                        .map(one -> message(one, client))
                                                        .toList())))
                .orElse(result);
    }

    private static Json message(Json message, Revision client) {
        return message.get("content")
                .filter(Json::isObject)
                .map(content -> message.with("content", block(content, client)))
                .orElse(message);
    }

    private static boolean hasUnknown(Json where, Revision client) {
        return !client.isAtLeast(Revision.V2025_06_18)
                && (where.contains("audio") || where.contains("resource_link"));
    }

    /** A block of a type that the client does not know becomes the next best that it does. */
    private static Json block(Json block, Revision client) {
        return switch (block.text("type").orElse("")) {
            case "audio" -> client.isAtLeast(Revision.V2025_03_26) ? block : audio(block);
            case "resource_link" -> client.isAtLeast(Revision.V2025_06_18) ? block : link(block);
            default -> block;
        };
    }

    private static Json audio(Json block) {
        return Json.object(
                embedded ->
                        embedded.put("type", "resource")
                                .put(
                                        "resource",
                                        Json.object(
                                                resource ->
                                                        resource.put("uri", "attachment:audio")
                                                                .put(
                                                                        "mimeType",
                                                                        block.get("mimeType"))
                                                                .put("blob", block.get("data")))));
    }

    private static Json link(Json block) {
        var title = block.text("title").or(() -> block.text("name")).orElse("");
        var uri = block.text("uri").orElse("");
        var more = block.text("description").map(said -> "\n" + said).orElse("");
        return text((title + " " + uri).strip() + more);
    }

    private static Json text(String said) {
        return Json.object(block -> block.put("type", "text").put("text", said));
    }

    /** An error, which becomes a result where the client has no words for it. */
    static Envelope error(Envelope response, Spliced of) {
        var error = response.error().orElse(Json.EMPTY_OBJECT);
        var method = of.envelope().method();
        if (response.errorCode() == ErrorCode.MISSING_CAPABILITY) {
            return lacking(response, error, method);
        }
        boolean missing =
                method.equals(Method.RESOURCES_READ)
                        && response.errorCode() == ErrorCode.INVALID_PARAMS
                        && error.get("data").flatMap(data -> data.get("uri")).isPresent();
        return missing
                ? JsonRpc.error(
                        response.id(), error.with("code", Json.of(ErrorCode.RESOURCE_NOT_FOUND)))
                : response;
    }

    private static Envelope lacking(Envelope response, Json error, String method) {
        var needed =
                error.get("data")
                        .flatMap(data -> data.get("requiredCapabilities"))
                        .map(Json::toString)
                        .orElse("more");
        var said =
                error.text("message").orElse("the client cannot do what is needed")
                        + " (the client would have to declare "
                        + needed
                        + ")";
        return method.equals(Method.TOOLS_CALL)
                ? JsonRpc.result(
                        response.id(),
                        Json.object(
                                result ->
                                        result.put("content", Json.array(List.of(text(said))))
                                                .put("isError", true)))
                : JsonRpc.error(response.id(), ErrorCode.INTERNAL_ERROR, said);
    }

    /**
     * What a server asks, in the client's words: before 2025-11-25 there are forms only, and no
     * word for that; a URL has a name of its own there.
     */
    static Spliced question(Spliced question, Revision client) {
        var envelope = question.envelope();
        var params = envelope.params().orElse(Json.EMPTY_OBJECT);
        var mode = params.text("mode").orElse("");
        boolean old = !client.isAtLeast(Revision.V2025_11_25);
        if (!envelope.method().equals(Method.ELICITATION)) {
            return question;
        } else if (mode.equals("form") && old) {
            return with(envelope, params.without("mode"));
        } else if (mode.equals("url") && params.get("elicitationId").isEmpty()) {
            return with(envelope, params.with("elicitationId", Json.of("e" + envelope.id())));
        }
        return question;
    }

    private static Spliced with(Envelope request, Json params) {
        return Spliced.of(JsonRpc.request(request.id(), request.method(), params));
    }
}
