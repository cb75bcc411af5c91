package dev.heddle.redis.testkit;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.GeneralSecurityException;
import java.security.KeyStore;
import java.util.Base64;

/**
 * A certificate for 127.0.0.1 that vouches for itself, as files.
 *
 * @param key its private key, without a password
 */
public record Certificate(Path certificate, Path key) {
    private static final String PASSWORD = "changeit";

    /** A new one in {@code folder}. */
    public static Certificate in(Path folder) {
        try {
            var store = folder.resolve("store.p12");
            var tool =
                    new ProcessBuilder(
                                    Path.of(System.getProperty("java.home"), "bin", "keytool")
                                            .toString(),
                                    "-genkeypair",
                                    "-keyalg",
                                    "EC",
                                    "-alias",
                                    "it",
                                    "-dname",
                                    "CN=heddle test",
                                    "-ext",
                                    "san=ip:127.0.0.1,dns:localhost",
                                    "-storetype",
                                    "PKCS12",
                                    "-keystore",
                                    store.toString(),
                                    "-storepass",
                                    PASSWORD)
                            .inheritIO()
                            .start();
            if (tool.waitFor() != 0) {
                throw new IOException("keytool failed");
            }
            var keys = KeyStore.getInstance(store.toFile(), PASSWORD.toCharArray());
            return new Certificate(
                    pem(folder, "CERTIFICATE", keys.getCertificate("it").getEncoded()),
                    pem(
                            folder,
                            "PRIVATE KEY",
                            keys.getKey("it", PASSWORD.toCharArray()).getEncoded()));
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        } catch (GeneralSecurityException | InterruptedException e) {
            throw new IllegalStateException(e);
        }
    }

    private static Path pem(Path folder, String what, byte[] bytes) throws IOException {
        var text = Base64.getMimeEncoder(64, new byte[] {10}).encodeToString(bytes);
        return Files.writeString(
                folder.resolve(what.replace(' ', '-') + ".pem"),
                "-----BEGIN " + what + "-----\n" + text + "\n-----END " + what + "-----\n");
    }
}
