package dev.heddle.app.config;

/** Makes {@code docs/configuration.md} of the table of keys. */
final class ConfigurationDocument {
    private static final String HEAD =
            """
            # Configuration

            This page is made from the code (`Keys`); a test fails if it differs. `heddle init` writes a commented file to
            begin with, `heddle validate --config FILE` names everything that is wrong with one.

            The file is YAML. Unknown keys are refused. Times are written as `30s`, `5m`, `1h30m` or `500ms`. In any value,
            `${NAME}` or `${env:NAME}` is an environment variable (`${NAME:-default}` with a default), `${file:path}` the
            content of a file, and `$$` a dollar sign. The file is read again when it changes and on SIGHUP: backends and `aggregation` change
            at once, and backends that stay the same keep their sessions; the rest needs a restart and says so. A file that
            cannot be used changes nothing.

            ## Naming

            `auto` leaves names bare; where two backends have the same name, both get `backend_` before it. `prefix` puts
            `prefixFormat` before every name. `priority` gives a contested name to the backend that is listed first, and
            prefixes where none of them is listed. `manual` goes by `overrides`; where they leave a clash, the backend that
            is configured first keeps the name. Names have at most 64 characters of MCP's set (or of the narrower one of
            `names: model`): others are changed, and a stable suffix is put where a name is too long or taken. What was
            renamed or left out, and why, stands in `/status` and in `heddle tools`. Of two equal resource URIs the backend
            that is configured first is asked.

            ## Files of ToolHive's vMCP

            They load unchanged as far as their features exist here; keys of other features are refused with a sentence that
            says so. Deliberate differences: no total time limit on calls unless set, and progress extends the one that is
            set; `partialFailureMode` is `best_effort` by default; `groupRef` is shown in `/status` only; a filter matches
            new names first, then original ones; names outside the safe character set are changed and reported; most keys
            that are required there have defaults here. [Decision 2](decisions/0002-deliberate-differences.md) has the rest.

            ## Several nodes

            With `sessionStorage.provider: redis`, any node goes on with any session, whichever node began it and whether or
            not that is still there: give all nodes the same backends, address, prefix and keys, and let the balancer in
            front send each request where it likes. What only one of them can carry out, such as a call to a program that runs for
            one session, the others hand to it: they reach each other at `nodeHost`, in the clear, so that belongs in a network
            of your own, and their clocks may differ by a minute at most. [Reliability](reliability.md) says what survives and what
            does not, [Deployment](deployment.md) what balancers, Kubernetes and the store have to be told, and how keys are
            replaced.

            ## Keys

            | key | type | default | meaning |
            |---|---|---|---|
            """;

    private ConfigurationDocument() {}

    static String text() {
        var text = new StringBuilder(HEAD);
        Keys.FILE
                .all()
                .forEach(
                        key ->
                                text.append("| `")
                                        .append(key.path())
                                        .append("` | ")
                                        .append(key.type())
                                        .append(" | ")
                                        .append(key.standard())
                                        .append(" | ")
                                        .append(key.meaning())
                                        .append(" |\n"));
        return text.toString();
    }
}
