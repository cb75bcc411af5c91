package dev.heddle.protocol;

import org.jspecify.annotations.Nullable;

import java.util.List;

/** The methods of MCP that the gateway knows by name. */
public final class Method {
    public static final String INITIALIZE = "initialize";
    public static final String PING = "ping";
    public static final String TOOLS_LIST = "tools/list";
    public static final String TOOLS_CALL = "tools/call";
    public static final String RESOURCES_LIST = "resources/list";
    public static final String TEMPLATES_LIST = "resources/templates/list";
    public static final String RESOURCES_READ = "resources/read";
    public static final String RESOURCES_SUBSCRIBE = "resources/subscribe";
    public static final String RESOURCES_UNSUBSCRIBE = "resources/unsubscribe";
    public static final String PROMPTS_LIST = "prompts/list";
    public static final String PROMPTS_GET = "prompts/get";
    public static final String COMPLETE = "completion/complete";
    public static final String SET_LEVEL = "logging/setLevel";
    public static final String DISCOVER = "server/discover";
    public static final String LISTEN = "subscriptions/listen";
    public static final String SAMPLING = "sampling/createMessage";
    public static final String ELICITATION = "elicitation/create";
    public static final String ROOTS_LIST = "roots/list";

    public static final String TASKS_GET = "tasks/get";
    public static final String TASKS_RESULT = "tasks/result";
    public static final String TASKS_CANCEL = "tasks/cancel";
    public static final String TASKS_UPDATE = "tasks/update";
    public static final String TASKS_LIST = "tasks/list";

    public static final String INITIALIZED = "notifications/initialized";
    public static final String CANCELLED = "notifications/cancelled";
    public static final String PROGRESS = "notifications/progress";
    public static final String LOG_MESSAGE = "notifications/message";
    public static final String TOOLS_CHANGED = "notifications/tools/list_changed";
    public static final String RESOURCES_CHANGED = "notifications/resources/list_changed";
    public static final String PROMPTS_CHANGED = "notifications/prompts/list_changed";
    public static final String RESOURCE_UPDATED = "notifications/resources/updated";
    public static final String ROOTS_CHANGED = "notifications/roots/list_changed";
    public static final String ACKNOWLEDGED = "notifications/subscriptions/acknowledged";
    public static final String ELICITATION_COMPLETE = "notifications/elicitation/complete";
    public static final String TASK_STATUS = "notifications/tasks/status";
    public static final String TASK_CHANGED = "notifications/tasks";

    private static final List<String> KNOWN =
            List.of(
                    INITIALIZE,
                    PING,
                    TOOLS_LIST,
                    TOOLS_CALL,
                    RESOURCES_LIST,
                    TEMPLATES_LIST,
                    RESOURCES_READ,
                    RESOURCES_SUBSCRIBE,
                    RESOURCES_UNSUBSCRIBE,
                    PROMPTS_LIST,
                    PROMPTS_GET,
                    COMPLETE,
                    SET_LEVEL,
                    DISCOVER,
                    LISTEN,
                    SAMPLING,
                    ELICITATION,
                    ROOTS_LIST,
                    TASKS_GET,
                    TASKS_RESULT,
                    TASKS_CANCEL,
                    TASKS_UPDATE,
                    TASKS_LIST,
                    INITIALIZED,
                    CANCELLED,
                    PROGRESS,
                    LOG_MESSAGE,
                    TOOLS_CHANGED,
                    RESOURCES_CHANGED,
                    PROMPTS_CHANGED,
                    RESOURCE_UPDATED,
                    ROOTS_CHANGED,
                    ACKNOWLEDGED,
                    ELICITATION_COMPLETE,
                    TASK_STATUS,
                    TASK_CHANGED);

    private static final Words WORDS = new Words(KNOWN);

    private Method() {}

    /** The name in {@code [start, end)} if it is one of these. */
    static @Nullable String known(byte[] bytes, int start, int end) {
        int number = WORDS.find(bytes, start, end);
        return number < 0 ? null : KNOWN.get(number);
    }
}
