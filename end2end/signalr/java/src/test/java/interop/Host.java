package interop;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse.BodyHandlers;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.concurrent.TimeUnit;

/** The interoperability host (server/signalr/examples/interop). */
final class Host implements AutoCloseable {
    /** Far above what any step takes, in seconds; who waits longer waits for ever. */
    static final int PATIENCE = 20;

    private final Process process;
    final String url;

    Host() throws IOException {
        String program = System.getenv("INTEROP");
        if (program == null) {
            throw new IOException("INTEROP must name the built example `interop` of the crate `signalr`");
        }
        process = new ProcessBuilder(program).redirectError(ProcessBuilder.Redirect.INHERIT).start();
        var lines = new BufferedReader(new InputStreamReader(process.getInputStream(), StandardCharsets.UTF_8));
        url = lines.readLine().replaceFirst(".*\"http\":\"([^\"]+)\".*", "$1");
    }

    /** What the client answers to `Result`, or the words of the refusal. */
    String clientResult(String connection) throws IOException, InterruptedException {
        var request = HttpRequest.newBuilder(URI.create(url + "/clientresult/" + connection))
            .timeout(Duration.ofSeconds(PATIENCE)).build();
        return HttpClient.newHttpClient().send(request, BodyHandlers.ofString()).body();
    }

    @Override
    public void close() throws Exception {
        process.destroy();
        if (!process.waitFor(PATIENCE, TimeUnit.SECONDS) || process.exitValue() != 0) {
            process.destroyForcibly();
            throw new IllegalStateException("the host did not stop cleanly");
        }
    }
}
