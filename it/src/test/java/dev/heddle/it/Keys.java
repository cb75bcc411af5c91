package dev.heddle.it;

import java.io.File;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.GeneralSecurityException;
import java.security.KeyStore;
import java.security.cert.CertificateFactory;
import java.util.Base64;

import javax.net.ssl.SSLContext;
import javax.net.ssl.TrustManagerFactory;

/**
 * A key for this machine with a certificate that it has signed itself.
 *
 * @param store the file that holds both, with the password {@code changeit}
 * @param certificate the file that holds the certificate alone
 * @param key the file that holds the key alone
 */
record Keys(String store, String certificate, String key) {
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
                "san=dns:localhost,ip:127.0.0.1",
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
        return new Keys(store, certificate, writeKey(store, folder.resolve("key.pem")));
    }

    private static String writeKey(String store, Path file) {
        try {
            var password = "changeit".toCharArray();
            var key = KeyStore.getInstance(new File(store), password).getKey("a", password);
            Files.writeString(
                    file,
                    "-----BEGIN PRIVATE KEY-----\n"
                            + Base64.getMimeEncoder().encodeToString(key.getEncoded())
                            + "\n-----END PRIVATE KEY-----\n");
            return file.toString();
        } catch (GeneralSecurityException | IOException e) {
            throw new IllegalStateException(e);
        }
    }

    /** Trusts the certificate, and nothing else. */
    SSLContext trust() {
        try {
            var trusted = TrustManagerFactory.getInstance("PKIX");
            var authorities = KeyStore.getInstance("PKCS12");
            authorities.load(null, null);
            try (var in = Files.newInputStream(Path.of(certificate))) {
                authorities.setCertificateEntry(
                        "a", CertificateFactory.getInstance("X.509").generateCertificate(in));
            }
            trusted.init(authorities);
            var context = SSLContext.getInstance("TLS");
            context.init(null, trusted.getTrustManagers(), null);
            return context;
        } catch (GeneralSecurityException | IOException e) {
            throw new IllegalStateException(e);
        }
    }
}
