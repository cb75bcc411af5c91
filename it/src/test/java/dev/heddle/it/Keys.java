package dev.heddle.it;

import java.nio.file.Path;

/**
 * A key for localhost with a certificate that it has signed itself.
 *
 * @param store the file that holds both, with the password {@code changeit}
 * @param certificate the file that holds the certificate alone
 */
record Keys(String store, String certificate) {
    static Keys make(Path folder) {
        var keytool = Path.of(System.getProperty("java.home"), "bin", "keytool").toString();
        var store = folder.resolve("store.p12").toString();
        var certificate = folder.resolve("ca.pem").toString();
        Peers.run(
                keytool,
                "-genkeypair",
                "-alias",
                "a",
                "-keyalg",
                "EC",
                "-dname",
                "CN=localhost",
                "-ext",
                "san=dns:localhost",
                "-storetype",
                "PKCS12",
                "-keystore",
                store,
                "-storepass",
                "changeit");
        Peers.run(
                keytool,
                "-exportcert",
                "-rfc",
                "-alias",
                "a",
                "-keystore",
                store,
                "-storepass",
                "changeit",
                "-file",
                certificate);
        return new Keys(store, certificate);
    }
}
