import com.google.googlejavaformat.java.Main;

import java.io.IOException;
import java.io.PrintWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/** Formats every Java source below a folder, or fails and names those that are not formatted. */
final class Format {

    private Format() {}

    public static void main(String[] args) throws Exception {
        boolean write = args[0].equals("write");
        var command = new ArrayList<>(List.of("--aosp"));
        command.addAll(
                write ? List.of("--replace") : List.of("--dry-run", "--set-exit-if-changed"));
        command.addAll(sources(Path.of(args[1])));
        int code = format(command);
        if (write && code == 0) {
            code = format(command); // a long line may settle only in the second pass
        }
        if (code != 0) {
            System.err.println("The files above are not formatted. Run: mvn validate -N -Dformat");
        }
        System.exit(code);
    }

    private static int format(List<String> command) throws Exception {
        return new Main(
                        new PrintWriter(System.out, true),
                        new PrintWriter(System.err, true),
                        System.in)
                .format(command.toArray(String[]::new));
    }

    private static List<String> sources(Path root) throws IOException {
        try (var files = Files.walk(root)) {
            return files.filter(file -> file.toString().endsWith(".java"))
                    .filter(
                            file ->
                                    !root.relativize(file)
                                            .toString()
                                            .matches("(.*/)?(target|node_modules)/.*"))
                    .map(Path::toString)
                    .toList();
        }
    }
}
