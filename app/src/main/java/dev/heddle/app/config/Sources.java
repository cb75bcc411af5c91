package dev.heddle.app.config;

import org.snakeyaml.engine.v2.api.LoadSettings;
import org.snakeyaml.engine.v2.api.lowlevel.Compose;
import org.snakeyaml.engine.v2.exceptions.Mark;
import org.snakeyaml.engine.v2.exceptions.MarkedYamlEngineException;
import org.snakeyaml.engine.v2.exceptions.YamlEngineException;
import org.snakeyaml.engine.v2.nodes.MappingNode;
import org.snakeyaml.engine.v2.nodes.ScalarNode;
import org.snakeyaml.engine.v2.nodes.SequenceNode;
import org.snakeyaml.engine.v2.nodes.Tag;

import tools.jackson.core.JacksonException;
import tools.jackson.core.JsonParser;
import tools.jackson.core.JsonToken;
import tools.jackson.core.ObjectReadContext;
import tools.jackson.core.StreamReadFeature;
import tools.jackson.core.json.JsonFactory;
import tools.jackson.core.json.JsonReadFeature;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Optional;

/** Turns the text of a file into {@link Node}s that know their lines. */
final class Sources {
    private Sources() {}

    static String read(Path file) {
        try {
            var text = Files.readString(file);
            return text.startsWith("\uFEFF") ? text.substring(1) : text;
        } catch (NoSuchFileException e) {
            throw new Problems.Invalid(List.of(file + ": found no such file"));
        } catch (IOException e) {
            throw new Problems.Invalid(List.of(file + ": cannot be read: " + e.getMessage()));
        }
    }

    /** Reads YAML, of which JSON is a part. */
    static Node yaml(String text, Problems problems) {
        try {
            var settings =
                    LoadSettings.builder()
                            .setAllowDuplicateKeys(true)
                            .setMaxAliasesForCollections(50)
                            .build();
            return new Compose(settings)
                    .composeString(text)
                    .map(node -> fromYaml(node, "", problems))
                    .orElse(new Node.Absent(1));
        } catch (MarkedYamlEngineException e) {
            problems.add(line(e.getProblemMark()), "", "no legal YAML: " + e.getProblem());
        } catch (YamlEngineException e) {
            problems.add(1, "", "no legal YAML: " + e.getMessage());
        } catch (StackOverflowError e) {
            problems.add(1, "", "lists or mappings nested without end");
        }
        return new Node.Absent(1);
    }

    private static int line(Optional<Mark> mark) {
        return mark.map(Mark::getLine).orElse(0) + 1;
    }

    private static Node fromYaml(
            org.snakeyaml.engine.v2.nodes.Node node, String path, Problems problems) {
        int line = line(node.getStartMark());
        if (node.isRecursive()) {
            problems.add(line, path, "an alias of itself", "no recursion");
            return new Node.Absent(line);
        }
        return switch (node) {
            case ScalarNode scalar when scalar.getTag().equals(Tag.NULL) -> new Node.Absent(line);
            case ScalarNode scalar -> new Node.Scalar(scalar.getValue(), line);
            case SequenceNode sequence -> {
                var items = new ArrayList<Node>();
                for (var item : sequence.getValue()) {
                    items.add(fromYaml(item, path + "[" + items.size() + "]", problems));
                }
                yield new Node.Items(items, line);
            }
            case MappingNode mapping -> {
                var members = new LinkedHashMap<String, Node.Member>();
                for (var tuple : mapping.getValue()) {
                    int at = line(tuple.getKeyNode().getStartMark());
                    var key =
                            tuple.getKeyNode() instanceof ScalarNode scalar
                                    ? scalar.getValue()
                                    : "?";
                    var inner = path.isEmpty() ? key : path + "." + key;
                    var member =
                            new Node.Member(at, fromYaml(tuple.getValueNode(), inner, problems));
                    if (members.put(key, member) != null) {
                        problems.add(at, inner, "the key a second time", "each key once");
                    }
                }
                yield new Node.Members(members, line);
            }
            default -> new Node.Absent(line);
        };
    }

    /** Reads JSON as people write it: with comments, and with a comma behind the last item. */
    static Node json(String text, Problems problems) {
        var factory =
                JsonFactory.builder()
                        .enable(JsonReadFeature.ALLOW_JAVA_COMMENTS)
                        .enable(JsonReadFeature.ALLOW_TRAILING_COMMA)
                        .enable(StreamReadFeature.STRICT_DUPLICATE_DETECTION)
                        .build();
        try (var parser = factory.createParser(ObjectReadContext.empty(), text)) {
            parser.nextToken();
            var node = fromJson(parser);
            if (parser.nextToken() != null) {
                problems.add(
                        parser.currentTokenLocation().getLineNr(),
                        "",
                        "something behind the end",
                        "nothing");
            }
            return node;
        } catch (JacksonException e) {
            var location = e.getLocation();
            problems.add(
                    location == null ? 1 : location.getLineNr(),
                    "",
                    "no legal JSON: " + e.getOriginalMessage());
        }
        return new Node.Absent(1);
    }

    private static Node fromJson(JsonParser parser) {
        int line = parser.currentTokenLocation().getLineNr();
        return switch (parser.currentToken()) {
            case START_OBJECT -> {
                var members = new LinkedHashMap<String, Node.Member>();
                while (parser.nextToken() != JsonToken.END_OBJECT) {
                    var key = parser.currentName();
                    int at = parser.currentTokenLocation().getLineNr();
                    parser.nextToken();
                    members.put(key, new Node.Member(at, fromJson(parser)));
                }
                yield new Node.Members(members, line);
            }
            case START_ARRAY -> {
                var items = new ArrayList<Node>();
                while (parser.nextToken() != JsonToken.END_ARRAY) {
                    items.add(fromJson(parser));
                }
                yield new Node.Items(items, line);
            }
            case VALUE_NULL -> new Node.Absent(line);
            case null -> new Node.Absent(line);
            default -> new Node.Scalar(parser.getString(), line);
        };
    }
}
